/** One stateful session of Streamable HTTP as a Channel: many POSTs, at most one GET stream. */
import type { Peer } from "../../core/backend.ts";
import type { Backlog } from "../../core/backlog.ts";
import type { Caller } from "../../core/caller.ts";
import { type Channel, enqueue, type Envelope } from "../../core/channel.ts";
import { LazyAbortController } from "../../base/lazy_abort_controller.ts";
import { BusyError, DisconnectedError, GatewayError, toRpcError } from "../../core/errors.ts";
import { cancelledId } from "../../core/mcp/messages.ts";
import { hasPrimedStreams } from "../../core/mcp/revisions.ts";
import { errorOf, isRequest, isResponse, type RequestId } from "../../core/message/jsonrpc.ts";
import { Queue } from "../../base/queue.ts";
import type { Ticket } from "../../base/time_limit.ts";
import { optionName } from "../../base/option_name.ts";
import type { Exchange, ExchangeOwner, ExchangeSettings } from "./exchange.ts";
import { Exchanges } from "./exchanges.ts";
import { HandshakeCheck } from "./handshake_check.ts";
import type { MessageStream } from "./message_stream.ts";
import { type Posted, refuseFull } from "../posted.ts";
import { type ResumableSession, ResumedStreams } from "./resumed_streams.ts";
import type { NamedSession } from "../session_directory.ts";
import { type EventLog, notResumable, SessionEvents } from "./session_events.ts";
import type { GroupedSession, SessionGroup, SessionSettings } from "./session_group.ts";
import { isQuestion, StandaloneStream, type StandaloneStreamOwner } from "./standalone_stream.ts";

export const SESSION_HEADER = "Mcp-Session-Id";

/** What its parts ask of a session. */
type PartsOwner = ExchangeOwner & StandaloneStreamOwner & ResumableSession & GroupedSession & NamedSession;

export class StreamableSession implements Channel, PartsOwner {
  readonly incoming = new Queue<Envelope>();
  readonly id: string = crypto.randomUUID();
  /** What the gateway knows of its client. */
  readonly peer: Peer;
  readonly settings: SessionSettings & ExchangeSettings;
  readonly #group: SessionGroup;
  /** What waits for its server, of others as well where they share one. */
  #backlog: Backlog | undefined;
  readonly #gone = new LazyAbortController();
  readonly #handshake = new HandshakeCheck();
  readonly #exchanges = new Exchanges();
  /** Made with the first stream: a session that is answered in JSON alone has none. */
  #events: SessionEvents | undefined;
  /** Made when somebody listens, or something waits for that. */
  #standalone: StandaloneStream | undefined;
  #resumed: ResumedStreams | undefined;
  /** Its client has still to be told its id. */
  #unknown = true;
  /** It cannot be found by its id any more. */
  #retired = false;
  #closed = false;
  /** Falls due when the session has been idle for too long. */
  #idle: Ticket<GroupedSession> | undefined;

