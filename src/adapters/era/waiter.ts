/** Who waits for the outcome of a call: after each question it is another request, maybe on another connection. */
import type { Envelope } from "../../core/channel.ts";
import type { RequestMeta } from "../../core/mcp/request_meta.ts";
import type { ProgressToken, RequestId } from "../../core/message/jsonrpc.ts";

/** One request of a connection, as whoever works on it sees it. */
export interface Waiter {
  readonly id: RequestId;
  readonly meta: RequestMeta;
  /** Under which it wants to hear of progress; undefined where it does not. */
  readonly token: ProgressToken | undefined;
  /** Answers the request: nothing comes after that. */
  answer(envelope: Envelope): void;
  /** Tells what belongs to the request. */
  tell(envelope: Envelope): void;
}
