/** What the clients of a shared server say: whose business each message is, and what of it the server may hear. */
import type { Envelope } from "../../core/channel.ts";
import { stillOpen, toRpcError } from "../../core/errors.ts";
import { isHandshake } from "../../core/mcp/messages.ts";
import { Method } from "../../core/mcp/methods.ts";
import {
  errorOf,
  isRequest,
  isResponse,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type JsonRpcResult,
  objectIn,
  type Params,
  resultOf,
} from "../../core/message/jsonrpc.ts";
import { anew, rewritten } from "../../wire/anew.ts";
import { askableIn } from "./asked_requests.ts";
import { withKnownKeys } from "./known_keys.ts";
import { initializeResult, methodRefusal, needsId, withoutTask } from "./shared_capabilities.ts";
import type { SharedClient } from "./shared_client.ts";
import type { SharedParts } from "./shared_parts.ts";

export class ClientMessages {
  readonly #parts: SharedParts;
  readonly #versions: readonly string[];

  /** `versions` are the revisions that a client may be told. */
  constructor(parts: SharedParts, versions: readonly string[]) {
    this.#parts = parts;
    this.#versions = versions;
  }

  /** Passes on, answers, refuses or drops what a client says. Throws as the server's channel does. */
  hear(client: SharedClient, said: Envelope): Promise<void> | void {
    const envelope = withKnownKeys(said);
    if (envelope !== said) this.#drop("a part of it, with a key that the server may take for another");
    const { message } = envelope;
    if (isResponse(message)) return this.#parts.asked.answer(client, envelope, message);
    return isRequest(message)
      ? this.#request(client, envelope, message)
      : this.#notification(client, envelope, message);
  }

  #request(client: SharedClient, envelope: Envelope, message: JsonRpcRequest): Promise<void> | void {
    const { requests, logLevel } = this.#parts;
    const { id, method } = message;
    const refusal = requests.isOpen(client, id)
      ? toRpcError(stillOpen(id))
      : methodRefusal(method, client.kind);
    if (refusal) return client.deliver({ message: errorOf(id, refusal) });
    if (isHandshake(message)) return this.#initialize(client, message);
    if (client.kind === "alone") return this.#pass(client, envelope, message);
    if (method === Method.setLevel) return logLevel.set(client, envelope, message);
    if (method === Method.subscribe || method === Method.unsubscribe) {
      return this.#subscription(client, envelope, message);
    }
    return this.#pass(client, envelope, message);
  }

  #pass(client: SharedClient, envelope: Envelope, message: JsonRpcRequest): Promise<void> | void {
    const plain = withoutTask(envelope, message);
    return this.#parts.requests.pass(client, plain.envelope, plain.message);
  }

  #subscription(client: SharedClient, envelope: Envelope, message: JsonRpcRequest): Promise<void> | void {
    const { requests, subscriptions } = this.#parts;
    const { method, params } = message;
    const uri = params?.uri;
    // For the server's error, and written anew: to another reader its text might name a uri.
    if (typeof uri !== "string") return requests.pass(client, rewritten(envelope, message), message);
    return method === Method.subscribe
      ? subscriptions.subscribe(client, envelope, message, uri)
      : subscriptions.unsubscribe(client, envelope, message, uri);
  }

  /** As `initialize` and what a client says after it, without a message. */
  introduce(client: SharedClient, capabilities: Params): Params {
    client.askable = askableIn(capabilities);
    client.initialized = true;
    const { result } = this.#parts.initialized.message;
    return objectIn(result);
  }

  #initialize(client: SharedClient, { id, params }: JsonRpcRequest): void {
    const { initialized } = this.#parts;
    const { protocolVersion: asked, capabilities } = params ?? {};
    client.askable = askableIn(capabilities);
    const question = { kind: client.kind, asked, versions: this.#versions };
    const answer = ({ result }: JsonRpcResult) => resultOf(id, initializeResult(result, question));
    client.deliver(anew(initialized, initialized.message, answer));
  }

  /** Written anew: their text might say something else to the server than it says to us. */
  #notification(
    client: SharedClient,
    envelope: Envelope,
    message: JsonRpcNotification,
  ): Promise<void> | void {
    const { server, requests, asked } = this.#parts;
    switch (message.method) {
      case Method.initialized:
        client.initialized = true;
        return;
      case Method.cancelled:
        return requests.cancel(client, envelope, message);
      case Method.progress:
        return asked.progress(client, rewritten(envelope, message), message);
      case Method.rootsChanged:
        return this.#rootsChanged(client, rewritten(envelope, message));
      default:
        if (needsId(message.method)) return this.#drop(`${message.method} has no id`);
        return server.send(rewritten(envelope, message));
    }
  }

  /** The server would ask again for roots, and could not say whose it means. */
  #rootsChanged(client: SharedClient, envelope: Envelope): Promise<void> | void {
    const { server, members } = this.#parts;
    if (members.isSoleSession(client)) return server.send(envelope);
    return this.#drop("the roots of one client are not those of the others");
  }

  #drop(reason: string): void {
    this.#parts.server.drop("up", reason);
  }
}
