/** What all remote backends are configured with. */
import type { Sink } from "../../core/events.ts";
import type { MessageLimits } from "../../core/message/message_limits.ts";
import type { Retry } from "../../base/retry.ts";
import type { HttpClient } from "./http_client.ts";

/** So long a message waits for the acknowledgement of the one before it, which keeps their order. */
export const ORDER_MS = 1_000;

/** So many tools of a server are remembered with what their calls have in headers, unless told otherwise. */
export const MAX_MIRRORED_TOOLS = 1_000;

export interface RemoteOptions {
  readonly url: URL;
  readonly client: HttpClient;
  /** The longest message, event or JSON answer. */
  readonly maxMessageBytes: number;
  /** Of a message's structure; the usual ones by default. */
  readonly serverLimits?: MessageLimits | undefined;
  /** How long a connection may take to be established; an answer may take longer. */
  readonly connectTimeoutMs: number;
  /** For streams that broke. */
  readonly retry: Retry;
  /** Of how many tools it is remembered which arguments their calls have in headers, too (2026-07-28). */
  readonly maxMirroredTools?: number | undefined;
  readonly emit: Sink;
}
