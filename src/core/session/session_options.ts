/** What all sessions of a gateway have in common: one object for all, since an idle session should cost little. */
import type { AdmittedClient, Peer } from "../backend.ts";
import type { Channel, Envelope } from "../channel.ts";
import type { GatewayError } from "../errors.ts";
import type { Era } from "../mcp/revisions.ts";
import type { MessagePolicy } from "../policy.ts";
import type { RequestLimits } from "./open_table.ts";

/** How a session opens its server. */
export interface Opening {
  /** In which its client speaks. */
  readonly era: Era;
  /** Ends the opening. */
  readonly signal: AbortSignal;
}

/** The deadlines are for what clients ask. */
export interface SessionOptions extends RequestLimits {
  /** Called at the first message, not before: a client that says nothing costs no server. */
  readonly openServer: (admitted: AdmittedClient, opening: Opening) => Promise<Channel>;
  /** None by default. */
  readonly policy?: MessagePolicy | undefined;
  /** Has its say in the server's answer to the handshake, before the client hears it. */
  readonly greet?: ((answer: Envelope) => void) | undefined;
  /** Why no new request of the client may begin, or undefined; always one may by default. */
  readonly refusal?: (() => GatewayError | undefined) | undefined;
  /** Called as soon as a session has ended; it may still be freeing what it held. */
  readonly onEnded?: ((peer: Peer) => void) | undefined;
}
