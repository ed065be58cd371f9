/** The requests that clients wait for at a modern server: what is open, what of it is a stream, and who wants to hear logs. */
import { Table } from "../../../base/table.ts";
import type { Envelope } from "../../../core/channel.ts";
import { cancellation, cancelledId, endOfLasting, withCancelledId } from "../../../core/mcp/messages.ts";
import { Method } from "../../../core/mcp/methods.ts";
import {
  isId,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type JsonRpcResponse,
  otherTypeOf,
  type RequestId,
} from "../../../core/message/jsonrpc.ts";
import { anew } from "../../../wire/anew.ts";
import { withAnswerId } from "../../../wire/answer_id.ts";
import { ForwardedRequests, underServerId } from "../../sharing/forwarded_requests.ts";
import type { ServerEnd } from "../../sharing/server_end.ts";
import type { ForwardedRequest, SharedClient } from "../../sharing/shared_client.ts";
import { LogAskers } from "./log_askers.ts";
import { inStream, withListenId } from "./subscription_id.ts";
import { withRequestMeta } from "./with_request_meta.ts";

export class ModernRequests {
  readonly logAskers = new LogAskers();
  readonly #server: ServerEnd;
  readonly #forwarded: ForwardedRequests;
  /** Those of `subscriptions/listen`, which are answered when their stream ends. */
  readonly #listens = new Table<number, ForwardedRequest>();

  constructor(server: ServerEnd) {
    this.#server = server;
    this.#forwarded = new ForwardedRequests(server);
  }

  /** Whose open request the server was sent under this id. */
  askerOf(serverId: RequestId): ForwardedRequest | undefined {
    return this.#forwarded.askerOf(serverId);
  }

  /** Whose stream has this id at the server, which may have changed its type. */
  listenerOf(subscription: unknown): ForwardedRequest | undefined {
    if (!isId(subscription)) return undefined;
    const id = typeof subscription === "string" ? otherTypeOf(subscription) : subscription;
    return typeof id === "number" ? this.#listens.get(id) : undefined;
  }

  isOpen(client: SharedClient, id: RequestId): boolean {
    return this.#forwarded.isOpen(client, id);
  }

  // --- up ---

  /** Sends a client's request to the server; what belongs to it is the client's alone. */
  pass(client: SharedClient, envelope: Envelope, message: JsonRpcRequest): Promise<void> | void {
    const request = this.#forwarded.enter(client, message);
    if (message.method === Method.listen) this.#listens.set(request.serverId, request);
    else this.logAskers.add(request, message);
    return this.#server.send(underServerId(envelope, message, request));
  }

  /** A client takes one of its requests back. */
  cancel(client: SharedClient, envelope: Envelope, message: JsonRpcNotification): Promise<void> | void {
    const id = cancelledId(message);
    const request = id === undefined ? undefined : this.#forwarded.take(client, id);
    if (!request || !("serverId" in request)) {
      return this.#server.drop("up", "it cancels a request that is not open");
    }
    this.#takenBack(request);
    const { serverId } = request;
    const named = (said: JsonRpcNotification) => withRequestMeta(withCancelledId(said, serverId));
    return this.#server.send(anew(envelope, message, named));
  }

  /** A client that leaves takes its open requests along. */
  leave(client: SharedClient): void {
    for (const request of this.#forwarded.takeAll(client)) {
      if (!("serverId" in request)) continue;
      this.#takenBack(request);
      const message = cancellation(request.serverId, "The client is gone");
      void this.#server.say(withRequestMeta(message));
    }
  }

  #takenBack(request: ForwardedRequest): void {
    this.#listens.take(request.serverId);
    this.logAskers.takenBack(request, this.#forwarded.lastId);
  }

  // --- down ---

  /** Gives an answer to the client that waits for it. */
  settle(envelope: Envelope, message: JsonRpcResponse): void {
    const request = this.#forwarded.settle(envelope, message);
    if (!request) return;
    this.logAskers.answered(request);
    const { client, id, serverId } = request;
    const answer = this.#listens.take(serverId)
      ? withListenId(envelope, message, id)
      : withAnswerId(envelope, message, id);
    if (envelope.undelivered) answer.undelivered = envelope.undelivered;
    client.deliver(relatedTo(request, answer));
  }

  progress(envelope: Envelope, message: JsonRpcNotification): void {
    const reported = this.#forwarded.progress(envelope, message);
    if (!reported) return;
    const { asker, report } = reported;
    asker.client.deliver(relatedTo(asker, report));
  }

  /**
   * The server has torn a stream down, which it says in this way for nothing else ("Cancellation"). It need not answer
   * any more then, and every request gets its answer here.
   */
  endStream(envelope: Envelope, message: JsonRpcNotification): void {
    const asker = this.listenerOf(cancelledId(message));
    if (!asker) return this.#server.drop("down", "it cancels what is no open subscription");
    const { client, id, serverId } = asker;
    this.#forwarded.take(client, id);
    this.#listens.take(serverId);
    const named = (said: JsonRpcNotification) => inStream(withCancelledId(said, id), id);
    client.deliver(relatedTo(asker, anew(envelope, message, named)));
    client.deliver(relatedTo(asker, { message: endOfLasting(id) }));
  }
}

/** The message as one that belongs to this request, on whose stream an HTTP frontend brings it. */
export function relatedTo({ id }: ForwardedRequest, envelope: Envelope): Envelope {
  envelope.relatesTo = id;
  return envelope;
}
