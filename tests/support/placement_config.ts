/** What a placement is told, with waits that no test has to sit out. */
import type { PlacementConfig } from "../../src/placement/config.ts";

export const PLACEMENT: PlacementConfig = {
  ...{ children: "auto", transports: ["streamableHttp", "ws"], stateful: false },
  ...{ maxChildren: 10, queueTimeoutMs: 600_000, prewarm: 0, evictAfterMs: 1_000, sessionTimeoutMs: 60_000 },
  ...{ tryAtStart: false, exitOnFailure: false, startTimeoutMs: 60_000 },
  ...{ restart: "on-failure", restartDelay: { firstDelayMs: 1, maxDelayMs: 5 } },
  retry: { attempts: 3, firstDelayMs: 1, maxDelayMs: 5 },
  crash: { limit: 5, windowMs: 60_000, probeMs: 60_000 },
  ...{ protocolVersion: "2025-11-25", maxBufferedMessages: 100, maxBufferedBytes: 1 << 26 },
  ...{ maxSubscriptions: 10, maxUriChars: 1_024, maxHandshakeChars: 10_000 },
  ...{ serverEra: "auto", eraProbeTimeoutMs: 60_000 },
  ...{ parkedTtlMs: 60_000, maxParkedCalls: 10, maxParkedPerPrincipal: 10, maxInputRounds: 8 },
};
