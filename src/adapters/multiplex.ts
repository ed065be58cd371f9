/**
 * Many clients on one server: request ids and progress tokens are rewritten on the way up and restored,
 * type included, on the way down, so an answer reaches its asker alone.
 */
import type { Channel, Envelope } from "../core/channel.ts";
import { DisconnectedError, GatewayError, LimitError, RpcCode } from "../core/errors.ts";
import type { Sink } from "../core/events.ts";
import {
  cancelledId,
  errorOf,
  isRequest,
  isResponse,
  type JsonRpcMessage,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type JsonRpcResponse,
  type Params,
  type ProgressToken,
  reportedToken,
  requestedToken,
  type RequestId,
  resultOf,
} from "../core/jsonrpc.ts";
import { Queue } from "../core/queue.ts";

export interface MultiplexOptions {
  /** The server; `incoming` may be an iterator that a handshake has begun to read. */
  readonly server: Channel;
  readonly incoming: AsyncIterable<Envelope>;
  /** The result of the one real `initialize`, from which each client's own is answered. */
  readonly initialized: Params;
  /** The revisions that a client may be told. */
  readonly versions: readonly string[];
  /** How many messages may wait for one client before it is given up: it must not hold up the others. */
  readonly maxBufferedMessages: number;
  /** And how large they may be together. */
  readonly maxBufferedBytes: number;
  /** Names the shared server in events. */
  readonly session: string;
  readonly emit: Sink;
}

/** A request that waits at the shared server under an id of ours. */
interface Pending {
  readonly client: SharedChannel;
  readonly id: RequestId;
  readonly token: ProgressToken | undefined;
}

export class Multiplex {
  /** Settles when the server is gone; every client channel has got its end by then. */
  readonly ended: Promise<void>;
  readonly #options: MultiplexOptions;
  readonly #clients = new Set<SharedChannel>();
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;
  /** The first client, as long as there has been no other: whatever the server says is for it. */
  #onlyClient: SharedChannel | undefined;
  #joined = 0;
  #over = false;

  constructor(options: MultiplexOptions) {
    this.#options = options;
    this.ended = this.#pump();
  }

  /** A channel of one client's own. Throws DisconnectedError when the server is gone. */
  open(): Channel {
    if (this.#over) throw new DisconnectedError("The MCP server is gone");
    const client: SharedChannel = new SharedChannel({
      up: (envelope) => this.#up(client, envelope),
      leave: () => this.#leave(client),
    });
    this.#clients.add(client);
    this.#onlyClient = ++this.#joined === 1 ? client : undefined;
    return client;
  }

  // --- up ---

  #up(client: SharedChannel, envelope: Envelope): Promise<void> | void {
    const { message } = envelope;
    if (isResponse(message)) return this.#drop("up", "a shared server asks nothing of its clients");
    if (isRequest(message)) return this.#requestUp(client, message);
    if (message.method === "notifications/initialized") return;
    const cancelled = cancelledId(message);
    if (cancelled === undefined) return this.#options.server.send(envelope);
    for (const [id, pending] of this.#pending) {
      if (pending.client === client && pending.id === cancelled) return this.#cancel(id, message);
    }
    return this.#drop("up", "it cancels a request that is not open");
  }

