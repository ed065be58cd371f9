/** What a shared server says: whom of its clients each message reaches. */
import type { Envelope } from "../../core/channel.ts";
import { isListChanged, Method } from "../../core/mcp/methods.ts";
import {
  isObject,
  isRequest,
  isResponse,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type JsonRpcResponse,
  resultOf,
} from "../../core/message/jsonrpc.ts";
import { cut, escaped } from "../../base/outside.ts";
import type { SharedClient } from "./shared_client.ts";
import type { SharedParts } from "./shared_parts.ts";
import { Left, type Withdrawer } from "./withdrawn_requests.ts";

export class ServerMessages {
  readonly #parts: SharedParts;

  constructor(parts: SharedParts) {
    this.#parts = parts;
  }

  /** Gives it to whom it is for, answers it or drops it; waits for no client. */
  hear({ message, text, relatesTo, introduces }: Envelope): void {
    const envelope: Envelope = { message, text };
    if (introduces) return this.#meet(envelope);
    if (isResponse(message)) return this.#response(envelope, message);
    // A remote says on the stream of a call what belongs to it.
    const asker = relatesTo === undefined ? undefined : this.#parts.requests.askerOf(relatesTo);
    if (asker) envelope.relatesTo = asker.id;
    return isRequest(message)
      ? this.#request(envelope, message, asker?.client)
      : this.#notification(envelope, message, asker?.client);
  }

  /** Clients who come from now on are told of the server that they will speak to. */
  #meet({ message, text }: Envelope): void {
    if ("result" in message && isObject(message.result)) this.#parts.initialized = { message, text };
  }

  #response(envelope: Envelope, message: JsonRpcResponse): void {
    const client = this.#parts.requests.settle(envelope, message);
    if (!client) return;
    this.#parts.asked.settled(client);
    if ("error" in message) this.#parts.asked.elicitations.note(client, message);
  }

  #request(envelope: Envelope, message: JsonRpcRequest, asker: SharedClient | undefined): void {
    const { server, requests, asked, members } = this.#parts;
    if (message.method === Method.ping) return void server.say(resultOf(message.id, {}));
    const askers = asker ? () => [asker] : () => requests.askers();
    asked.ask(envelope, message, { askers, sessions: () => members.sessions() });
  }

  #notification(envelope: Envelope, message: JsonRpcNotification, asker: SharedClient | undefined): void {
    const { requests, asked, subscriptions, members: { onlyClient } } = this.#parts;
    const { method } = message;
    if (method === Method.progress) return requests.progress(envelope, message);
    if (method === Method.cancelled) return asked.cancel(envelope, message);
    if (onlyClient?.kind === "alone") return onlyClient.deliver(envelope);
    const isUpdate = method === Method.resourceUpdated;
    const tooLong = isUpdate ? subscriptions.tooLong(message.params?.uri) : undefined;
    if (tooLong !== undefined) return this.#drop(tooLong);
    if (isListChanged(method)) return this.#listChanged(envelope);
    // Even with one request in flight it may be about one that was answered before: never to a guess.
    if (!this.#spread(envelope, message, asker)) {
      this.#drop(`nobody can be named as the receiver of ${escaped(cut(method, 100))}`);
    }
  }

  /** Gives a notification to all whom it is for; false when there is nobody. */
  #spread(envelope: Envelope, message: JsonRpcNotification, asker: SharedClient | undefined): boolean {
    const { asked, subscriptions, logLevel, members: { onlyClient } } = this.#parts;
    const { method } = message;
    if (method === Method.resourceUpdated) return subscriptions.updated(envelope, message);
    if (method === Method.elicitationComplete) {
      return asked.elicitations.complete(envelope, message);
    }
    if (method === Method.logged) {
      return asker
        ? logLevel.loggedFor(asker, envelope, message)
        : logLevel.logged(envelope, message, { other: onlyClient, call: this.#soleCall() });
    }
    const receiver = asker ?? onlyClient;
    receiver?.deliver(envelope);
    return receiver !== undefined;
  }

  /** The one client that has a request open; undefined where there are several, or none. */
  #soleCall(): SharedClient | undefined {
    let sole: Withdrawer | undefined;
    for (const asker of this.#parts.requests.askers()) {
      if (sole && asker !== sole) return undefined;
      sole = asker;
    }
    return sole instanceof Left ? undefined : sole;
  }

  /** Whoever comes later asks for the list as it is then: many a server says this at its start, to nobody. */
  #listChanged(envelope: Envelope): void {
    const receivers = [...this.#parts.members.sessions()].filter(({ initialized }) => initialized);
    for (const client of receivers) client.deliver({ ...envelope });
    if (receivers.length === 0) {
      this.#drop("nobody is there who has seen the list", { harmless: true });
    }
  }

  #drop(reason: string, more?: { readonly harmless: true }): void {
    this.#parts.server.drop("down", reason, more);
  }
}
