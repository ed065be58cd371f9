/**
 * A server that comes back: when its connection breaks, it is opened again, the client's handshake, subscriptions and
 * log level are played again, and what had never reached it is sent again. A request that may have reached it is not:
 * its caller gets an error that says so.
 */
import type { Backend, Launch } from "../core/backend.ts";
import type { Backlog } from "../core/backlog.ts";
import { asText, type Channel, type Envelope, textOf, undeliveredBy } from "../core/channel.ts";
import { durationText } from "../base/duration.ts";
import {
  BackendError,
  DisconnectedError,
  GatewayError,
  LimitError,
  TimeoutError,
  toRpcError,
} from "../core/errors.ts";
import { background, type Sink } from "../core/events.ts";
import {
  cancelledId,
  errorOf,
  isRequest,
  isResponse,
  type JsonRpcNotification,
  type JsonRpcResponse,
  type RequestId,
} from "../core/message/jsonrpc.ts";
import { each, Queue } from "../base/queue.ts";
import { Table } from "../base/table.ts";
import { pause, pauseBefore, type Retry } from "../base/retry.ts";
import { AnswerNames } from "./answer_names.ts";
import { AskedByServer } from "./asked_by_server.ts";
import type { CrashGuard } from "./crash_guard.ts";
import { type Break, messageOf, ServerLink } from "./server_link.ts";
import { type MemoryLimits, SessionMemory } from "./session_memory.ts";
import { type Waiter, WaitingLine } from "./waiting_line.ts";
import { inTime } from "../base/waiting.ts";
import { optionName } from "../base/option_name.ts";

export interface SuperviseOptions {
  readonly retry: Retry;
  /** How long a server that was opened again may take for the handshake and all that is played after it. */
  readonly replayTimeoutMs: number;
  /** Tries for the client's own handshake; those of `retry` by default. */
  readonly firstAttempts?: number;
  /** How many servers may die of, or with, the client's handshake until it hears of it; one by default. */
  readonly handshakeTries?: number;
  /** Whether a server that broke for this reason is opened again before somebody asks for it; always by default. */
  readonly reopens?: (reason: unknown) => boolean;
  /** Who decides, for one more channel, whether its server may be opened; nobody by default. */
  readonly guards?: (session: string) => readonly CrashGuard[];
  /** When it fires, no server is opened again: requests that wait for that get its reason. */
  readonly stopping?: AbortSignal;
  /** How much may wait for a server that is being opened, and be kept of requests that may have to be sent again. */
  readonly maxBufferedBytes: number;
  /** A server that was given a request has it, as a child does: its text is not kept then. False by default. */
  readonly delivers?: boolean;
  /** How much is kept to be told to a server that is opened again. */
  readonly remembers: MemoryLimits;
  /** Whether several clients speak through one channel. False by default. */
  readonly shared?: boolean;
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
  readonly id: RequestId;
  readonly method: string;
  /** As long as it may have to be sent. */
  envelope: Envelope | undefined;
  /** How much of it is counted as waiting. */
  size: number;
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
  readonly #memory: SessionMemory;
  readonly #open = new Table<RequestId, Open>();
  readonly #asked = new AskedByServer();
  readonly #names: AnswerNames;
  readonly #link: ServerLink;
  readonly #line: WaitingLine;
  /** What waits for the server elsewhere counts there, too. */
  readonly #backlog: Backlog | undefined;
  /** Characters of what waits here, or is kept since it may have to be sent again. */
  #kept = 0;
  #closed = false;