  #requestUp(client: SharedChannel, message: JsonRpcRequest): Promise<void> | void {
    if (message.method === "initialize") {
      return this.#deliver(client, resultOf(message.id, this.#initializeResult(message)));
    }
    const id = ++this.#lastId;
    const token = requestedToken(message);
    this.#pending.set(id, { client, id: message.id, token });
    const params = token === undefined ? message.params : withMeta(message.params, { progressToken: id });
    return this.#options.server.send({ message: { ...message, id, ...(params ? { params } : {}) } });
  }

  /**
   * The recorded result in the revision that the client asked for, where that is one we serve and not newer than
   * the server's own: a client may refuse any other (MCP lifecycle page, "Version Negotiation").
   */
  #initializeResult(message: JsonRpcRequest): Params {
    const { initialized, versions } = this.#options;
    const asked = message.params?.protocolVersion;
    const own = initialized.protocolVersion;
    if (typeof asked !== "string" || typeof own !== "string") return initialized;
    return versions.includes(asked) && asked <= own
      ? { ...initialized, protocolVersion: asked }
      : initialized;
  }

  #cancel(id: number, message: JsonRpcNotification): Promise<void> | void {
    this.#pending.delete(id);
    const params = { ...message.params, requestId: id };
    return this.#options.server.send({ message: { ...message, params } });
  }

  /** A client that leaves takes its open requests along. */
  #leave(client: SharedChannel): void {
    this.#clients.delete(client);
    if (this.#onlyClient === client) this.#onlyClient = undefined;
    for (const [id, pending] of this.#pending) {
      if (pending.client !== client) continue;
      this.#pending.delete(id);
      const params = { requestId: id, reason: "The client is gone" };
      this.#say({ jsonrpc: "2.0", method: "notifications/cancelled", params });
    }
  }

  // --- down ---

  async #pump(): Promise<void> {
    let reason: GatewayError = new DisconnectedError("The MCP server is gone");
    try {
      for await (const { message, text } of this.#options.incoming) {
        this.#down(message, text?.length);
      }
    } catch (error) {
      if (error instanceof GatewayError) reason = error;
      else this.#fault(error);
    }
    this.#over = true;
    for (const client of this.#clients) client.incoming.fail(reason);
    this.#clients.clear();
    this.#pending.clear();
  }

  #down(message: JsonRpcMessage, weight?: number): void {
    if (isResponse(message)) return this.#responseDown(message, weight);
    if (isRequest(message)) return this.#answer(message);
    const token = reportedToken(message);
    if (token !== undefined) return this.#progressDown(message, token, weight);
    if (this.#onlyClient) this.#deliver(this.#onlyClient, message, weight);
    // Even with one request in flight it may be about one that was answered before: never to a guess.
    else this.#drop("down", `nobody can be named as the receiver of ${message.method}`);
  }

  #responseDown(message: JsonRpcResponse, weight?: number): void {
    const pending = typeof message.id === "number" ? this.#pending.get(message.id) : undefined;
    if (!pending) return this.#drop("down", "it answers no open request");
    this.#pending.delete(Number(message.id));
    this.#deliver(pending.client, { ...message, id: pending.id }, weight);
  }

  #progressDown(message: JsonRpcNotification, token: ProgressToken, weight?: number): void {
    const pending = typeof token === "number" ? this.#pending.get(token) : undefined;
    if (!pending || pending.token === undefined) {
      return this.#drop("down", "progress of a request that is not open");
    }
    const params = { ...message.params, progressToken: pending.token };
    this.#deliver(pending.client, { ...message, params }, weight);
  }

  /** Waits for nobody: one slow client must not hold up the others. */
  #deliver(client: SharedChannel, message: JsonRpcMessage, weight = 0): void {
    const { maxBufferedMessages, maxBufferedBytes } = this.#options;
    const { incoming } = client;
    if (incoming.size < maxBufferedMessages && incoming.weight < maxBufferedBytes) {
      return void incoming.push({ message }, weight);
    }
    incoming.fail(new LimitError(`The client reads too slowly: ${incoming.size} messages wait for it`));
  }

  /** The server's own requests are answered here: which client should be asked would be a guess. */
  #answer(message: JsonRpcRequest): void {
    const { id, method } = message;
    if (method === "ping") return this.#say(resultOf(id, {}));
    const text = `"${method}" cannot be asked of the clients of a shared server`;
    this.#say(errorOf(id, { code: RpcCode.methodNotFound, message: text }));
  }

  #say(message: JsonRpcMessage): void {
    // A server that is gone needs no answer; its end is told by the pump.
    const failed = (error: unknown) => error instanceof GatewayError || this.#fault(error);
    try {
      this.#options.server.send({ message })?.catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  #fault(error: unknown): void {
    this.#options.emit({ type: "fault", where: "shared server", error });
  }

  #drop(direction: "up" | "down", reason: string): void {
    const { session, emit } = this.#options;
    emit({ type: "message.dropped", session, direction, reason });
  }
}

/** What a client's channel may do at the hub. */
interface HubSide {
  up(envelope: Envelope): Promise<void> | void;
  leave(): void;
}

class SharedChannel implements Channel {
  readonly incoming = new Queue<Envelope>();
  readonly #hub: HubSide;
  readonly #disposed = Promise.withResolvers<void>();
  #closed = false;

  constructor(hub: HubSide) {
    this.#hub = hub;
  }

  send(envelope: Envelope): Promise<void> | void {
    if (this.#closed || this.incoming.ended) throw new DisconnectedError("The MCP server is gone");
    const room = this.#hub.up(envelope);
    // A server that does not read holds its clients up, but none that wants to leave.
    return room && Promise.race([room, this.#disposed.promise]);
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#disposed.resolve();
    this.#hub.leave();
    this.incoming.end();
    return Promise.resolve();
  }
}

function withMeta(params: JsonRpcRequest["params"], meta: Record<string, unknown>) {
  const old = params?._meta;
  return { ...params, _meta: { ...(typeof old === "object" ? old : undefined), ...meta } };
}
