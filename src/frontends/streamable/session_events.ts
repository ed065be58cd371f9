/** The kept events of one session: how its streams are numbered, and what an event id of its client stands for. */
import type { EventStore, StoredEvent } from "../../core/event_store.ts";
import { type GatewayError, RequestError } from "../../core/errors.ts";
import type { Sink } from "../../core/events.ts";
import { quoted } from "../../base/outside.ts";

/** `<stream>-<sequence>`; the digits are bounded so that they are exact as a number. */
const EVENT_ID = /^([0-9a-f]{8}\.(?:0|[1-9]\d{0,14}))-(0|[1-9]\d{0,14})$/;

/** Where a client has got to. */
export interface Position {
  readonly stream: string;
  /** 0: before the first event. */
  readonly sequence: number;
}

interface SessionEventsOptions {
  readonly session: string;
  readonly store: EventStore;
  readonly emit: Sink;
  /** Whether the client takes an event without data as what it is. */
  readonly primes: () => boolean;
}

export class SessionEvents {
  readonly #options: SessionEventsOptions;
  /** An id of another session is unknown here, instead of meaning a stream of this one. */
  readonly #tag = crypto.randomUUID().slice(0, 8);
  #streams = 0;
  #appending: Promise<unknown> | undefined;

  constructor(options: SessionEventsOptions) {
    this.#options = options;
  }

  get primes(): boolean {
    return this.#options.primes();
  }

  /** For a new stream. */
  log(): EventLog {
    return new EventLog(`${this.#tag}.${this.#streams++}`, this);
  }

  /** For a stream that has ended, up to its last message; undefined when it cannot be resumed there. */
  async finished({ stream, sequence }: Position): Promise<EventLog | undefined> {
    const events = await this.read(stream, sequence);
    if (!events || events.at(-1)?.last === false) return undefined;
    const last = events.findLast(({ data }) => data !== "")?.sequence ?? sequence;
    return new EventLog(stream, this, last);
  }

  /** What an id stands for; undefined when it is none of this gateway's. */
  position(id: string): Position | undefined {
    const [, stream, sequence] = EVENT_ID.exec(id) ?? [];
    return stream === undefined ? undefined : { stream, sequence: Number(sequence) };
  }

  /** Never throws: what could not be kept cannot be resumed, and that is all. */
  append(stream: string, event: StoredEvent): Promise<void> | void {
    const { store, session } = this.#options;
    try {
      const kept = store.append({ session, stream }, event);
      return kept && this.#track(kept);
    } catch (error) {
      this.#failed(error);
    }
  }

  /** What is kept after the place; undefined when that is not all of it. */
  async read(stream: string, after: number): Promise<readonly StoredEvent[] | undefined> {
    const { store, session } = this.#options;
    try {
      await this.#appending;
      const events = await store.read({ session, stream }, after);
      return events?.every(({ sequence }, at) => sequence === after + 1 + at) ? events : undefined;
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Forgets everything; settles when that is done. Never rejects. */
  async drop(): Promise<void> {
    const { store, session } = this.#options;
    try {
      if (this.#appending) await this.#appending;
      await store.drop(session);
    } catch (error) {
      this.#failed(error);
    }
  }

  #track(kept: Promise<void>): Promise<void> {
    const safe = kept.catch((error) => this.#failed(error));
    const all: Promise<unknown> = Promise.all([this.#appending, safe]).then(() => {
      if (this.#appending === all) this.#appending = undefined;
    });
    this.#appending = all;
    return safe;
  }

  #failed(error: unknown): void {
    this.#options.emit({ type: "fault", where: "event store", error });
  }
}

/** The numbering of one stream. */
export class EventLog {
  readonly name: string;
  readonly #events: SessionEvents;
  #last: number;
  #known = false;

  constructor(name: string, events: SessionEvents, last = 0) {
    this.name = name;
    this.#events = events;
    this.#last = last;
  }

  /** The sequence of the newest event; 0 before the first. */
  get last(): number {
    return this.#last;
  }

  /** Whether the client may know an id, so that it can come back. */
  get known(): boolean {
    return this.#known;
  }

  /** Whether a connection may begin with, and end before, all is said. */
  get primes(): boolean {
    return this.#events.primes;
  }

  /** Books the next event of the stream. */
  append(data: string, last: boolean): Promise<void> | void {
    return this.#events.append(this.name, { sequence: ++this.#last, data, last });
  }

  /** What came after the place, at least up to now; undefined when that is not kept. */
  async read(after: number): Promise<readonly StoredEvent[] | undefined> {
    const last = this.#last;
    if (after >= last) return after === last ? [] : undefined;
    const events = await this.#events.read(this.name, after);
    return events && after + events.length >= last ? events : undefined;
  }

  /** The id of a place, for the client that is told of it. */
  idAt(sequence: number): string {
    this.#known = true;
    return `${this.name}-${sequence}`;
  }
}

/** Not 404, since the session exists; and a stream without events would have the client wait for ever. */
export function notResumable(id: string, why: string): GatewayError {
  return new RequestError(
    `Cannot resume after event ${quoted(id)}: ${why}. Listen without Last-Event-ID, ` +
      "and send a request again if its answer did not come",
  );
}
