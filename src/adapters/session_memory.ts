/** What a server must be told again after it was opened again: handshake, subscriptions, log level. */
import type { Channel, Envelope } from "../core/channel.ts";
import { BackendError } from "../core/errors.ts";
import {
  isRequest,
  isResponse,
  type JsonRpcMessage,
  type JsonRpcRequest,
  type JsonRpcResponse,
  type Params,
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
  /** The client's handshake that the server has accepted, and the one that it has not answered yet. */
  #accepted: JsonRpcRequest | undefined;
  #offered: JsonRpcRequest | undefined;
  #initialized = false;
  #level: Params | undefined;
  readonly #subscriptions = new Map<string, Params>();
  #lastId = 0;

  /** True once the server has accepted the client's handshake. */
  get established(): boolean {
    return this.#accepted !== undefined;
  }

  /** Keeps what the client says, where it matters later. */
  note(message: JsonRpcMessage): void {
    if (!("method" in message)) return;
    const { method, params = {} } = message;
    if (method === "notifications/initialized") this.#initialized = true;
    if (!isRequest(message)) return;
    if (method === "initialize") this.#offered = message;
    if (method === "logging/setLevel") this.#level = params;
    if (method === "resources/subscribe") this.#subscriptions.set(String(params.uri), params);
    if (method === "resources/unsubscribe") this.#subscriptions.delete(String(params.uri));
  }

  /** Keeps what the client is answered, where it matters later. A refused handshake leaves the one before it in force. */
  noteAnswer(message: JsonRpcResponse): void {
    if (this.#offered === undefined || message.id !== this.#offered.id) return;
    if ("result" in message) this.#begin(this.#offered);
    this.#offered = undefined;
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
