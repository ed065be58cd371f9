/** What a server must be told again after it was opened again: handshake, subscriptions, log level. */
import type { InTurn } from "../../base/in_turn.ts";
import { optionName } from "../../base/option_name.ts";
import type { Channel, Envelope } from "../../core/channel.ts";
import { BackendError, type GatewayError, RequestError } from "../../core/errors.ts";
import { cancelledId, initialized, isHandshake, isInitialized } from "../../core/mcp/messages.ts";
import { Method } from "../../core/mcp/methods.ts";
import {
  answersSole,
  isRequest,
  type JsonRpcRequest,
  type JsonRpcResponse,
  type Params,
  type RequestId,
} from "../../core/message/jsonrpc.ts";
import { parseAgain } from "../../core/message/parse.ts";
import { jsonOf } from "../../wire/anew.ts";
import { answerEarly } from "../early_requests.ts";
import { type SubscriptionLimits, subscriptionRefusal } from "../subscription_limits.ts";

/** How much of one session is remembered. */
export interface MemoryLimits extends SubscriptionLimits {
  /** Of what the client says of itself in `initialize`. */
  readonly maxHandshakeChars: number;
}

/** Takes what the server says besides the answers to the replay. */
type Pass = (envelope: Envelope) => Promise<void> | void;

/** A server that is new, and whoever has to do with it. */
interface Replay {
  readonly server: Channel;
  readonly messages: InTurn<Envelope>;
  readonly pass: Pass;
  /** Whether a request of the client waits under this id. */
  readonly isOpen: (id: RequestId) => boolean;
}

/** What becomes of a request that is kept once the server has accepted it. */
interface Pending {
  readonly keep: () => void;
  readonly subscribes: boolean;
}

/**
 * From here on downwards, past those that are open: integers, since some servers read no other id, and within 31 bits for
 * those that keep them in an `int`. Clients count upwards, so the new server will hardly hear one a second time.
 */
const FIRST_REPLAY_ID = 2 ** 31 - 1;
/** The name of a level is far shorter; what is longer is none, and not worth a memory. */
const MAX_LEVEL_CHARS = 100;

export class SessionMemory {
  readonly #limits: MemoryLimits;
  /** The params of the client's handshake that the server has accepted, as text: parsed they may be twenty times as large. */
  #accepted: string | undefined;
  #initialized = false;
  /** Params as well, the log level and those of each uri. */
  #level: string | undefined;
  readonly #subscriptions = new Map<string, string>();
  /** What is kept of a request once the server has accepted it: what it refuses is not for its successor either. */
  readonly #pending = new Map<RequestId, Pending>();
  /** How many of the pending are for subscriptions. */
  #subscribing = 0;
  #nextId = FIRST_REPLAY_ID;

  constructor(limits: MemoryLimits) {
    this.#limits = limits;
  }

  /** True once the server has accepted the client's handshake. */
  get established(): boolean {
    return this.#accepted !== undefined;
  }

