/**
 * Many clients on one server: each message reaches whom it is for and nobody else. What that takes is kept in parts,
 * one for each thing that clients share; this is the hub that knows which message is whose business.
 */
import { Chain, type LinkTo } from "../../base/chain.ts";
import type { BufferLimits, Channel, Envelope } from "../../core/channel.ts";
import { DisconnectedError, GatewayError, stillOpen, toRpcError } from "../../core/errors.ts";
import type { Sink } from "../../core/events.ts";
import {
  errorOf,
  isObject,
  isRequest,
  isResponse,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type JsonRpcResponse,
  type JsonRpcResult,
  resultOf,
} from "../../core/message/jsonrpc.ts";
import { each } from "../../base/queue.ts";
import { anew, rewritten } from "../../wire/anew.ts";
import type { ResultEnvelope } from "../handshake.ts";
import type { SubscriptionLimits } from "../subscription_limits.ts";
import { askableIn, AskedRequests } from "./asked_requests.ts";
import { withKnownKeys } from "./known_keys.ts";
import { initializeResult, needsId, refusalOf, withoutTask } from "./shared_capabilities.ts";
import { type ClientKind, type HubSide, SharedChannel } from "./shared_channel.ts";
import { SharedLogLevel } from "./shared_log_level.ts";
import { SharedRequests } from "./shared_requests.ts";
import { HubServer } from "./hub_server.ts";
import { SharedSubscriptions } from "./shared_subscriptions.ts";
import { cut, escaped } from "../../base/outside.ts";

/** The limits are those of what waits for one client, before it is given up; not of what waits for the server. */
export interface MultiplexOptions extends BufferLimits, SubscriptionLimits {
  /** The server; `incoming` may be an iterator that a handshake has begun to read. */
  readonly server: Channel;
  readonly incoming: AsyncIterable<Envelope>;
  /** The answer to the one real `initialize`, from which each client's own is answered. */
  readonly initialized: ResultEnvelope;
  /** The revisions that a client may be told. */
  readonly versions: readonly string[];
  /** Names the shared server in events. */
  readonly session: string;
  readonly emit: Sink;
}

const UPDATED = "notifications/resources/updated";
const LIST_CHANGED = /^notifications\/(tools|prompts|resources)\/list_changed$/;