  constructor(backend: Backend, launch: Launch, options: SuperviseOptions) {
    const { signal } = this.#abort;
    this.#name = backend.name;
    this.#session = launch.session;
    this.#backlog = launch.backlog;
    this.#options = options;
    this.#memory = new SessionMemory(options.remembers);
    const { shared = false, emit } = options;
    this.#names = new AnswerNames({ shared, session: launch.session, server: backend.name, emit });
    this.#link = new ServerLink({
      retry: options.retry,
      firstAttempts: options.firstAttempts,
      guards: options.guards?.(launch.session) ?? [],
      stopping: options.stopping,
      signal,
      open: () => backend.open(launch, signal),
      replay: (server, messages) => this.#replay(server, messages),
      onOpen: (server, messages) => {
        background(this.#pump(server, messages), "supervised server", options.emit);
        background(this.#line.go(), "connecting", options.emit);
      },
      onDiscard: (server) => this.#takeBack(server),
      onRestored: () => this.#tellRestored(),
      tell: (reason, more) => this.#tell(reason, more),
      // The end of a child is told by itself.
      onGivenUp: (error, tries) => void (options.delivers || this.#tellGivenUp(error, tries)),
    });
    this.#line = new WaitingLine({
      connect: (how) => this.#link.connect(how),
      connected: () => this.#link.server !== undefined,
    });
  }

  send(envelope: Envelope): Promise<void> | void {
    if (this.#closed || this.incoming.ended) throw gone();
    const { message } = envelope;
    if (isResponse(message)) return this.#respond(envelope, message);
    if (!isRequest(message)) return this.#notify(envelope, message);
    const refusal = this.#memory.refusal(message);
    if (refusal) return this.#refuse(message.id, refusal);
    this.#memory.note(envelope);
    const { id, method } = message;
    const open: Open = { id, method, envelope, size: 0, attempts: 0, sentTo: undefined };
    const older = this.#open.get(id);
    if (older) this.#letGo(older);
    this.#open.set(id, open);
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

  #refuse(id: RequestId, error: GatewayError): void {
    void this.incoming.push({ message: errorOf(id, toRpcError(error)), relatesTo: id });
  }

  /** The server, where nobody waits for it any more who came before. */
  get #ready(): Channel | undefined {
    return this.#line.busy ? undefined : this.#link.server;
  }

  #deliver(open: Open, server = this.#ready): Promise<void> | void {
    const { envelope } = open;
    if (!envelope) return;
    if (!server) return this.#deliverLater(open, envelope);
    if (!this.#options.delivers) {
      this.#keep(open, envelope);
      if (this.#full) {
        return this.#answer(open.id, new LimitError("The server is too slow: too much waits for it"));
      }
    }
    open.sentTo = server;
    this.#names.sent(envelope.message);
    try {
      const sent = server.send(envelope);
      if (this.#options.delivers) this.#delivered(open);
      return unlessGone(sent);
    } catch (error) {
      open.sentTo = undefined;
      if (!(error instanceof DisconnectedError)) return this.#answer(open.id, error);
      // Broken, and its pump has not said so yet: the next connection takes the request.
      this.#link.drop(server);
      if (++open.attempts > this.#options.retry.attempts) return this.#answer(open.id, error);
      return this.#deliverLater(open, envelope);
    }
  }

  /** A handshake does nothing that could be lost, so it may be sent again in any case. */
  #delivered(open: Open): void {
    this.#letGo(open);
    if (open.method !== "initialize") open.envelope = undefined;
  }

  // --- what is kept ---

  get #full(): boolean {
    return this.#kept > this.#options.maxBufferedBytes;
  }

  #keep(open: Open, envelope: Envelope): void {
    if (open.size === 0) this.#count(open.size = sizeOf(envelope));
  }

  #letGo(open: Open): void {
    this.#count(-open.size);
    open.size = 0;
  }

  #count(size: number): void {
    this.#kept += size;
    this.#backlog?.add(size);
  }

  /** Every request that is over goes through here. */
  #take(id: RequestId): Open | undefined {
    const open = this.#open.take(id);
    if (open) this.#letGo(open);
    return open;
  }

  /** Not awaited: time-outs, cancellations and the end must reach the requests that wait for a connection. */
  #deliverLater(open: Open, envelope: Envelope): void {
    this.#keep(open, envelope);
    if (this.#full) {
      return this.#answer(open.id, new LimitError("The server is being started: too much waits for it"));
    }
    open.envelope = asText(envelope);
    this.#wait({
      replays: open.method !== "initialize",
      go: () => void (this.#isOpen(open) && this.#deliver(open, this.#link.server)),
      fail: (error) => this.#answer(open.id, error),
    });
  }

  #wait(waiter: Waiter): void {
    background(this.#line.add(waiter), "connecting", this.#options.emit);
  }

  #isOpen(open: Open): boolean {
    return this.#open.get(open.id) === open;
  }

  /** To whoever asked and to nobody else, also while a handshake is being played. */
  #respond(envelope: Envelope, { id }: JsonRpcResponse): Promise<void> | void {
    return this.#pass(envelope, id === null ? this.#link.server : this.#asked.take(id));
  }

  #notify(envelope: Envelope, message: JsonRpcNotification): Promise<void> | void {
    this.#memory.note(envelope);
    const cancelled = cancelledId(message);
    const open = cancelled === undefined ? undefined : this.#take(cancelled);
    // A request that was never sent need not be taken back.
    if (open && !open.sentTo) return;
    const server = open ? this.#link.server : this.#ready;
    if (server) return this.#pass(envelope, server);
    // The server that had the request is gone, and with it the request.
    if (cancelled !== undefined) return;
    this.#notifyLater(asText(envelope));
  }

  /** Not awaited either: what comes after it must not wait for a connection. */
  #notifyLater(envelope: Envelope): void {
    const size = sizeOf(envelope);
    if (this.#kept + size > this.#options.maxBufferedBytes) {
      return this.#tell("a message was lost: too much waits for the server");
    }
    this.#count(size);
    this.#wait({
      replays: true,
      go: () => {
        this.#count(-size);
        const taken = this.#pass(envelope, this.#link.server);
        // A child reads one after the other; over HTTP, what comes next may overtake this.
        if (!this.#options.delivers) return taken;
      },
      fail: (error) => {
        this.#count(-size);
        this.#tell(`a message was lost: ${messageOf(error)}`);
      },
    });
  }

  /** Hands over what nobody waits for. */
  #pass(envelope: Envelope, server: Channel | undefined): Promise<void> | void {
    try {
      if (!server) throw gone();
      this.#names.sent(envelope.message);
      return unlessGone(server.send(envelope));
    } catch (error) {
      if (!(error instanceof DisconnectedError)) throw error;
      this.#tell(`a message was lost: ${messageOf(error)}`);
    }
  }

  /** The request is over, and its caller hears why. */
  #answer(id: RequestId, error: unknown): void {
    const open = this.#take(id);
    if (!open) return;
    const known = error instanceof GatewayError
      ? error
      : new BackendError("The MCP server failed", { cause: error });
    const message = errorOf(id, toRpcError(known));
    this.#memory.noteAnswer(message);
    const mayBeSentAgain = open.method === "initialize" || known instanceof LimitError;
    const undelivered = mayBeSentAgain ? undeliveredBy(known) : undefined;
    if (known instanceof LimitError) this.#tell(known.message);
    void this.incoming.push({ message, relatesTo: id, undelivered });
  }

  // --- down ---

  async #replay(server: Channel, messages: AsyncIterator<Envelope>): Promise<void> {
    const { replayTimeoutMs, shared } = this.#options;
    const within = `${durationText(replayTimeoutMs)} (${optionName("startTimeout")})`;
    const late = new TimeoutError(`The MCP server did not answer the handshake within ${within}`);
    const pass = (envelope: Envelope) => this.#receive(server, envelope);
    const isOpen = (id: RequestId) => this.#open.has(id);
    try {
      const replayed = this.#memory.replay({ server, messages, pass, isOpen });
      const answer = await inTime(replayTimeoutMs, replayed, late);
      // Who speaks for several tells those of it who come later.
      if (answer && shared) void this.incoming.push({ ...answer, introduces: true });
    } catch (error) {
      if (error === late) this.#tellLate(late.message);
      throw error;
    }
  }

  async #pump(server: Channel, messages: AsyncIterator<Envelope>): Promise<void> {
    let reason: unknown = new BackendError("The MCP server closed the connection");
    try {
      await each(messages, (envelope) => this.#receive(server, envelope));
    } catch (error) {
      reason = error;
    }
    this.#link.broke(server, this.#breakOf(server, reason));
    this.#recover(server, reason);
    await this.#link.freed;
  }

  #receive(server: Channel, envelope: Envelope): Promise<void> | void {
    const { message } = envelope;
    if (isResponse(message)) return this.#hearAnswer(server, envelope, message);
    if (isRequest(message)) this.#asked.add(message.id, server);
    else {
      const cancelled = cancelledId(message);
      if (cancelled !== undefined) this.#asked.take(cancelled);
    }
    return this.incoming.push(envelope, envelope.text?.length);
  }

  #hearAnswer(server: Channel, said: Envelope, answer: JsonRpcResponse): Promise<void> | void {
    // One that is gone, or is told what the last one knew, has nothing that could be meant.
    const envelope = server === this.#link.server ? this.#names.named(said, answer, this.#open) : said;
    const message = envelope === said ? answer : envelope.message;
    if (!isResponse(message)) return;
    // Nobody else is sent to a dead session, also while it has not broken yet.
    if (envelope.undelivered?.sessionLost) this.#link.drop(server);
    if (this.#sendsAgain(envelope, message)) return;
    this.#settle(message);
    return this.incoming.push(envelope, envelope.text?.length);
  }

  #settle(message: JsonRpcResponse): void {
    const open = message.id === null ? undefined : this.#take(message.id);
    this.#memory.noteAnswer(message);
    // Many a server takes the handshake, and is of no use after that.
    if (open && open.method !== "initialize") this.#link.answered();
  }

  /** Undefined after our close, when its end is what we asked for. */
  #breakOf(server: Channel, reason: unknown): Break | undefined {
    if (this.#closed) return undefined;
    const provoked = this.#open.values().some(({ method, sentTo }) =>
      sentTo === server && method !== "initialize"
    );
    return { reason, provoked };
  }

  /** A request that never reached the server is tried again after a pause; false when that was tried often enough. */
  #sendsAgain({ undelivered }: Envelope, message: JsonRpcResponse): boolean {
    if (!undelivered) return false;
    const { retry } = this.#options;
    const open = message.id === null ? undefined : this.#open.get(message.id);
    if (!open?.envelope) return false;
    const { status, permanent, sessionLost, retryAfterMs = pauseBefore(open.attempts + 1, retry) } =
      undelivered;
    // Only what waiting can mend, or another session.
    const mendable = sessionLost ||
      (!permanent && (status === undefined || status === 429 || status >= 500));
    if (!mendable) return false;
    const detail = "error" in message ? message.error.message : "it was not delivered";
    if (++open.attempts > retry.attempts) {
      this.#tell(`${detail}; the request is given up after ${triesText(open.attempts)}`);
      return false;
    }
    open.sentTo = undefined;
    const pauseMs = sessionLost ? 0 : Math.min(retryAfterMs, retry.maxDelayMs);
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
    const losses = new Losses(reason);
    for (const open of this.#open.values()) if (open.sentTo === server) this.#lose(open, losses);
    this.#takeBack(server);
    if (this.#closed) return this.incoming.end();
    this.#tell(messageOf(reason), { cause: reason });
    const { reopens = () => true } = this.#options;
    const over = this.#abort.signal.aborted || this.#options.stopping?.aborted;
    const wanted = this.#memory.established && !over && reopens(reason);
    if (wanted && !this.#link.server) this.#reconnect(reason);
  }

  /** A handshake does nothing that could be lost, so one that met a dying server may be tried once more. */
  #lose(open: Open, losses: Losses): void {
    const { id, method, envelope } = open;
    const { handshakeTries = 1 } = this.#options;
    const again = method === "initialize" && envelope && !this.#closed && !permanent(losses.reason);
    if (!again || ++open.attempts >= handshakeTries) return this.#answer(id, losses.of(method));
    open.sentTo = undefined;
    this.#deliverLater(open, envelope);
  }

  /** What the server says by itself must go on too, so this does not wait for the next request. */
  #reconnect(reason: unknown): void {
    if (this.#link.exhausted) return this.#tellGivenUp(reason);
    this.#link.connect({ replays: true }).catch((error) =>
      this.#options.delivers && this.#tellGivenUp(error)
    );
  }

  #tellGivenUp(cause: unknown, tries = 1): void {
    const after = tries === 1 ? "" : ` after ${triesText(tries)}`;
    this.#tell(`gave up${after} until the next request: ${messageOf(cause)}`, { cause });
  }

  /** A new server does not know what this one asked, and may use the same id for something else. */
  #takeBack(server: Channel): void {
    for (const message of this.#asked.takeBack(server)) void this.incoming.push({ message });
  }

  #tellRestored(): void {
    if (!this.#memory.established) return;
    this.#options.emit({ type: "server.restored", session: this.#session, server: this.#name });
  }

  #tellLate(reason: string): void {
    this.#options.emit({ type: "handshake.late", session: this.#session, server: this.#name, reason });
  }

  #tell(reason: string, { cause, pauseMs }: { cause?: unknown; pauseMs?: number } = {}): void {
    if (this.#abort.signal.aborted) return;
    const known = cause instanceof BackendError && cause.exited;
    const told = known && { told: true as const, ...pauseMs !== undefined && { pauseMs } };
    this.#options.emit({
      type: "server.trouble",
      session: this.#session,
      server: this.#name,
      reason,
      ...told,
    });
  }
}

/** What the callers of requests hear that were in the hands of a server that broke: made once for all of them. */
class Losses {
  readonly reason: unknown;
  #ofCall: BackendError | undefined;

  constructor(reason: unknown) {
    this.reason = reason;
  }

  of(method: string): BackendError {
    // A handshake does nothing that could be lost.
    if (method === "initialize") return this.#loss("");
    return this.#ofCall ??= this.#loss(": the answer is lost, and the request was not sent again");
  }

  #loss(more: string): BackendError {
    return new BackendError(messageOf(this.reason) + more, { cause: this.reason });
  }
}

function triesText(tries: number): string {
  return tries === 1 ? "1 try" : `${tries} tries`;
}

/** Whoever sends it needs its text in any case. */
function sizeOf(envelope: Envelope): number {
  return textOf(envelope).length;
}

function permanent(reason: unknown): boolean {
  return reason instanceof BackendError && reason.permanent;
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
