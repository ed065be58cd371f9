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

export class TimeLimit<T> implements Disposable {
  readonly ms: number;
  readonly #onDue: (entry: T) => void;
  /** In the order in which they fall due. */
  readonly #tickets = new Chain<Ticket<T>>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** With Infinity nothing falls due, and the order is all there is. `onDue` is called once for each entry whose time is over; the entry is out by then, and may come in again. */
  constructor(ms: number, onDue: (entry: T) => void) {
    this.ms = ms;
    this.#onDue = onDue;
  }

  /** What falls due next. */
  get oldest(): Ticket<T> | undefined {
    return this.#tickets.first;
  }

  /** Counts from now, or from a moment that is hardly past. */
  add(entry: T, since: number = performance.now()): Ticket<T> {
    const ticket = { entry, dueAt: 0, previous: undefined, next: undefined, linked: false };
    this.#enter(ticket, since);
    return ticket;
  }

  /** Counts anew, also for an entry that is out. */
  renew(ticket: Ticket<T>): void {
    this.#enter(ticket, performance.now());
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

  #enter(ticket: Ticket<T>, since: number): void {
    ticket.dueAt = since + this.ms;
    this.#tickets.add(ticket);
    if (this.ms !== Infinity) this.#timer ??= setTimeout(() => this.#sweep(), this.ms);
  }

  #sweep(): void {
    const now = performance.now();
    for (let oldest = this.#tickets.first; oldest && oldest.dueAt <= now; oldest = this.#tickets.first) {
      this.#tickets.remove(oldest);
      this.#onDue(oldest.entry);
    }
    this.#rearm();
  }

  /** Nothing is due before the oldest entry, so a busy gateway wakes up about once in the time of the limit. */
  #rearm(): void {
    const oldest = this.#tickets.first;
    clearTimeout(this.#timer);
    this.#timer = oldest && setTimeout(() => this.#sweep(), Math.ceil(oldest.dueAt - performance.now()));
  }
}
