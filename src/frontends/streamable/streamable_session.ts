/** One stateful session of Streamable HTTP as a Channel: many POSTs, at most one GET stream. */
import type { Peer } from "../../core/backend.ts";
import type { Backlog } from "../../core/backlog.ts";
import type { Caller } from "../../core/caller.ts";
import { type Channel, enqueue, type Envelope } from "../../core/channel.ts";
import { Departure } from "../../base/departure.ts";
import { DisconnectedError, GatewayError, LimitError, stillOpen, toRpcError } from "../../core/errors.ts";
import {
  cancelledId,
  errorOf,
  isRequest,
  isResponse,
  type JsonRpcMessage,
  type JsonRpcRequest,
  type RequestId,
} from "../../core/message/jsonrpc.ts";
import { Queue } from "../../base/queue.ts";
import { Table } from "../../base/table.ts";
import type { Ticket } from "../../base/time_limit.ts";
import { optionName } from "../../base/option_name.ts";
import { Exchange, type ExchangeHost, type ExchangeSettings } from "./exchange.ts";
import { HandshakeCheck } from "./handshake_check.ts";
import { MessageBuffer } from "./message_buffer.ts";
import { MessageStream } from "./message_stream.ts";
import { type Posted, refuseFull } from "../posted.ts";
import { type EventLog, notResumable, type Place, SessionEvents } from "./session_events.ts";
import type { HostedSession, SessionHost, SessionSettings } from "./session_host.ts";

export const SESSION_HEADER = "Mcp-Session-Id";

/** From this revision on a stream may begin with an event without data; older clients read it as JSON. */
const PRIMED_SINCE = "2025-11-25";

export class StreamableSession implements Channel, ExchangeHost, HostedSession {
  readonly incoming = new Queue<Envelope>();
  readonly id: string = crypto.randomUUID();
  /** What the gateway knows of its client. */
  readonly peer: Peer;
  readonly settings: SessionSettings & ExchangeSettings;
  readonly #host: SessionHost;
  /** What waits for its server, of others as well where they share one. */
  #backlog: Backlog | undefined;
  readonly #gone = new Departure();
  readonly #handshake = new HandshakeCheck();
  readonly #exchanges = new Table<RequestId, Exchange>();
  /** Made with the first stream: a session that is answered in JSON alone has none. */
  #events: SessionEvents | undefined;
  /** The GET stream: one for the whole session, whatever the number of connections in its course. */
  #standing: MessageStream | undefined;
  /** Streams that a client came back to, even if their request is answered by now. */
  #resumed: Set<MessageStream> | undefined;
  /** What waits for the GET stream, from the first message on. */
  #buffer: MessageBuffer | undefined;
  #established = true;
  #introduced = false;
  /** It cannot be found by its id any more. */
  #retired = false;
  #closed = false;
  /** Falls due when the session has been idle for too long. */
  #idle: Ticket<HostedSession> | undefined;

  constructor(host: SessionHost) {
    this.settings = host.settings;
    this.#host = host;
    this.peer = {
      ...{ session: this.id, wire: "streamableHttp", scope: "session", gone: this.#gone },
      idleMs: () => this.idleMs,
    };
  }

  /** Its time runs from here on. */
  begin(backlog: Backlog): void {
    this.#backlog = backlog;
    this.incoming.countIn(backlog);
    this.#idle = this.#host.idle.add(this);
  }

  /** Milliseconds since the last activity; undefined while a request or a stream is open, and before `begin`. */
  get idleMs(): number | undefined {
    this.#forgetLeft();
    const busy = this.#exchanges.size > 0 || this.#resumed !== undefined || this.#standing?.connected;
    if (busy) return undefined;
    return this.#idle && performance.now() - this.#idle.dueAt + this.settings.sessionTimeoutMs;
  }

  // --- from the client ---

  /** Takes the messages of one POST; settles with its answer. Throws RequestError or LimitError, at once. */
  post(posted: Posted, caller?: Caller): Promise<Response> {
    this.#touch();
    const repeated = posted.requests.find(({ id }) => this.#exchanges.has(id));
    if (repeated) throw stillOpen(repeated.id);
    this.refuseFull();
    const exchange = posted.requests.length > 0 ? this.#exchange(posted, caller) : undefined;
    if (exchange && this.#buffer) this.#askOn(exchange, this.#buffer);
    const taken = this.#take(posted);
    return exchange?.response ?? acceptedAfter(taken);
  }

  /** Throws LimitError while too much waits for its server. */
  refuseFull(): void {
    refuseFull(this.incoming, this.settings);
    this.#backlog?.refuse();
  }

  /** A returned promise settles when the server has room for more. */
  #take({ said, weight, body }: Posted): Promise<void> | void {
    let room: Promise<void> | void = undefined;
    for (const envelope of said) {
      const { message } = envelope;
      this.#handshake.sent(message);
      room = enqueue(this.incoming, envelope, weight);
      this.#cancel(cancelledId(message));
    }
    body.leave();
    return room;
  }

  /** Opens the GET stream; an older one gives way, for its client is more likely gone than greedy. */
  listen(caller?: Caller): Response {
    this.#touch();
    this.#standing ??= new MessageStream({
      ...this.#forStreams(),
      log: this.openLog(),
      onGone: () => this.#touch(),
      onRoom: () => this.#flush(),
    });
    const response = this.#standing.connect(this.introduction(), caller);
    this.#flush();
    return response;
  }

