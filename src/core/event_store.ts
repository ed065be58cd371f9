/** Where the events of a session's streams are kept, so that a client whose connection broke can have them again. */

/** One stream of one session. */
export interface StreamKey {
  readonly session: string;
  /** Unique within the session. */
  readonly stream: string;
}

export interface StoredEvent {
  /** Place in its stream: 1, 2, 3, … without a gap. */
  readonly sequence: number;
  /** One message as text; empty for an end without one. */
  readonly data: string;
  /** Nothing follows on this stream. */
  readonly last: boolean;
}

/** Bounded: whoever reads must expect that the oldest events are gone. */
export interface EventStore {
  /** Events of a stream come in their order; a returned promise settles when a read finds the event. */
  append(key: StreamKey, event: StoredEvent): Promise<void> | void;
  /**
   * What follows the place in the stream, oldest first; nothing after the newest event. Undefined when the place is
   * unknown or something after it is no longer there.
   */
  read(
    key: StreamKey,
    after: number,
  ): Promise<readonly StoredEvent[] | undefined> | readonly StoredEvent[] | undefined;
  /** Forgets all events of a session. */
  drop(session: string): Promise<void> | void;
}

export interface EventLimits {
  /** Of all sessions together. */
  readonly bytes: number;
  /** Of one session. */
  readonly events: number;
  /** Older events are forgotten. */
  readonly ageMs: number;
}

export interface MemoryEventStoreOptions {
  /** A clock in milliseconds that never goes back. */
  readonly now?: () => number;
}

/** What an event costs besides its text, so that many small ones do not escape the limit. */
const ENTRY_BYTES = 200;

/** The events of this process; the oldest make room for the newest. */
export function memoryEventStore(limits: EventLimits, options: MemoryEventStoreOptions = {}): EventStore {
  return new MemoryEventStore(limits, options.now ?? (() => performance.now()));
}

interface Entry {
  readonly key: StreamKey;
  readonly at: number;
  readonly bytes: number;
  readonly event: StoredEvent;
}

/** Sets keep the order of arrival, and lose their oldest entry as cheaply as any other. */
interface SessionEntries {
  readonly all: Set<Entry>;
  readonly streams: Map<string, Set<Entry>>;
}

class MemoryEventStore implements EventStore {
  readonly #limits: EventLimits;
  readonly #now: () => number;
  readonly #sessions = new Map<string, SessionEntries>();
  /** Of all sessions, oldest first. */
  readonly #entries = new Set<Entry>();
  #bytes = 0;

  constructor(limits: EventLimits, now: () => number) {
    for (const [name, limit] of Object.entries(limits)) {
      if (!(limit >= 1)) throw new RangeError(`Event limit "${name}" must be at least 1, but is ${limit}`);
    }
    this.#limits = limits;
    this.#now = now;
  }

  append(key: StreamKey, event: StoredEvent): void {
    const entry = { key, event, at: this.#now(), bytes: event.data.length + ENTRY_BYTES };
    const session = this.#sessionOf(key);
    const stream = session.streams.get(key.stream);
    if (stream) stream.add(entry);
    else session.streams.set(key.stream, new Set([entry]));
    session.all.add(entry);
    this.#entries.add(entry);
    this.#bytes += entry.bytes;
    if (session.all.size > this.#limits.events) this.#forget(oldestOf(session.all));
    this.#shrink();
  }

  read(key: StreamKey, after: number): StoredEvent[] | undefined {
    this.#shrink();
    const entries = this.#sessions.get(key.session)?.streams.get(key.stream) ?? [];
    const events = [...entries].map(({ event }) => event);
    const [first, last] = [events[0], events.at(-1)];
    if (!first || !last || after < first.sequence - 1 || after > last.sequence) return undefined;
    return events.filter(({ sequence }) => sequence > after);
  }

  drop(session: string): void {
    for (const entry of this.#sessions.get(session)?.all ?? []) this.#forget(entry);
  }

  #sessionOf({ session }: StreamKey): SessionEntries {
    const found = this.#sessions.get(session);
    if (found) return found;
    const entries: SessionEntries = { all: new Set(), streams: new Map() };
    this.#sessions.set(session, entries);
    return entries;
  }

  #shrink(): void {
    const tooOld = this.#now() - this.#limits.ageMs;
    for (const entry of this.#entries) {
      if (this.#bytes <= this.#limits.bytes && entry.at > tooOld) return;
      this.#forget(entry);
    }
  }

  #forget(entry: Entry | undefined): void {
    if (!entry) return;
    const { key: { session, stream }, bytes } = entry;
    const kept = this.#sessions.get(session);
    kept?.all.delete(entry);
    const events = kept?.streams.get(stream);
    events?.delete(entry);
    if (events?.size === 0) kept?.streams.delete(stream);
    if (kept?.all.size === 0) this.#sessions.delete(session);
    this.#entries.delete(entry);
    this.#bytes -= bytes;
  }
}

function oldestOf(entries: ReadonlySet<Entry>): Entry | undefined {
  const [oldest] = entries;
  return oldest;
}
