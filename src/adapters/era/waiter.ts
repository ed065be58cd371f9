/** Who waits for the outcome of a call: after each question it is another request, maybe on another connection. */
import type { Envelope } from "../../core/channel.ts";
import type { RequestMeta } from "../../core/mcp/request_meta.ts";
import type { ProgressToken, RequestId } from "../../core/message/jsonrpc.ts";

export interface Waiter {
  readonly id: RequestId;
  readonly meta: RequestMeta;
  readonly token: ProgressToken | undefined;
  /** Answers the request: nothing comes after that. */
  answer(envelope: Envelope): void;
  /** Tells what belongs to the request; false where nobody is there any more. */
  tell(envelope: Envelope): void;
}
