/** A stream of messages to a client, which outlives the connection that carries it where its events are kept. */
import type { Envelope } from "../../core/channel.ts";
import type { StoredEvent } from "../../core/event_store.ts";
import { within } from "../../base/waiting.ts";
import { lineOf } from "../../wire/line.ts";
import { encodeEvent, encodePriming } from "../../wire/sse.ts";
import { EventStream, type EventStreamOptions } from "../event_stream.ts";
import type { Caller } from "../../core/caller.ts";
import type { EventLog } from "./session_events.ts";

/** As the SDKs' first pause: short for a user who waits, and long enough where many clients reconnect at a time. */
const RETRY_MS = 1_000;

interface MessageStreamOptions extends Omit<EventStreamOptions, "caller"> {
  /** Makes the stream resumable. */
  readonly log?: EventLog | undefined;
  /** Nothing is to follow what the log has. */
  readonly ended?: boolean;
  /** The client left, or was given up; not called for a connection that gave way to a newer one. */
  readonly onGone: () => void;
  /** From then on a client that does not read is left to resume, if it can, instead of holding up the sender. */
  readonly stallMs?: number;
}

export class MessageStream {
  readonly #options: MessageStreamOptions;
  readonly #log: EventLog | undefined;
  #connection: EventStream | undefined;
  /** False while the connection still gets what came before. */
  #live = false;
  #ended: boolean;
  #closed = false;

  constructor(options: MessageStreamOptions) {
    this.#options = options;
    this.#log = options.log;
    this.#ended = options.ended ?? false;
  }

  /** What event ids call it. */
  get name(): string | undefined {
    return this.#log?.name;
  }

  /** Whether somebody listens, as far as is known. */
  get connected(): boolean {
    return this.#connection?.isOpen ?? false;
  }

  /** Whether a message would go out now, without waiting for the client to read. */
  get ready(): boolean {
    return this.#live && this.#connection !== undefined && this.connected && !this.#connection.full;
  }

  /** Whether the client can come back for what it misses. */
  get resumable(): boolean {
    return this.#log?.known ?? false;
  }

  /** A connection for what comes from now on; an older one is closed. */
  connect(headers: HeadersInit, caller?: Caller): Response {
    const connection = this.#renew(this.#log?.last ?? 0, caller);
    this.#live = true;
    return connection.response(headers);
  }

  /**
   * A connection for what came after the place, and all that follows; undefined when that is not kept. Throws BusyError
   * while too much waits for clients: to come back costs nothing, and each time all of it would wait once more.
   */
  async resume(after: number, headers: HeadersInit, caller?: Caller): Promise<Response | undefined> {
    const events = await this.#log?.read(after);
    if (!events || this.#closed) return undefined;
    this.#options.unread.refuse();
    const connection = this.#renew(after, caller);
    void this.#catchUp(connection, after, events);
    return connection.response(headers);
  }

  /** Sends, or keeps for a client that is away; a returned promise settles when there is room for more. */
  send(envelope: Envelope, last = false): Promise<void> | void {
    const data = lineOf(envelope);
    const kept = this.#log?.append(data, last);
    const room = this.#live ? this.#deliver(data) : undefined;
    if (last) this.#finish();
    return kept && room ? Promise.all([kept, room]).then(() => {}) : kept ?? room;
  }

  /** Ends the stream without another message. */
  end(): void {
    if (this.#ended) return;
    void this.#log?.append("", true);
    this.#finish();
  }

  /** Closes the connection, whatever it still has to get. */
  close(): void {
    this.#closed = true;
    this.#connection?.close();
  }

  #finish(): void {
    this.#ended = true;
    // One that is still catching up is closed when it has.
    if (this.#live) this.#connection?.close();
  }

  #renew(place: number, caller: Caller | undefined): EventStream {
    const { session, unread, keepAliveMs, onGone, onRoom } = this.#options;
    this.#connection?.close();
    this.#live = false;
    const connection: EventStream = new EventStream({
      ...{ session, unread, caller, keepAliveMs },
      onGone: () => {
        if (connection === this.#connection) onGone();
      },
      onRoom: () => {
        if (connection === this.#connection) onRoom?.();
      },
    });
    this.#connection = connection;
    // Also when resuming: clients forget the id that they came with, should the connection break before the next.
    if (this.#log?.primes) void connection.send(encodePriming(this.#log.idAt(place), RETRY_MS));
    return connection;
  }

  #deliver(data: string): Promise<void> | void {
    const connection = this.#connection;
    const room = connection?.send(this.#encode(data, this.#log?.last));
    const { stallMs } = this.#options;
    if (!connection || !room || stallMs === undefined || !this.#log?.primes) return room;
    return this.#unlessStalled(connection, within(stallMs, room));
  }

  /** Only revisions that have the priming event allow a server to close a stream before the answer. */
  async #unlessStalled(connection: EventStream, inTime: Promise<boolean>): Promise<void> {
    if (await inTime || connection !== this.#connection) return;
    connection.close();
    this.#options.onGone();
  }

  #encode(data: string, sequence: number | undefined): string {
    const id = sequence === undefined ? undefined : this.#log?.idAt(sequence);
    return encodeEvent({ event: "message", data, id });
  }

  /** What comes meanwhile is kept and read in the next round, until in one moment nothing is left to read. */
  async #catchUp(connection: EventStream, after: number, events: readonly StoredEvent[]): Promise<void> {
    let place = after;
    let rest: readonly StoredEvent[] | undefined = events;
    while (rest) {
      for (const { data, sequence } of rest) {
        if (data !== "") await connection.send(this.#encode(data, sequence));
        if (!connection.isOpen) return;
        place = sequence;
      }
      if (place === this.#log?.last) return this.#goLive(connection);
      rest = await this.#log?.read(place);
    }
    // Lost while it was on its way: when the client asks for it again, it is told.
    connection.close();
  }

  #goLive(connection: EventStream): void {
    // A newer connection may have taken over during the last wait.
    if (connection !== this.#connection || !connection.isOpen) return;
    this.#live = true;
    if (this.#ended) connection.close();
    else this.#options.onRoom?.();
  }
}
