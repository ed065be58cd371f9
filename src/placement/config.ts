/** What of the configuration decides who is answered by which server. */
import type { ServerConfig } from "../config/mod.ts";

export type PlacementConfig = Pick<
  ServerConfig,
  // Who answers whom.
  | "children"
  | "transports"
  | "stateful"
  // How many servers there are, and for how long.
  | "maxChildren"
  | "queueTimeoutMs"
  | "prewarm"
  | "evictAfterMs"
  | "sessionTimeoutMs"
  // How they start, and start again.
  | "tryAtStart"
  | "exitOnFailure"
  | "startTimeoutMs"
  | "restart"
  | "restartDelay"
  | "retry"
  | "crash"
  // What they are told, and what is kept for them.
  | "protocolVersion"
  | "maxBufferedMessages"
  | "maxBufferedBytes"
  | "maxSubscriptions"
  | "maxUriChars"
  | "maxHandshakeChars"
  // Where clients and servers are of different eras.
  | "serverEra"
  | "eraProbeTimeoutMs"
  | "parkedTtlMs"
  | "maxParkedCalls"
  | "maxParkedPerPrincipal"
  | "maxInputRounds"
>;
