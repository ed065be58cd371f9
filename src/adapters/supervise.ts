/**
 * A server that comes back: when its connection breaks, it is opened again, the client's handshake, subscriptions and
 * log level are played again, and what had never reached it is sent again. A request that may have reached it is not:
 * its caller gets an error that says so.
 */
import type { Backend, Launch } from "../core/backend.ts";
import type { Channel, Envelope } from "../core/channel.ts";
import { BackendError, DisconnectedError, GatewayError, TimeoutError, toRpcError } from "../core/errors.ts";
import { background, type Sink } from "../core/events.ts";
import {
  cancelledId,
  errorOf,
  isRequest,
  isResponse,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type JsonRpcResponse,
  type RequestId,
} from "../core/jsonrpc.ts";
import { Queue } from "../core/queue.ts";
import { pause, pauseBefore, type Retry } from "../core/retry.ts";
import { messageOf, ServerLink } from "./server_link.ts";
import { SessionMemory } from "./session_memory.ts";
import { inTime } from "../core/waiting.ts";

export interface SuperviseOptions {
  readonly retry: Retry;
  /** How long a server that was opened again may take for the handshake and all that is played after it. */
  readonly replayTimeoutMs: number;
  readonly emit: Sink;
}

/** Each `open` settles at once; the server is opened with the first message, and again whenever it must be. */
export function supervise(backend: Backend, options: SuperviseOptions): Backend {
  return {
    name: backend.name,
    open: (launch) => Promise.resolve(new SupervisedChannel(backend, launch, options)),
    [Symbol.asyncDispose]: () => backend[Symbol.asyncDispose](),
  };
}

/** A request of the client that the server has not answered. */
interface Open {
  readonly envelope: Envelope;
  readonly message: JsonRpcRequest;
  /** How often it was turned away undelivered, or found its connection broken. */
  attempts: number;
  /** The connection that has it; none while it waits to be sent. */
  sentTo: Channel | undefined;
}

class SupervisedChannel implements Channel {
  readonly incoming = new Queue<Envelope>();
  readonly #name: string;
  readonly #session: string;
  readonly #options: SuperviseOptions;
  readonly #abort = new AbortController();
  readonly #memory = new SessionMemory();
  readonly #open = new Map<RequestId, Open>();
  /** What the server asked and the client has not answered. */
  readonly #asked = new Map<RequestId, Channel>();
  readonly #link: ServerLink;
  #closed = false;

