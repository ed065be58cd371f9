/** The streams that lead to the client of one stateful session, and which of them is for what its server says. */
import type { Caller } from "../../core/caller.ts";
import type { Envelope } from "../../core/channel.ts";
import { hasPrimedStreams } from "../../core/mcp/revisions.ts";
import { isResponse, type JsonRpcMessage, type RequestId } from "../../core/message/jsonrpc.ts";
import type { Exchange, ExchangeOwner, ExchangeSettings } from "./exchange.ts";
import { Exchanges } from "./exchanges.ts";
import type { MessageStream } from "./message_stream.ts";
import type { Posted } from "../posted.ts";
import { type ResumableSession, ResumedStreams } from "./resumed_streams.ts";
import { type EventLog, notResumable, SessionEvents } from "./session_events.ts";
import type { SessionSettings } from "./session_group.ts";
import { isQuestion, StandaloneStream, type StandaloneStreamOwner } from "./standalone_stream.ts";

export const SESSION_HEADER = "Mcp-Session-Id";

/** The session whose streams they are. */
export interface StreamsOwner {
  readonly id: string;
  readonly settings: SessionSettings & ExchangeSettings;
  /** The revision that its client and its server have agreed upon, once they have. */
  readonly version: string | undefined;
  /** Its client was told something, or was lost on the way: from now on it has its time to come back. */
  onHeard(): void;
  /** An answer, as it goes out. */
  checked(envelope: Envelope): Envelope;
  /** What nobody will hear; of what waited for the GET stream, oldest first. */
  onLost(reason: string, gone: readonly Envelope[]): void;
}

/** What its parts ask of it. */
type PartsOwner = ExchangeOwner & StandaloneStreamOwner & ResumableSession;

export class SessionStreams implements PartsOwner {
  readonly id: string;
  readonly settings: SessionSettings & ExchangeSettings;
  readonly #owner: StreamsOwner;
  readonly #exchanges = new Exchanges();
  /** Made with the first stream: a session that is answered in JSON alone has none. */
  #events: SessionEvents | undefined;
  /** Made when somebody listens, or something waits for that. */
  #standalone: StandaloneStream | undefined;
  #resumed: ResumedStreams | undefined;
  /** The client has still to be told the id of its session. */
  #untold = true;

  constructor(owner: StreamsOwner) {
    this.id = owner.id;
    this.settings = owner.settings;
    this.#owner = owner;
  }

  /** Whether a request or a stream is open. */
  get open(): boolean {
    const resumed = this.#resumed?.connected;
    return this.#exchanges.busy || resumed === true || this.#standalone?.connected === true;
  }

  /** Whether a client is known to wait for an answer. */
  get awaited(): boolean {
    return this.#exchanges.awaited;
  }

  // --- from the client ---

  /** Throws RequestError where an id still names an open request. */
  refuseRepeated(posted: Posted): void {
    this.#exchanges.refuseRepeated(posted);
  }

  /** Begins the answer to a POST; undefined for one that wants none. */
  begin(posted: Posted, caller: Caller | undefined): Exchange | undefined {
    if (posted.requests.length === 0) return undefined;
    const exchange = this.#exchanges.begin(posted, caller, this);
    if (this.#standalone) this.#askOn(exchange, this.#standalone);
    return exchange;
  }

  /** The server owes no answer to a cancelled request. */
  cancel(id: RequestId): void {
    this.#exchanges.cancel(id);
  }

  /** Opens the GET stream; an older one gives way. */
  listen(caller: Caller | undefined): Response {
    this.#standalone ??= new StandaloneStream(this);
    return this.#standalone.connect(this.sessionHeaders(), caller);
  }

  /** Goes on with the stream of that event, behind it. Throws RequestError when that is not possible. */
  async resume(lastEventId: string, caller: Caller | undefined): Promise<Response> {
    const events = this.#keptEvents();
    if (!events) throw notResumable(lastEventId, "events are not kept here");
    this.#resumed ??= new ResumedStreams(this, events);
    return await this.#resumed.resume(lastEventId, caller);
  }

  /** What was asked while no request was open goes out with the first one, where the client has no GET stream. */
  #askOn(exchange: Exchange, standalone: StandaloneStream): void {
    if (standalone.connected || !exchange.carriesEvents) return;
    for (const envelope of standalone.takeQuestions()) void exchange.send(envelope);
  }

  // --- from the server ---

  send(envelope: Envelope): Promise<void> | void {
    const { message, relatesTo } = envelope;
    const exchange = relatesTo === undefined ? undefined : this.#exchanges.get(relatesTo);
    if (envelope.fleeting && !(exchange?.carriesEvents && exchange.awaited)) return;
    // A server that talks to nobody does not keep its session alive.
    const heard = isResponse(message) ||
      (exchange?.carriesEvents ? exchange.awaited : this.#standalone?.connected);
    if (heard) this.#owner.onHeard();
    if (isResponse(message) && relatesTo !== undefined) {
      this.#exchanges.answered(relatesTo);
      if (exchange?.isOpen) return exchange.send(this.#owner.checked(envelope));
      return this.#owner.onLost("its client is gone", [envelope]);
    }
    if (exchange?.carriesEvents) return exchange.send(envelope);
    const other = isQuestion(message) ? this.#postForQuestions() : undefined;
    if (other) return other.send(envelope);
    this.#standalone ??= new StandaloneStream(this);
    const gone = this.#standalone.send(envelope);
    if (gone.length > 0) this.#owner.onLost("the buffer for the GET stream is full, oldest first", gone);
  }

  /**
   * Where a question goes that would wait for ever for a client that opens no GET stream: that what a POST carries
   * relates to it is only a SHOULD (transports page, "Sending Messages to the Server"). The newest, whose client is the
   * least likely to have left.
   */
  #postForQuestions(): Exchange | undefined {
    return this.#standalone?.connected ? undefined : this.#exchanges.newest;
  }

  // --- for its parts ---

  eventLog(): EventLog | undefined {
    return this.#keptEvents()?.log();
  }

  streamNamed(name: string): MessageStream | undefined {
    return this.#standalone?.streamNamed(name) ?? this.#exchanges.streamNamed(name);
  }

  onGone(): void {
    this.#owner.onHeard();
  }

  /**
   * The id is given once: with the answer to `initialize`, which comes first, as the transports page has it ("Session
   * Management"). The runtime has a fast way to answer with a Content-Type alone; a request that is answered otherwise
   * takes a sixth more of its time.
   */
  sessionHeaders(): Record<string, string> {
    const first = this.#untold;
    this.#untold = false;
    return first ? { [SESSION_HEADER]: this.id } : {};
  }

  /** There is no session that could be named. */
  withholdId(): void {
    this.#untold = false;
  }

  #keptEvents(): SessionEvents | undefined {
    const { events: store, emit } = this.settings;
    const primes = () => hasPrimedStreams(this.#owner.version);
    return this.#events ??= store && new SessionEvents({ session: this.id, store, emit, primes });
  }

  // --- the end ---

  /** Answers what is still open with the same error, and ends the streams; settles when nothing is kept any more. */
  close(error: (id: RequestId) => JsonRpcMessage): Promise<void> {
    this.#exchanges.fail(error);
    this.#standalone?.close();
    this.#resumed?.close();
    return this.#events?.drop() ?? Promise.resolve();
  }
}