  /** Goes on with the stream of that event, behind it. Throws RequestError when that is not possible. */
  async resume(lastEventId: string, caller?: Caller): Promise<Response> {
    this.#touch();
    const events = this.#keptEvents();
    if (!events) throw notResumable(lastEventId, "events are not kept here");
    const place = events.place(lastEventId);
    const response = place && await this.#resumeAt(place, events, caller);
    if (response) return response;
    throw notResumable(lastEventId, "it is unknown here, or what followed it is no longer kept");
  }

  async #resumeAt(place: Place, events: SessionEvents, caller?: Caller): Promise<Response | undefined> {
    const open = this.#streamOf(place);
    const log = open ? undefined : await events.finished(place);
    // Clients come back even for what they have completely, and stop only when they are told so in this way.
    if (log?.last === place.sequence) return nothingMore(this.introduction());
    const ended = log &&
      new MessageStream({ ...this.#forStreams(), log, ended: true, onGone: () => this.#touch() });
    const stream = open ?? ended;
    const response = await stream?.resume(place.sequence, this.introduction(), caller);
    this.#forgetLeft();
    if (stream && response) (this.#resumed ??= new Set()).add(stream);
    return response;
  }

  #forStreams() {
    const { keepAliveMs, unread } = this.settings;
    return { session: this.id, keepAliveMs, unread };
  }

  #streamOf({ stream: name }: Place): MessageStream | undefined {
    const streams = [this.#standing, ...this.#exchanges.values().map(({ stream }) => stream)];
    return streams.find((stream) => stream?.name === name);
  }

  #forgetLeft(): void {
    if (!this.#resumed) return;
    for (const stream of this.#resumed) if (!stream.connected) this.#resumed.delete(stream);
    if (this.#resumed.size === 0) this.#resumed = undefined;
  }

  /** Ends the session from outside: DELETE, or time. */
  end(why: string): void {
    this.#retire();
    const error = new DisconnectedError(why);
    this.incoming.fail(error);
    this.#gone.tell(error);
  }

  /** The server owes no answer to a cancelled request, so its POST ends here. */
  #cancel(id: RequestId | undefined): void {
    if (id === undefined) return;
    this.#exchanges.take(id)?.cancel(id);
  }

  #exchange({ requests, batch }: Posted, caller: Caller | undefined): Exchange {
    const ids = requests.map(({ id }) => id);
    const exchange = new Exchange({ ids, batch, caller }, this);
    for (const id of ids) this.#exchanges.set(id, exchange);
    return exchange;
  }

  // --- for its exchanges ---

  openLog(): EventLog | undefined {
    return this.#keptEvents()?.log();
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
  introduction(): Record<string, string> {
    const first = !this.#introduced;
    this.#introduced = true;
    return first && this.#established ? { [SESSION_HEADER]: this.id } : {};
  }

  #keptEvents(): SessionEvents | undefined {
    const { events: store, emit } = this.settings;
    const primes = () => (this.#handshake.version ?? "") >= PRIMED_SINCE;
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
      (exchange?.carriesEvents ? exchange.awaited : this.#standing?.connected);
    if (heard) this.#touch();
    if (isResponse(message) && relatesTo !== undefined) {
      this.#exchanges.take(relatesTo);
      if (exchange?.open) return exchange.send(this.#checked(envelope));
      return this.#drop("its client is gone");
    }
    if (exchange?.carriesEvents) return exchange.send(envelope);
    const other = isQuestion(message) ? this.#openPost() : undefined;
    if (other) return other.send(envelope);
    this.#keep(envelope);
    this.#flush();
  }

  /**
   * Where a question goes that would wait for ever for a client that opens no GET stream: that what a POST carries
   * relates to it is only a SHOULD (transports page, "Sending Messages to the Server"). The newest, whose client is the
   * least likely to have left.
   */
  #openPost(): Exchange | undefined {
    if (this.#standing?.connected) return undefined;
    return this.#exchanges.values().findLast((exchange) => exchange.carriesEvents && exchange.awaited);
  }

  /** The same for what was asked while no request was open. */
  #askOn(exchange: Exchange, buffer: MessageBuffer): void {
    if (this.#standing?.connected || !exchange.carriesEvents) return;
    for (const envelope of buffer.takeAll(isQuestion)) void exchange.send(envelope);
  }

  /** Without a handshake there is no session: no id for the client, and no server kept for it. */
  #checked(envelope: Envelope): Envelope {
    const answer = this.#handshake.answer(envelope);
    if (answer && "error" in answer.message) {
      this.#established = false;
      this.end("The session was not established");
    }
    return answer ?? envelope;
  }

  #keep(envelope: Envelope): void {
    this.#buffer ??= new MessageBuffer(this.settings);
    const gone = this.#buffer.add(envelope);
    if (gone.length === 0) return;
    this.#drop("the buffer for the GET stream is full, oldest first", gone.length);
    for (const { message } of gone) if (isRequest(message)) this.#refuse(message);
  }

  /** The server would wait for its answer as long as the session lives, and have one request less to ask. */
  #refuse({ id }: JsonRpcRequest): void {
    const limits = `${optionName("maxBufferedMessages")}, ${optionName("maxBufferedSize")}`;
    const why = `Too much waits for the client's GET stream (${limits})`;
    void this.incoming.push({ message: errorOf(id, toRpcError(new LimitError(why))) });
  }

  /** A GET stream that nobody reads holds up nothing: what it cannot take waits in the buffer. */
  #flush(): void {
    while (this.#standing?.ready) {
      const envelope = this.#buffer?.take();
      if (!envelope) return;
      void this.#standing.send(envelope);
    }
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
    for (const exchange of new Set(this.#exchanges.values())) exchange.fail((id) => errorOf(id, error));
    this.#exchanges.clear();
    this.#standing?.close();
    for (const stream of this.#resumed ?? []) stream.close();
    this.#buffer = undefined;
    this.#closed = true;
    return this.#events?.drop() ?? Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
    this.incoming.end();
  }

  #retire(): void {
    this.#retired = true;
    if (this.#idle) this.#host.idle.delete(this.#idle);
    this.#host.onEnd(this);
  }

  #touch(): void {
    if (this.#idle && !this.#retired) this.#host.idle.renew(this.#idle);
  }

  /** To be called when its idle time is over; while a client waits for an answer, it is not idle. */
  checkIdle(): void {
    if (this.#exchanges.values().some((exchange) => exchange.awaited)) return this.#touch();
    this.end(`The session was idle for ${this.settings.sessionTimeoutMs} ms`);
  }
}

/** What the server asks, and that it wants no answer any more. */
function isQuestion(message: JsonRpcMessage): boolean {
  return isRequest(message) || cancelledId(message) !== undefined;
}

async function acceptedAfter(taken: Promise<void> | void): Promise<Response> {
  await taken;
  return new Response(null, { status: 202 });
}

/** An event stream with nothing in it; its status is how EventSource is told not to come again. */
function nothingMore(headers: HeadersInit): Response {
  const all = new Headers(headers);
  all.set("Content-Type", "text/event-stream");
  return new Response(null, { status: 204, headers: all });
}
