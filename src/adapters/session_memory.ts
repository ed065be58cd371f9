/** What a server must be told again after it was opened again: handshake, subscriptions, log level. */
import type { Channel, Envelope } from "../core/channel.ts";
import { BackendError } from "../core/errors.ts";
import {
  cancelledId,
  isRequest,
  isResponse,
  type JsonRpcMessage,
  type JsonRpcRequest,
  type JsonRpcResponse,
  type Params,
  type RequestId,
} from "../core/jsonrpc.ts";

/** Takes what the server says besides the answers to the replay. */
type Pass = (envelope: Envelope) => Promise<void> | void;

interface Replay {
  readonly server: Channel;
  readonly messages: AsyncIterator<Envelope>;
  readonly pass: Pass;
}

/** Ids of our own must differ from every id of the client; nobody else says this. */
const REPLAY_ID = "keystone-replay:";

export class SessionMemory {
  /** The client's handshake that the server has accepted. */
  #accepted: JsonRpcRequest | undefined;
  #initialized = false;
  #level: Params | undefined;
  readonly #subscriptions = new Map<string, Params>();
  /** What is kept of a request once the server has accepted it: what it refuses is not for its successor either. */
  readonly #pending = new Map<RequestId, () => void>();
  #lastId = 0;

  /** True once the server has accepted the client's handshake. */
  get established(): boolean {
    return this.#accepted !== undefined;
  }

  /** Sees what the client says. */
  note(message: JsonRpcMessage): void {
    if (!("method" in message)) return;
    if (isRequest(message)) return this.#noteRequest(message);
    if (message.method === "notifications/initialized") this.#initialized = true;
    else this.#pending.delete(cancelledId(message) ?? NaN);
  }

  /** Sees what the client is answered. A refused handshake leaves the one before it in force. */
  noteAnswer(message: JsonRpcResponse): void {
    if (this.#pending.size === 0 || message.id === null) return;
    const keep = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if ("result" in message) keep?.();
  }

  /** Plays everything to a new server. Throws BackendError when it does not accept the handshake. */
  async replay(server: Channel, messages: AsyncIterator<Envelope>, pass: Pass): Promise<void> {
    if (!this.#accepted) return;
    const ask = (method: string, params?: Params) => this.#ask({ server, messages, pass }, method, params);
    await ask("initialize", this.#accepted.params);
    if (this.#initialized) {
      await server.send({ message: { jsonrpc: "2.0", method: "notifications/initialized" } });
    }
    if (this.#level) await ask("logging/setLevel", this.#level);
    for (const params of this.#subscriptions.values()) {
      await ask("resources/subscribe", params);
    }
  }

  #noteRequest(message: JsonRpcRequest): void {
    const keep = this.#keeping(message);
    if (keep) this.#pending.set(message.id, keep);
  }

  #keeping(message: JsonRpcRequest): (() => void) | undefined {
    switch (message.method) {
      case "initialize":
        return () => this.#begin(message);
      case "logging/setLevel":
        return () => void (this.#level = paramsOf(message));
      case "resources/subscribe":
        return () => void this.#subscriptions.set(String(message.params?.uri), paramsOf(message));
      case "resources/unsubscribe":
        return this.#unsubscribing(String(message.params?.uri));
    }
  }

  /** At once, since a server that is gone need not agree; and again, should it agree to a subscription meanwhile. */
  #unsubscribing(uri: string): () => void {
    this.#subscriptions.delete(uri);
    return () => void this.#subscriptions.delete(uri);
  }

  #begin(message: JsonRpcRequest): void {
    this.#accepted = message;
    this.#initialized = false;
    this.#level = undefined;
    this.#subscriptions.clear();
  }

  async #ask({ server, messages, pass }: Replay, method: string, params: Params | undefined): Promise<void> {
    const id = `${REPLAY_ID}${++this.#lastId}`;
    await server.send({ message: { jsonrpc: "2.0", id, method, ...(params && { params }) } });
    for (let next = await messages.next(); !next.done; next = await messages.next()) {
      const { message, undelivered } = next.value;
      if (!isResponse(message) || message.id !== id) await pass(next.value);
      // A subscription that the new server refuses must not keep everything else from working.
      else if ("error" in message && method === "initialize") {
        const { status = 0, retryAfterMs } = undelivered ?? {};
        // A client error will not go away by asking again: an expired token must not lock its account.
        const permanent = status >= 400 && status < 500 && status !== 408 && status !== 429;
        throw new BackendError(message.error.message, { retryAfterMs, permanent });
      } else return;
    }
    throw new BackendError("The MCP server closed the connection during the handshake");
  }
}

/** A token that asked for progress then would be used twice. */
function paramsOf({ params: { _meta, ...params } = {} }: JsonRpcRequest): Params {
  return params;
}
