/**
 * One time limit for many entries, with one timer: what comes in first falls due first, so only the oldest entry
 * is ever looked at, and to come and go costs no more than a place in a Map.
 */
export class TimeLimit<T> implements Disposable {
  readonly ms: number;
  readonly #onDue: (entry: T) => void;
  /** When each falls due by `performance.now()`, in the order in which they do. */
  readonly #dueAt = new Map<T, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `onDue` is called once for each entry whose time is over; the entry is out by then, and may be added again. */
  constructor(ms: number, onDue: (entry: T) => void) {
    this.ms = ms;
    this.#onDue = onDue;
  }

  /** Counts from now, or from a moment that is hardly past; an entry that is in already is counted anew. */
  add(entry: T, since: number = performance.now()): void {
    this.#dueAt.delete(entry);
    this.#dueAt.set(entry, since + this.ms);
    this.#timer ??= setTimeout(() => this.#sweep(), this.ms);
  }

  /** Leaves the timer alone, which finds out for itself. */
  delete(entry: T): void {
    this.#dueAt.delete(entry);
  }

  /** Forgets every entry, and stops the timer. */
  clear(): void {
    this.#dueAt.clear();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  [Symbol.dispose](): void {
    this.clear();
  }

  #sweep(): void {
    const now = performance.now();
    for (const [entry, dueAt] of this.#dueAt) {
      if (dueAt > now) break;
      this.#dueAt.delete(entry);
      this.#onDue(entry);
    }
    this.#rearm();
  }

  /** Nothing is due before the oldest entry, so a busy gateway wakes up about once in the time of the limit. */
  #rearm(): void {
    const [next] = this.#dueAt.values();
    clearTimeout(this.#timer);
    this.#timer = next === undefined
      ? undefined
      : setTimeout(() => this.#sweep(), Math.ceil(next - performance.now()));
  }
}
