/** Where the events of a session's streams are kept, so that a client whose connection broke can have them again. */

import { Chain, type LinkTo, linkTo } from "../base/chain.ts";
import { Table } from "../base/table.ts";
import type { EventSettings } from "./options.ts";

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

export type EventLimits = EventSettings["eventLimits"];

interface MemoryEventStoreOptions {
  /** A clock in milliseconds that never goes back. */
  readonly now?: () => number;
}

/** What an event costs besides its text, a little more than measured, so that many small ones do not escape the limit. */
const ENTRY_BYTES = 350;
/** Every character of a text takes two bytes when one of them needs them, or did in the text that it was cut from. */
const WIDE = /[^\0-\xff]/;

/** The events of this process; the oldest make room for the newest. */
export function memoryEventStore(limits: EventLimits, options: MemoryEventStoreOptions = {}): EventStore {
  return new MemoryEventStore(limits, options.now ?? (() => performance.now()));
}

/** Oldest first. */
type Entries = Chain<LinkTo<Entry>>;

/** An event, and its place among those of the store and of its session, so that it leaves both at once. */
class Entry {
  readonly inStore = linkTo<Entry>(this);
  readonly inSession = linkTo<Entry>(this);

  readonly bytes: number;

  constructor(readonly key: StreamKey, readonly event: StoredEvent, readonly at: number) {
    const { data } = event;
    this.bytes = ENTRY_BYTES + (WIDE.test(data) ? 2 : 1) * data.length;
  }
}

class MemoryEventStore implements EventStore {
  readonly #limits: EventLimits;
  readonly #now: () => number;
  readonly #sessions = new Table<string, Entries>();
  /** Of all sessions. */
  readonly #entries: Entries = new Chain();
  #bytes = 0;

  constructor(limits: EventLimits, now: () => number) {
    for (const [name, limit] of Object.entries(limits)) {
      if (!(limit >= 1)) throw new RangeError(`Event limit "${name}" must be at least 1, but is ${limit}`);
    }
    this.#limits = limits;
    this.#now = now;
  }

  append(key: StreamKey, event: StoredEvent): void {
    const entry = new Entry(key, event, this.#now());
    const session = this.#sessions.get(key.session) ?? this.#addSession(key.session);
    session.add(entry.inSession);
    this.#entries.add(entry.inStore);
    this.#bytes += entry.bytes;
    if (session.size > this.#limits.events && session.first) this.#forget(session.first.value);
    this.#shrink();
  }

  /** Searches backwards from the newest event, since a client that resumes has mostly missed few. */
  read({ session, stream }: StreamKey, after: number): StoredEvent[] | undefined {
    this.#shrink();
    const events: StoredEvent[] = [];
    for (let link = this.#sessions.get(session)?.last; link; link = link.previous) {
      const { key, event } = link.value;
      if (key.stream !== stream) continue;
      if (event.sequence <= after) return event.sequence === after ? events.reverse() : undefined;
      events.push(event);
    }
    return events.at(-1)?.sequence === after + 1 ? events.reverse() : undefined;
  }

  drop(session: string): void {
    for (const { value } of this.#sessions.get(session)?.all() ?? []) this.#forget(value);
  }

  #addSession(session: string): Entries {
    const entries: Entries = new Chain();
    this.#sessions.set(session, entries);
    return entries;
  }

  #shrink(): void {
    const tooOld = this.#now() - this.#limits.ageMs;
    for (let oldest = this.#entries.first?.value; oldest; oldest = this.#entries.first?.value) {
      if (this.#bytes <= this.#limits.bytes && oldest.at > tooOld) return;
      this.#forget(oldest);
    }
  }

  #forget(entry: Entry): void {
    const session = this.#sessions.get(entry.key.session);
    session?.remove(entry.inSession);
    if (session?.size === 0) this.#sessions.take(entry.key.session);
    this.#entries.remove(entry.inStore);
    this.#bytes -= entry.bytes;
  }
}
