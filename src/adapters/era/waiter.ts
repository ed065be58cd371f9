/** Who waits for the outcome of a call: after each question it is another request, maybe on another connection. */
import type { Envelope } from "../../core/channel.ts";
import { requestedToken } from "../../core/mcp/messages.ts";
import type { RequestMeta } from "../../core/mcp/request_meta.ts";
import type { JsonRpcRequest, ProgressToken, RequestId } from "../../core/message/jsonrpc.ts";

/** One request of a connection, as whoever works on it sees it. */
export class Waiter {
  readonly id: RequestId;
  readonly meta: RequestMeta;
  readonly token: ProgressToken | undefined;
  readonly #connection: Answering;

  constructor(message: JsonRpcRequest, meta: RequestMeta, connection: Answering) {
    this.id = message.id;
    this.meta = meta;
    this.token = requestedToken(message);
    this.#connection = connection;
  }

  /** Answers the request: nothing comes after that. */
  answer(envelope: Envelope): void {
    this.#connection.answer(this.id, envelope);
  }

  /** Tells what belongs to the request. */
  tell(envelope: Envelope): void {
    envelope.relatesTo = this.id;
    this.#connection.tell(envelope);
  }
}

/** The connection that the request came by. */
interface Answering {
  answer(id: RequestId, envelope: Envelope): void;
  tell(envelope: Envelope): void;
}
