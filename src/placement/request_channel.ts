/** A conversation each of whose requests has a fresh server: nothing that one does to its server is seen by another. */
import type { Backend, Launch } from "../core/backend.ts";
import { asText, type Channel, type Envelope, textOf, undeliveredBy } from "../core/channel.ts";
import {
  BackendError,
  BusyError,
  DisconnectedError,
  GatewayError,
  serverFailure,
  toRpcError,
} from "../core/errors.ts";
import { background, type Sink } from "../core/events.ts";
import { cancelledId, isInitialized } from "../core/mcp/messages.ts";
import {
  errorOf,
  isRequest,
  isResponse,
  type JsonRpcRequest,
  type RequestId,
} from "../core/message/jsonrpc.ts";
import { InTurn } from "../base/in_turn.ts";
import { Queue } from "../base/queue.ts";

export class RequestChannel implements Channel {
  readonly incoming = new Queue<Envelope>();
  readonly #fresh: Backend;
  readonly #launch: Launch;
  readonly #emit: Sink;
  /** What ends a request before its answer. */
  readonly #stops = new Map<RequestId, AbortController>();
  readonly #running = new Set<Promise<void>>();
  #closed = false;

  /** `fresh` opens servers to which the handshake was played. */
  constructor(fresh: Backend, launch: Launch, emit: Sink) {
    this.#fresh = fresh;
    this.#launch = launch;
    this.#emit = emit;
  }

  /** Waits for nobody: each request has a server of its own to wait for. */
  send(envelope: Envelope): void {
    if (this.#closed) throw new DisconnectedError("The conversation is closed");
    const { message } = envelope;
    if (isRequest(message)) return this.#begin(envelope, message);
    const cancelled = cancelledId(message);
    if (cancelled !== undefined) this.#stops.get(cancelled)?.abort();
    else if (!isInitialized(message)) this.#drop("no server outlives a request");
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    for (const stop of this.#stops.values()) stop.abort();
    this.incoming.end();
    await Promise.all(this.#running);
  }

  #begin(envelope: Envelope, { id }: JsonRpcRequest): void {
    const stop = new AbortController();
    this.#stops.set(id, stop);
    const running = this.#run(asText(envelope), id, stop.signal);
    this.#running.add(running);
    background(running.finally(() => this.#running.delete(running)), "server of a request", this.#emit);
  }

  async #run(envelope: Envelope, id: RequestId, signal: AbortSignal): Promise<void> {
    try {
      await this.#ask(envelope, id, signal).catch((error) => {
        // One that was ready and died before it had the request: the next one gets it.
        if (!(error instanceof DisconnectedError) || signal.aborted) throw error;
        return this.#ask(envelope, id, signal);
      });
    } catch (error) {
      this.#fail(id, error, signal);
    } finally {
      this.#stops.delete(id);
    }
  }

  async #ask(envelope: Envelope, id: RequestId, signal: AbortSignal): Promise<void> {
    await using server = await this.#openServer(envelope, signal);
    // Its dispose is what ends the reading below.
    const stop = () => background(server[Symbol.asyncDispose](), "server of a request", this.#emit);
    signal.addEventListener("abort", stop);
    signal.throwIfAborted();
    await server.send(envelope);
    await this.#passAnswers(server, id);
  }

  /** Others may have all the places for as long as one may wait. */
  async #openServer(envelope: Envelope, signal: AbortSignal): Promise<Channel> {
    const { backlog } = this.#launch;
    const size = textOf(envelope).length;
    backlog?.add(size);
    try {
      return await this.#fresh.open(this.#launch, signal);
    } finally {
      backlog?.remove(size);
    }
  }

  async #passAnswers(server: Channel, id: RequestId): Promise<void> {
    try {
      if (await new InTurn(server.incoming).seek((said) => this.#pass(said, id))) return;
    } catch (error) {
      // The request may have been in its hands.
      const reason = `${serverFailure(error)}: the answer is lost, and the request was not sent again`;
      throw new BackendError(reason, { cause: error });
    }
    throw new BackendError("The MCP server closed the connection");
  }

  /** True when that was the answer. */
  async #pass(said: Envelope, id: RequestId): Promise<true | undefined> {
    const { message } = said;
    said.relatesTo = id;
    await this.incoming.push(said, said.text?.length);
    return isResponse(message) && message.id === id || undefined;
  }

  /** A request that was cancelled needs no answer. */
  #fail(id: RequestId, error: unknown, signal: AbortSignal): void {
    if (signal.aborted) return;
    const known = error instanceof GatewayError
      ? error
      : new BackendError("The MCP server failed", { cause: error });
    const undelivered = known instanceof BusyError ? undeliveredBy(known) : undefined;
    if (undelivered) this.#tell(known.message);
    void this.incoming.push({ message: errorOf(id, toRpcError(known)), relatesTo: id, undelivered });
  }

  #tell(reason: string): void {
    this.#emit({ type: "server.trouble", session: this.#launch.session, server: this.#fresh.name, reason });
  }

  #drop(reason: string): void {
    this.#emit({ type: "message.dropped", session: this.#launch.session, direction: "up", reason });
  }
}