  /** Why what the client says is not passed on: there would be too much to remember; or undefined. */
  refusal(message: JsonRpcRequest): GatewayError | undefined {
    const { method, params = {} } = message;
    if (isHandshake(message)) return this.#handshakeRefusal(params);
    // The server says what it thinks of one without a uri.
    if (method !== Method.subscribe || typeof params.uri !== "string") return undefined;
    const others = this.#subscriptions.size + this.#subscribing -
      (this.#subscriptions.has(params.uri) ? 1 : 0);
    return subscriptionRefusal(params, others, this.#limits);
  }

  #handshakeRefusal(params: Params): GatewayError | undefined {
    const { maxHandshakeChars } = this.#limits;
    const size = JSON.stringify(params).length;
    if (size <= maxHandshakeChars) return undefined;
    return new RequestError(
      `What initialize says may have ${maxHandshakeChars} characters (${
        optionName("maxHandshakeSize")
      }), and this has ${size}`,
    );
  }

  /** Sees what the client says. */
  note(envelope: Envelope): void {
    const { message } = envelope;
    if (!("method" in message)) return;
    if (isRequest(message)) return this.#noteRequest(envelope, message);
    if (isInitialized(message)) this.#initialized = true;
    else this.#takePending(cancelledId(message) ?? NaN);
  }

  /** Sees what the client is answered. A refused handshake leaves the one before it in force. */
  noteAnswer(message: JsonRpcResponse): void {
    if (this.#pending.size === 0 || message.id === null) return;
    const pending = this.#takePending(message.id);
    if ("result" in message) pending?.keep();
  }

  /**
   * Plays everything to a new server; gives its answer to the handshake, where there was one. Throws BackendError when it
   * does not accept that.
   */
  async replay(replay: Replay): Promise<Envelope | undefined> {
    if (this.#accepted === undefined) return undefined;
    const { server } = replay;
    const ask = (method: string, params: string) => this.#ask(replay, method, params);
    const answer = await ask(Method.initialize, this.#accepted);
    if (this.#initialized) await server.send({ message: initialized() });
    if (this.#level) await ask(Method.setLevel, this.#level);
    for (const params of this.#subscriptions.values()) {
      await ask(Method.subscribe, params);
    }
    return answer;
  }

  #noteRequest(envelope: Envelope, message: JsonRpcRequest): void {
    const keep = this.#keeping(envelope, message);
    if (!keep) return;
    this.#takePending(message.id);
    const subscribes = message.method === Method.subscribe;
    if (subscribes) this.#subscribing++;
    this.#pending.set(message.id, { keep, subscribes });
  }

  #takePending(id: RequestId): Pending | undefined {
    const pending = this.#pending.get(id);
    if (!pending) return undefined;
    this.#pending.delete(id);
    if (pending.subscribes) this.#subscribing--;
    return pending;
  }

  /** What is to be kept of it, and nothing else of the message: it may be large. */
  #keeping(envelope: Envelope, message: JsonRpcRequest): (() => void) | undefined {
    const { method, params = {} } = message;
    if (isHandshake(message)) return this.#beginning(jsonOf(envelope, message, paramsOf));
    if (method === Method.setLevel) return this.#settingLevel(params.level);
    const { uri } = params;
    if (typeof uri !== "string") return undefined;
    if (method === Method.subscribe) {
      return this.#subscription(uri, jsonOf(envelope, message, lastingParamsOf));
    }
    return method === Method.unsubscribe ? this.#unsubscribing(uri) : undefined;
  }

  /** At once, since a server that is gone need not agree; and again, should it agree to a subscription meanwhile. */
  #unsubscribing(uri: string): () => void {
    this.#subscriptions.delete(uri);
    return () => void this.#subscriptions.delete(uri);
  }

  #subscription(uri: string, params: string): () => void {
    return () => void this.#subscriptions.set(uri, params);
  }

  #settingLevel(level: unknown): (() => void) | undefined {
    if (typeof level !== "string" || level.length > MAX_LEVEL_CHARS) return undefined;
    return () => void (this.#level = JSON.stringify({ level }));
  }

  #beginning(params: string): () => void {
    return () => {
      this.#accepted = params;
      this.#initialized = false;
      this.#level = undefined;
      this.#subscriptions.clear();
    };
  }

  async #ask(replay: Replay, method: string, params: string): Promise<Envelope> {
    const { server, messages } = replay;
    const id = this.#freeId(replay);
    const text = `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":${params}}`;
    const handshakes = isHandshake({ method });
    await server.send({ message: parseAgain(text), text });
    const answer = await messages.seek((envelope) => answerIn(envelope, replay, { id, handshakes }));
    if (!answer) throw new BackendError("The MCP server closed the connection during the handshake");
    return answer;
  }

  #freeId({ isOpen }: Replay): number {
    while (isOpen(this.#nextId)) this.#nextId--;
    return this.#nextId--;
  }
}

interface Asked {
  readonly id: RequestId;
  readonly handshakes: boolean;
}

/** The envelope, if it is the answer; what else the server says is passed on. */
async function answerIn(
  envelope: Envelope,
  { server, pass }: Replay,
  { id, handshakes }: Asked,
): Promise<Envelope | undefined> {
  const { message, undelivered } = envelope;
  if (isRequest(message) && handshakes) await answerEarly(server, message);
  else if (!answersSole(message, id)) await pass(envelope);
  // Only a refused handshake is an error: without one subscription the rest still works.
  else if ("error" in message && handshakes) {
    const { again = "later", afterMs: retryAfterMs } = undelivered ?? {};
    // Permanent, so not retried: an expired token could lock its account, and a session lost so early is lost again.
    throw new BackendError(message.error.message, { retryAfterMs, permanent: again !== "later" });
  } else return envelope;
}

function paramsOf({ params = {} }: JsonRpcRequest): Params {
  return params;
}

/** Without `_meta`: its progress token was for the first time only. */
function lastingParamsOf({ params: { _meta, ...params } = {} }: JsonRpcRequest): Params {
  return params;
}
