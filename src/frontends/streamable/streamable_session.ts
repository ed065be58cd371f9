/** One stateful session of Streamable HTTP as a Channel: many POSTs, at most one GET stream. */
import type { Peer } from "../../core/backend.ts";
import type { Backlog } from "../../core/backlog.ts";
import type { Caller } from "../../core/caller.ts";
import { type Channel, enqueue, type Envelope } from "../../core/channel.ts";
import { LazyAbortController } from "../../base/lazy_abort_controller.ts";
import { BusyError, DisconnectedError, GatewayError, toRpcError } from "../../core/errors.ts";
import { cancelledId } from "../../core/mcp/messages.ts";
import { errorOf, isRequest, type RequestId } from "../../core/message/jsonrpc.ts";
import { Queue } from "../../base/queue.ts";
import type { Ticket } from "../../base/time_limit.ts";
import { optionName } from "../../base/option_name.ts";
import type { ExchangeSettings } from "./exchange.ts";
import { HandshakeCheck } from "./handshake_check.ts";
import { type Posted, refuseFull } from "../posted.ts";
import type { NamedSession } from "../session_directory.ts";
import type { GroupedSession, SessionGroup, SessionSettings } from "./session_group.ts";
import { SessionStreams, type StreamsOwner } from "./session_streams.ts";

export class StreamableSession implements Channel, StreamsOwner, GroupedSession, NamedSession {
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
  readonly #streams: SessionStreams;
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
    this.#streams = new SessionStreams(this);
  }

  /** Its time runs from here on. */
  begin(backlog: Backlog): void {
    this.#backlog = backlog;
    this.incoming.countIn(backlog);
    this.#idle = this.#group.idle.add(this);
  }

  /** Milliseconds since the last activity; undefined while a request or a stream is open, and before `begin`. */
  get idleMs(): number | undefined {
    if (this.#streams.open) return undefined;
    return this.#idle && performance.now() - this.#idle.dueAt + this.settings.sessionTimeoutMs;
  }

  // --- from the client ---

  /** Takes the messages of one POST; settles with its answer. Throws RequestError or BusyError, at once. */
  post(posted: Posted, caller?: Caller): Promise<Response> {
    this.#touch();
    this.#streams.refuseRepeated(posted);
    this.refuseFull();
    const exchange = this.#streams.begin(posted, caller);
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
      if (cancelled !== undefined) this.#streams.cancel(cancelled);
    }
    body.release();
    return room;
  }

  /** Opens the GET stream; an older one gives way. */
  listen(caller?: Caller): Response {
    this.#touch();
    return this.#streams.listen(caller);
  }

  /** Goes on with the stream of that event, behind it. Throws RequestError when that is not possible. */
  async resume(lastEventId: string, caller?: Caller): Promise<Response> {
    this.#touch();
    return await this.#streams.resume(lastEventId, caller);
  }

  /** Ends the session from outside: DELETE, or time. */
  end(why: string): void {
    this.#retire();
    const error = new DisconnectedError(why);
    this.incoming.fail(error);
    this.#gone.abort(error);
  }

  // --- from the server ---

  send(envelope: Envelope): Promise<void> | void {
    if (this.#closed) throw new DisconnectedError("The session has ended");
    return this.#streams.send(envelope);
  }

  // --- for its streams ---

  get version(): string | undefined {
    return this.#handshake.version;
  }

  onHeard(): void {
    this.#touch();
  }

  /** Without a handshake there is no session: no id for the client, and no server kept for it. */
  checked(envelope: Envelope): Envelope {
    const answer = this.#handshake.answer(envelope);
    if (answer && "error" in answer.message) {
      this.#streams.withholdId();
      this.end("The session was not established");
    }
    return answer ?? envelope;
  }

  onLost(reason: string, gone: readonly Envelope[]): void {
    const { id: session, settings: { emit } } = this;
    emit({ type: "message.dropped", session, direction: "down", reason, count: gone.length });
    for (const { message } of gone) if (isRequest(message)) this.#refuse(message.id);
  }

  /** The server would wait for its answer as long as the session lives, and have one request less to ask. */
  #refuse(id: RequestId): void {
    const limits = `${optionName("maxBufferedMessages")}, ${optionName("maxBufferedSize")}`;
    const why = `Too much waits for the client's GET stream (${limits})`;
    void this.incoming.push({ message: errorOf(id, toRpcError(new BusyError(why))) });
  }

  // --- the end ---

  /** Called when nothing comes any more from the server: what is open gets its answer here. */
  close(reason?: Error): Promise<void> {
    this.#retire();
    const error = toRpcError(
      reason instanceof GatewayError ? reason : new DisconnectedError("The session has ended"),
    );
    const closed = this.#streams.close((id) => errorOf(id, error));
    this.#closed = true;
    return closed;
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
    if (this.#streams.awaited) return this.#touch();
    this.end(`The session was idle for ${this.settings.sessionTimeoutMs} ms`);
  }
}

async function acceptedAfter(room: Promise<void> | void): Promise<Response> {
  await room;
  return new Response(null, { status: 202 });
}