  /** The session of this caller, or of nobody in particular. */
  constructor(group: SessionGroup, caller?: Caller) {
    this.settings = group.settings;
    this.#group = group;
    this.peer = {
      ...{ session: this.id, wire: "streamableHttp", scope: "session", gone: this.#gone },
      ...caller?.principal && { principal: caller.principal, scopes: caller.scopes },
      ...caller?.launch && { launch: caller.launch },
      address: caller?.address,
      idleMs: () => this.idleMs,
    };
  }

  /** Its time runs from here on. */
  begin(backlog: Backlog): void {
    this.#backlog = backlog;
    this.incoming.countIn(backlog);
    this.#idle = this.#group.idle.add(this);
  }

  /** Milliseconds since the last activity; undefined while a request or a stream is open, and before `begin`. */
  get idleMs(): number | undefined {
    const resumed = this.#resumed?.connected;
    if (this.#exchanges.busy || resumed || this.#standalone?.connected) return undefined;
    return this.#idle && performance.now() - this.#idle.dueAt + this.settings.sessionTimeoutMs;
  }

  // --- from the client ---

  /** Takes the messages of one POST; settles with its answer. Throws RequestError or BusyError, at once. */
  post(posted: Posted, caller?: Caller): Promise<Response> {
    this.#touch();
    this.#exchanges.refuseRepeated(posted);
    this.refuseFull();
    const exchange = posted.requests.length > 0 ? this.#exchanges.begin(posted, caller, this) : undefined;
    if (exchange && this.#standalone) this.#askOn(exchange, this.#standalone);
    const room = this.#receive(posted);
    return exchange?.response ?? acceptedAfter(room);
  }

  /** Throws BusyError while too much waits for its server. */
  refuseFull(): void {
    refuseFull(this.incoming, this.settings);
    this.#backlog?.refuse();
  }

  /** A returned promise settles when the server has room for more. */
  #receive({ messages, weight, body }: Posted): Promise<void> | void {
    let room: Promise<void> | void = undefined;
    for (const envelope of messages) {
      const { message } = envelope;
      this.#handshake.sent(message);
      room = enqueue(this.incoming, envelope, weight);
      const cancelled = cancelledId(message);
      if (cancelled !== undefined) this.#exchanges.cancel(cancelled);
    }
    body.release();
    return room;
  }

  /** What was asked while no request was open goes out with the first one, where the client has no GET stream. */
  #askOn(exchange: Exchange, standalone: StandaloneStream): void {
    if (standalone.connected || !exchange.carriesEvents) return;
    for (const envelope of standalone.takeQuestions()) void exchange.send(envelope);
  }

  /** Opens the GET stream; an older one gives way. */
  listen(caller?: Caller): Response {
    this.#touch();
    this.#standalone ??= new StandaloneStream(this);
    return this.#standalone.connect(this.sessionHeaders(), caller);
  }

  /** Goes on with the stream of that event, behind it. Throws RequestError when that is not possible. */
  async resume(lastEventId: string, caller?: Caller): Promise<Response> {
    this.#touch();
    const events = this.#keptEvents();
    if (!events) throw notResumable(lastEventId, "events are not kept here");
    this.#resumed ??= new ResumedStreams(this, events);
    return await this.#resumed.resume(lastEventId, caller);
  }

  /** Ends the session from outside: DELETE, or time. */
  end(why: string): void {
    this.#retire();
    const error = new DisconnectedError(why);
    this.incoming.fail(error);
    this.#gone.abort(error);
  }

  // --- for its parts ---

  eventLog(): EventLog | undefined {
    return this.#keptEvents()?.log();
  }

  streamNamed(name: string): MessageStream | undefined {
    return this.#standalone?.streamNamed(name) ?? this.#exchanges.streamNamed(name);
  }

  /** From now on the client has its time to come back. */
  onGone(): void {
    this.#touch();
  }

  /**
   * The id is given once: with the answer to `initialize`, which comes first, as the transports page has it ("Session
   * Management"). The runtime has a fast way to answer with a Content-Type alone; a request that is answered otherwise
   * takes a sixth more of its time.
   */
  sessionHeaders(): Record<string, string> {
    const first = this.#unknown;
    this.#unknown = false;
    return first ? { [SESSION_HEADER]: this.id } : {};
  }

  #keptEvents(): SessionEvents | undefined {
    const { events: store, emit } = this.settings;
    const primes = () => hasPrimedStreams(this.#handshake.version);
    return this.#events ??= store && new SessionEvents({ session: this.id, store, emit, primes });
  }

  // --- from the server ---

  send(envelope: Envelope): Promise<void> | void {
    if (this.#closed) throw new DisconnectedError("The session has ended");
    const { message, relatesTo } = envelope;
    const exchange = relatesTo === undefined ? undefined : this.#exchanges.get(relatesTo);
    if (envelope.fleeting && !(exchange?.carriesEvents && exchange.awaited)) return;
    // A server that talks to nobody does not keep its session alive.
    const heard = isResponse(message) ||
      (exchange?.carriesEvents ? exchange.awaited : this.#standalone?.connected);
    if (heard) this.#touch();
    if (isResponse(message) && relatesTo !== undefined) {
      this.#exchanges.answered(relatesTo);
      if (exchange?.isOpen) return exchange.send(this.#checked(envelope));
      return this.#drop("its client is gone");
    }
    if (exchange?.carriesEvents) return exchange.send(envelope);
    const other = isQuestion(message) ? this.#postForQuestions() : undefined;
    if (other) return other.send(envelope);
    this.#standalone ??= new StandaloneStream(this);
    this.#forgo(this.#standalone.send(envelope));
  }

  /**
   * Where a question goes that would wait for ever for a client that opens no GET stream: that what a POST carries
   * relates to it is only a SHOULD (transports page, "Sending Messages to the Server"). The newest, whose client is the
   * least likely to have left.
   */
  #postForQuestions(): Exchange | undefined {
    return this.#standalone?.connected ? undefined : this.#exchanges.newest;
  }

  /** Without a handshake there is no session: no id for the client, and no server kept for it. */
  #checked(envelope: Envelope): Envelope {
    const answer = this.#handshake.answer(envelope);
    if (answer && "error" in answer.message) {
      this.#unknown = false;
      this.end("The session was not established");
    }
    return answer ?? envelope;
  }

  #forgo(gone: readonly Envelope[]): void {
    if (gone.length === 0) return;
    this.#drop("the buffer for the GET stream is full, oldest first", gone.length);
    for (const { message } of gone) if (isRequest(message)) this.#refuse(message.id);
  }

  /** The server would wait for its answer as long as the session lives, and have one request less to ask. */
  #refuse(id: RequestId): void {
    const limits = `${optionName("maxBufferedMessages")}, ${optionName("maxBufferedSize")}`;
    const why = `Too much waits for the client's GET stream (${limits})`;
    void this.incoming.push({ message: errorOf(id, toRpcError(new BusyError(why))) });
  }

  #drop(reason: string, count = 1): void {
    this.settings.emit({ type: "message.dropped", session: this.id, direction: "down", reason, count });
  }

  // --- the end ---

  /** Called when nothing comes any more from the server: what is open gets its answer here. */
  close(reason?: Error): Promise<void> {
    this.#retire();
    const error = toRpcError(
      reason instanceof GatewayError ? reason : new DisconnectedError("The session has ended"),
    );
    this.#exchanges.fail((id) => errorOf(id, error));
    this.#standalone?.close();
    this.#resumed?.close();
    this.#closed = true;
    return this.#events?.drop() ?? Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
    this.incoming.end();
  }

  #retire(): void {
    this.#retired = true;
    if (this.#idle) this.#group.idle.delete(this.#idle);
    this.#group.onEnd(this);
  }

  #touch(): void {
    if (this.#idle && !this.#retired) this.#group.idle.renew(this.#idle);
  }

  /** To be called when its idle time is over; while a client waits for an answer, it is not idle. */
  checkIdle(): void {
    if (this.#exchanges.awaited) return this.#touch();
    this.end(`The session was idle for ${this.settings.sessionTimeoutMs} ms`);
  }
}

async function acceptedAfter(room: Promise<void> | void): Promise<Response> {
  await room;
  return new Response(null, { status: 202 });
}
