/**
 * One time limit for many entries, with one timer: what comes in first falls due first, so only the oldest entry
 * is ever looked at, and to come and go costs no more than a link in a chain.
 */
import { Chain, type Link } from "./chain.ts";

/** An entry's place in a limit. */
export interface Ticket<T> extends Link<Ticket<T>> {
  readonly entry: T;
  /** By `performance.now()`. */
  dueAt: number;
}

/**
 * A class, where a literal would be of the same shape: of literals V8 makes all old from the start once the first of them
 * have lived for long, as those of a burst do ("allocation site pretenuring"). Each would keep its request, and all that
 * this refers to, until the next major collection.
 */
class LinkedTicket<T> implements Ticket<T> {
  readonly entry: T;
  dueAt = 0;
  previous: Ticket<T> | undefined = undefined;
  next: Ticket<T> | undefined = undefined;
  linked = false;

  constructor(entry: T) {
    this.entry = entry;
  }
}

export class TimeLimit<T> implements Disposable {
  readonly ms: number;
  readonly #onDue: (entry: T) => void;
  readonly #grainMs: number;
  /** Read when the timer was set. */
  #readAt = 0;
  /** In the order in which they fall due. */
  readonly #tickets = new Chain<Ticket<T>>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * With Infinity nothing falls due, and the order is all there is. `onDue` is called once for each entry whose time is
   * over; the entry is out by then, and may come in again. With `grainMs` it may be told up to twice that late, and the
   * clock is read that seldom: to read it for each message would cost more than all the rest here.
   */
  constructor(ms: number, onDue: (entry: T) => void, grainMs = 0) {
    this.ms = ms;
    this.#onDue = onDue;
    this.#grainMs = grainMs;
  }

  /** What falls due next. */
  get oldest(): Ticket<T> | undefined {
    return this.#tickets.first;
  }

  /** Counts from now, or from a moment that is hardly past. */
  add(entry: T, since: number = this.#now()): Ticket<T> {
    const ticket = new LinkedTicket(entry);
    this.#enter(ticket, since);
    return ticket;
  }

  /** Counts anew, also for an entry that is out. */
  renew(ticket: Ticket<T>): void {
    this.#enter(ticket, this.#now());
  }

  /** Leaves the timer alone, which finds out for itself. */
  delete(ticket: Ticket<T>): void {
    this.#tickets.remove(ticket);
  }

  /** Stops the timer, unless there is something to wait for. */
  rest(): void {
    if (this.#tickets.size === 0) this.clear();
  }

  /** Forgets every entry, and stops the timer. */
  clear(): void {
    this.#tickets.clear();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  [Symbol.dispose](): void {
    this.clear();
  }

  #now(): number {
    return this.#timer !== undefined && this.#grainMs > 0 ? this.#readAt : this.#readClock();
  }

  #readClock(): number {
    return this.#readAt = performance.now();
  }

  #enter(ticket: Ticket<T>, since: number): void {
    ticket.dueAt = since + this.ms + this.#grainMs;
    this.#tickets.add(ticket);
    if (this.ms !== Infinity) this.#timer ??= this.#wake(this.#grainMs || this.ms);
  }

  #wake(inMs: number): ReturnType<typeof setTimeout> {
    return setTimeout(() => this.#sweep(), inMs);
  }

  #sweep(): void {
    const now = this.#readClock();
    for (let oldest = this.#tickets.first; oldest && oldest.dueAt <= now; oldest = this.#tickets.first) {
      this.#tickets.remove(oldest);
      this.#onDue(oldest.entry);
    }
    this.#rearm();
  }

  /** Nothing is due before the oldest entry, so a busy gateway wakes up about once in the time of the limit, or of a grain. */
  #rearm(): void {
    const oldest = this.#tickets.first;
    clearTimeout(this.#timer);
    this.#timer = oldest && this.#wake(this.#grainMs || Math.ceil(oldest.dueAt - this.#readClock()));
  }
}
