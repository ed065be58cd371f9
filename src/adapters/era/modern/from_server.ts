/** What a modern server says: whom of its clients each message reaches, and as a part of which request. */
import { cut, escaped, quoted } from "../../../base/outside.ts";
import type { Envelope } from "../../../core/channel.ts";
import { RpcCode } from "../../../core/errors.ts";
import { Method } from "../../../core/mcp/methods.ts";
import {
  errorOf,
  isRequest,
  isResponse,
  type JsonRpcNotification,
  type JsonRpcRequest,
} from "../../../core/message/jsonrpc.ts";
import type { ServerEnd } from "../../sharing/server_end.ts";
import type { ForwardedRequest } from "../../sharing/shared_client.ts";
import { type ModernRequests, relatedTo } from "./modern_requests.ts";
import { subscriptionIn, withSubscription } from "./subscription_id.ts";

export class FromServer {
  readonly #server: ServerEnd;
  readonly #requests: ModernRequests;

  constructor(server: ServerEnd, requests: ModernRequests) {
    this.#server = server;
    this.#requests = requests;
  }

  /** Gives it to whom it is for, refuses or drops it; waits for no client. */
  hear(envelope: Envelope): void {
    const { message, text, relatesTo } = envelope;
    if (isResponse(message)) return this.#requests.settle(envelope, message);
    if (isRequest(message)) return this.#refuse(message);
    // A remote says on the stream of a request what belongs to it.
    const asker = relatesTo === undefined ? undefined : this.#requests.askerOf(relatesTo);
    return this.#notification({ message, text }, message, asker);
  }

  /** It may be a server of both eras, which waits for an answer. */
  #refuse({ id, method }: JsonRpcRequest): void {
    this.#drop(`it asks for ${escaped(cut(method, 100))}, and servers ask nothing since 2026-07-28`);
    const message = `${
      quoted(method)
    } cannot be asked: what a request needs is told in its answer since 2026-07-28`;
    void this.#server.say(errorOf(id, { code: RpcCode.methodNotFound, message }));
  }

  #notification(envelope: Envelope, message: JsonRpcNotification, asker: ForwardedRequest | undefined): void {
    const { method } = message;
    if (method === Method.progress) return this.#requests.progress(envelope, message);
    if (method === Method.cancelled) return this.#requests.endStream(envelope, message);
    const subscription = subscriptionIn(message);
    if (subscription !== undefined) return this.#ofStream(envelope, message, subscription);
    if (method === Method.logged) return this.#logged(envelope, asker);
    // Even with one request in flight it may be about one that was answered before: never to a guess.
    if (!asker) return this.#drop(`nobody can be named as the receiver of ${escaped(cut(method, 100))}`);
    asker.client.deliver(relatedTo(asker, envelope));
  }

  #ofStream(envelope: Envelope, message: JsonRpcNotification, subscription: unknown): void {
    if (message.method === Method.logged) return this.#drop("it logs for a stream, which has no log");
    const asker = this.#requests.listenerOf(subscription);
    if (!asker) return this.#drop("it is of no open subscription");
    asker.client.deliver(relatedTo(asker, withSubscription(envelope, message, asker.id)));
  }

  /** Only a request that wants it may be told what is logged (2026-07-28, "Logging"). */
  #logged(envelope: Envelope, asker: ForwardedRequest | undefined): void {
    const { logAskers } = this.#requests;
    if (asker && !logAskers.has(asker)) return this.#drop("it logs for a request that asks for no log");
    const receiver = asker ?? logAskers.sole();
    if (!receiver) return this.#drop("it logs, and for which request cannot be told");
    receiver.client.deliver(relatedTo(receiver, envelope));
  }

  #drop(reason: string): void {
    this.#server.drop("down", reason);
  }
}