  constructor(backend: Backend, launch: Launch, options: SuperviseOptions) {
    const { signal } = this.#abort;
    this.#name = backend.name;
    this.#session = launch.session;
    this.#options = options;
    this.#link = new ServerLink({
      retry: options.retry,
      signal,
      open: () => backend.open(launch, signal),
      replay: (server, messages) => this.#replay(server, messages),
      onOpen: (server, messages) =>
        background(this.#pump(server, messages), "supervised server", options.emit),
      onDiscard: (server) => this.#takeBack(server),
      tell: (reason) => this.#tell(reason),
    });
  }

  send(envelope: Envelope): Promise<void> | void {
    if (this.#closed || this.incoming.ended) throw gone();
    const { message } = envelope;
    this.#memory.note(message);
    if (isResponse(message)) return this.#respond(envelope, message);
    if (!isRequest(message)) return this.#notify(envelope, message);
    const open: Open = { envelope, message, attempts: 0, sentTo: undefined };
    this.#open.set(message.id, open);
    return this.#deliver(open);
  }

  async close(reason?: Error): Promise<void> {
    this.#closed = true;
    await this.#link.server?.close(reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort(gone());
    this.incoming.end();
    await this.#link.dispose();
  }

  // --- up ---

  #deliver(open: Open): Promise<void> | void {
    const { server } = this.#link;
    if (!server) return this.#deliverLater(open);
    open.sentTo = server;
    try {
      return unlessGone(server.send(open.envelope));
    } catch (error) {
      open.sentTo = undefined;
      if (!(error instanceof DisconnectedError)) return this.#answer(open.message.id, error);
      // Broken, and its pump has not said so yet: the next connection takes the request.
      this.#link.drop(server);
      if (++open.attempts > this.#options.retry.attempts) return this.#answer(open.message.id, error);
      return this.#deliverLater(open);
    }
  }

  /** Not awaited: time-outs, cancellations and the end must reach the requests that wait for a connection. */
  #deliverLater(open: Open): void {
    background(this.#connectAndDeliver(open), "connecting", this.#options.emit);
  }

  async #connectAndDeliver(open: Open): Promise<void> {
    try {
      await this.#link.connect({ replays: open.message.method !== "initialize" });
    } catch (error) {
      return this.#answer(open.message.id, error);
    }
    if (this.#isOpen(open)) await this.#deliver(open);
  }

  #isOpen(open: Open): boolean {
    return this.#open.get(open.message.id) === open;
  }

  /** To whoever asked and to nobody else, also while a handshake is being played. */
  #respond(envelope: Envelope, { id }: JsonRpcResponse): Promise<void> | void {
    const asker = id === null ? this.#link.server : this.#asked.get(id);
    if (id !== null) this.#asked.delete(id);
    return this.#pass(envelope, asker);
  }

  #notify(envelope: Envelope, message: JsonRpcNotification): Promise<void> | void {
    const cancelled = cancelledId(message);
    const open = cancelled === undefined ? undefined : this.#open.get(cancelled);
    if (cancelled !== undefined) this.#open.delete(cancelled);
    // A request that was never sent need not be taken back.
    if (open && !open.sentTo) return;
    const { server } = this.#link;
    if (server) return this.#pass(envelope, server);
    return this.#link.connect({ replays: true }).then(
      () => this.#pass(envelope, this.#link.server),
      (error) => this.#tell(`a message was lost: ${messageOf(error)}`),
    );
  }

  /** Hands over what nobody waits for. */
  #pass(envelope: Envelope, server: Channel | undefined): Promise<void> | void {
    try {
      if (!server) throw gone();
      return unlessGone(server.send(envelope));
    } catch (error) {
      if (!(error instanceof DisconnectedError)) throw error;
      this.#tell(`a message was lost: ${messageOf(error)}`);
    }
  }

  /** The request is over, and its caller hears why. */
  #answer(id: RequestId, error: unknown): void {
    if (!this.#open.delete(id)) return;
    const known = error instanceof GatewayError
      ? error
      : new BackendError("The MCP server failed", { cause: error });
    const message = errorOf(id, toRpcError(known));
    this.#memory.noteAnswer(message);
    void this.incoming.push({ message, relatesTo: id });
  }

  // --- down ---

  async #replay(server: Channel, messages: AsyncIterator<Envelope>): Promise<void> {
    const { replayTimeoutMs } = this.#options;
    const late = new TimeoutError(`The MCP server did not answer the handshake within ${replayTimeoutMs} ms`);
    const pass = (envelope: Envelope) => this.#receive(server, envelope);
    await inTime(replayTimeoutMs, this.#memory.replay(server, messages, pass), late);
  }

  async #pump(server: Channel, messages: AsyncIterator<Envelope>): Promise<void> {
    let reason: unknown = new BackendError("The MCP server closed the connection");
    try {
      for (let next = await messages.next(); !next.done; next = await messages.next()) {
        const room = this.#receive(server, next.value);
        if (room) await room;
      }
    } catch (error) {
      reason = error;
    }
    this.#link.broke(server);
    this.#recover(server, reason);
    await server[Symbol.asyncDispose]();
  }

  #receive(server: Channel, envelope: Envelope): Promise<void> | void {
    const { message } = envelope;
    if (isResponse(message)) {
      // Nobody else is sent to a dead session, also while it has not broken yet.
      if (envelope.undelivered?.sessionLost) this.#link.drop(server);
      if (this.#sendsAgain(envelope, message)) return;
      if (message.id !== null) this.#open.delete(message.id);
      this.#memory.noteAnswer(message);
      this.#link.proved();
    } else if (isRequest(message)) {
      this.#asked.set(message.id, server);
    } else {
      this.#asked.delete(cancelledId(message) ?? NaN);
    }
    return this.incoming.push(envelope, envelope.text?.length);
  }

  /** A request that never reached the server is tried again after a pause; false when that was tried often enough. */
  #sendsAgain({ undelivered }: Envelope, message: JsonRpcResponse): boolean {
    const { retry } = this.#options;
    const open = message.id === null ? undefined : this.#open.get(message.id);
    if (!open || !undelivered) return false;
    const { status, sessionLost, retryAfterMs = pauseBefore(open.attempts + 1, retry) } = undelivered;
    // Only what waiting can mend, or another session.
    const mendable = sessionLost || status === undefined || status === 429 || status >= 500;
    if (!mendable || ++open.attempts > retry.attempts) return false;
    open.sentTo = undefined;
    const pauseMs = sessionLost ? 0 : Math.min(retryAfterMs, retry.maxDelayMs);
    const detail = "error" in message ? message.error.message : "it was not delivered";
    this.#tell(`${detail}; the request is sent again in ${Math.round(pauseMs)} ms`);
    background(this.#sendLater(open, pauseMs), "sending again", this.#options.emit);
    return true;
  }

  async #sendLater(open: Open, pauseMs: number): Promise<void> {
    try {
      await pause(pauseMs, this.#abort.signal);
    } catch {
      return; // The channel ended meanwhile.
    }
    if (this.#isOpen(open)) await this.#deliver(open);
  }

  /** Answers what may have been in the server's hands, takes back what it asked, and opens it again. */
  #recover(server: Channel, reason: unknown): void {
    const lost = new BackendError(
      `${messageOf(reason)}: the answer is lost, and the request was not sent again`,
      { cause: reason },
    );
    for (const [id, { sentTo }] of [...this.#open]) if (sentTo === server) this.#answer(id, lost);
    this.#takeBack(server);
    if (this.#closed) return this.incoming.end();
    this.#tell(messageOf(reason));
    const wanted = this.#memory.established && !this.#abort.signal.aborted;
    if (wanted && !this.#link.server) this.#reconnect(reason);
  }

  /** What the server says by itself must go on too, so this does not wait for the next request. */
  #reconnect(reason: unknown): void {
    const giveUp = (error: unknown) => this.#tell(`gave up until the next request: ${messageOf(error)}`);
    if (this.#link.exhausted) return giveUp(reason);
    this.#link.connect({ replays: true }).catch(giveUp);
  }

  /** A new server does not know what this one asked, and may use the same id for something else. */
  #takeBack(server: Channel): void {
    for (const [requestId, asker] of [...this.#asked]) {
      if (asker !== server) continue;
      this.#asked.delete(requestId);
      const params = { requestId, reason: "The MCP server was restarted" };
      void this.incoming.push({ message: { jsonrpc: "2.0", method: "notifications/cancelled", params } });
    }
  }

  #tell(reason: string): void {
    if (this.#abort.signal.aborted) return;
    this.#options.emit({ type: "remote.trouble", session: this.#session, server: this.#name, reason });
  }
}

/** A connection that breaks under a message is its pump's business. */
function unlessGone(sent: Promise<void> | void): Promise<void> | void {
  return sent?.catch((error) => {
    if (!(error instanceof DisconnectedError)) throw error;
  });
}

function gone(): DisconnectedError {
  return new DisconnectedError("The connection to the MCP server is closed");
}