export class Multiplex {
  /** Settles with the reason when the server is gone; every client channel has got its end by then. */
  readonly ended: Promise<Error>;
  readonly #options: MultiplexOptions;
  readonly #server: HubServer;
  readonly #requests: SharedRequests;
  readonly #subscriptions: SharedSubscriptions;
  readonly #logLevel: SharedLogLevel;
  readonly #asked: AskedRequests;
  readonly #clients = new Chain<LinkTo<SharedChannel>>();
  readonly #sessions = new Set<SharedChannel>();
  /** The first client, as long as there has been no other: whatever the server says is for it. */
  #onlyClient: SharedChannel | undefined;
  readonly #side: HubSide = {
    up: (client, envelope) => this.#up(client, envelope),
    leave: (client) => this.#leave(client),
  };
  /** As the server has introduced itself that is there now. */
  #initialized: ResultEnvelope;
  #joined = 0;
  #emptySince = performance.now();
  #over = false;

  constructor(options: MultiplexOptions) {
    this.#options = options;
    this.#initialized = options.initialized;
    this.#server = new HubServer(options);
    this.#requests = new SharedRequests(this.#server);
    this.#subscriptions = new SharedSubscriptions(this.#requests, options);
    this.#logLevel = new SharedLogLevel(this.#requests);
    this.#asked = new AskedRequests(this.#server);
    this.ended = this.#pump();
  }

  /** Milliseconds since the last client left; undefined while there is one. */
  get idleMs(): number | undefined {
    return this.#clients.size > 0 ? undefined : performance.now() - this.#emptySince;
  }

  /** A channel of one client's own. Throws DisconnectedError when the server is gone. */
  open(kind: ClientKind): Channel {
    if (this.#over) throw new DisconnectedError("The MCP server is gone");
    const client = new SharedChannel(kind, this.#options, this.#side);
    this.#clients.add(client.joined);
    if (kind === "session") this.#sessions.add(client);
    this.#onlyClient = ++this.#joined === 1 ? client : undefined;
    return client;
  }

  /** The log level and the subscriptions first: taking back the open requests may set them right at the server. */
  #leave(client: SharedChannel): void {
    if (!this.#clients.remove(client.joined)) return;
    this.#sessions.delete(client);
    if (this.#clients.size === 0) this.#emptySince = performance.now();
    if (this.#onlyClient === client) this.#onlyClient = undefined;
    this.#logLevel.leave(client);
    this.#subscriptions.leave(client);
    this.#requests.leave(client);
    this.#asked.leave(client);
  }

  // --- up ---

  #up(client: SharedChannel, said: Envelope): Promise<void> | void {
    const envelope = withKnownKeys(said);
    if (envelope !== said) {
      this.#server.drop("up", "a part of it, with a key that the server may take for another");
    }
    const { message } = envelope;
    if (isResponse(message)) return this.#asked.answer(client, envelope, message);
    return isRequest(message)
      ? this.#requestUp(client, envelope, message)
      : this.#notificationUp(client, envelope, message);
  }

  #requestUp(client: SharedChannel, envelope: Envelope, message: JsonRpcRequest): Promise<void> | void {
    const { id, method } = message;
    const refusal = this.#requests.isOpen(client, id)
      ? toRpcError(stillOpen(id))
      : refusalOf(method, client.kind);
    if (refusal) return client.deliver({ message: errorOf(id, refusal) });
    if (method === "initialize") return this.#initialize(client, message);
    if (client.kind === "alone") return this.#pass(client, envelope, message);
    if (method === "logging/setLevel") return this.#logLevel.set(client, envelope, message);
    if (method === "resources/subscribe" || method === "resources/unsubscribe") {
      return this.#subscriptionUp(client, envelope, message);
    }
    return this.#pass(client, envelope, message);
  }

  #pass(client: SharedChannel, envelope: Envelope, message: JsonRpcRequest): Promise<void> | void {
    const plain = withoutTask(envelope, message);
    return this.#requests.pass(client, plain.envelope, plain.message);
  }

  #subscriptionUp(
    client: SharedChannel,
    envelope: Envelope,
    message: JsonRpcRequest,
  ): Promise<void> | void {
    const { method, params } = message;
    const uri = params?.uri;
    // For the server's error, and written anew: to another reader its text might name a uri.
    if (typeof uri !== "string") return this.#requests.pass(client, rewritten(envelope, message), message);
    return method === "resources/subscribe"
      ? this.#subscriptions.subscribe(client, envelope, message, uri)
      : this.#subscriptions.unsubscribe(client, envelope, message, uri);
  }

  #initialize(client: SharedChannel, { id, params }: JsonRpcRequest): void {
    const { protocolVersion: asked, capabilities } = params ?? {};
    client.askable = askableIn(capabilities);
    const question = { kind: client.kind, asked, versions: this.#options.versions };
    const answer = ({ result }: JsonRpcResult) => resultOf(id, initializeResult(result, question));
    client.deliver(anew(this.#initialized, this.#initialized.message, answer));
  }

  /** Written anew: their text might say something else to the server than it says to us. */
  #notificationUp(
    client: SharedChannel,
    envelope: Envelope,
    message: JsonRpcNotification,
  ): Promise<void> | void {
    switch (message.method) {
      case "notifications/initialized":
        client.initialized = true;
        return;
      case "notifications/cancelled":
        return this.#requests.cancel(client, envelope, message);
      case "notifications/progress":
        return this.#asked.progress(client, rewritten(envelope, message), message);
      case "notifications/roots/list_changed":
        return this.#rootsChanged(client, rewritten(envelope, message));
      default:
        if (needsId(message.method)) return this.#server.drop("up", `${message.method} has no id`);
        return this.#server.send(rewritten(envelope, message));
    }
  }

  /** The server would ask again for roots, and could not say whose it means. */
  #rootsChanged(client: SharedChannel, envelope: Envelope): Promise<void> | void {
    const alone = this.#sessions.size === 1 && this.#sessions.has(client);
    if (alone) return this.#server.send(envelope);
    return this.#server.drop("up", "the roots of one client are not those of the others");
  }

  // --- down ---

  async #pump(): Promise<Error> {
    let reason: GatewayError = new DisconnectedError("The MCP server is gone");
    try {
      await each(this.#options.incoming, (envelope) => this.#down(envelope));
    } catch (error) {
      if (error instanceof GatewayError) reason = error;
      else this.#server.fault(error);
    }
    this.#over = true;
    for (const { value: client } of this.#clients.all()) client.incoming.fail(reason);
    this.#clients.clear();
    return reason;
  }

  #down({ message, text, relatesTo, introduces }: Envelope): void {
    const envelope: Envelope = { message, text };
    if (introduces) return this.#meet(envelope);
    if (isResponse(message)) return this.#responseDown(envelope, message);
    // A remote says on the stream of a call what belongs to it.
    const asker = relatesTo === undefined ? undefined : this.#requests.askerOf(relatesTo);
    if (asker) envelope.relatesTo = asker.id;
    return isRequest(message)
      ? this.#requestDown(envelope, message, asker?.client)
      : this.#notificationDown(envelope, message, asker?.client);
  }

  /** Clients who come from now on are told of the server that they will speak to. */
  #meet({ message, text }: Envelope): void {
    if ("result" in message && isObject(message.result)) this.#initialized = { message, text };
  }

  #responseDown(envelope: Envelope, message: JsonRpcResponse): void {
    const client = this.#requests.settle(envelope, message);
    if (client && "error" in message) this.#asked.elicitations.note(client, message);
  }

  #requestDown(envelope: Envelope, message: JsonRpcRequest, asker: SharedChannel | undefined): void {
    if (message.method === "ping") return void this.#server.say(resultOf(message.id, {}));
    const askers = asker ? [asker] : this.#requests.askers();
    this.#asked.ask(envelope, message, { askers, sessions: this.#sessions });
  }

  #notificationDown(
    envelope: Envelope,
    message: JsonRpcNotification,
    asker: SharedChannel | undefined,
  ): void {
    const { method } = message;
    if (method === "notifications/progress") return this.#requests.progress(envelope, message);
    if (method === "notifications/cancelled") return this.#asked.cancel(envelope, message);
    if (this.#onlyClient?.kind === "alone") return this.#onlyClient.deliver(envelope);
    const tooLong = method === UPDATED ? this.#subscriptions.tooLong(message.params?.uri) : undefined;
    if (tooLong !== undefined) return this.#server.drop("down", tooLong);
    if (LIST_CHANGED.test(method)) return this.#listChanged(envelope);
    // Even with one request in flight it may be about one that was answered before: never to a guess.
    if (!this.#spread(envelope, message, asker)) {
      this.#server.drop("down", `nobody can be named as the receiver of ${escaped(cut(method, 100))}`);
    }
  }

  /** Gives a notification to all whom it is for; false when there is nobody. */
  #spread(
    envelope: Envelope,
    message: JsonRpcNotification,
    asker: SharedChannel | undefined,
  ): boolean {
    const { method } = message;
    if (method === UPDATED) return this.#subscriptions.updated(envelope, message);
    if (method === "notifications/elicitation/complete") {
      return this.#asked.elicitations.complete(envelope, message);
    }
    if (method === "notifications/message") {
      return asker
        ? this.#logLevel.loggedFor(asker, envelope, message)
        : this.#logLevel.logged(envelope, message, this.#onlyClient);
    }
    const receiver = asker ?? this.#onlyClient;
    receiver?.deliver(envelope);
    return receiver !== undefined;
  }

  /** Whoever comes later asks for the list as it is then: many a server says this at its start, to nobody. */
  #listChanged(envelope: Envelope): void {
    const receivers = [...this.#sessions].filter(({ initialized }) => initialized);
    for (const client of receivers) client.deliver({ ...envelope });
    if (receivers.length === 0) {
      this.#server.drop("down", "nobody is there who has seen the list", { harmless: true });
    }
  }
}
