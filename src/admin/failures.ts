/** How many wrong tokens are answered in a while: more are turned away, and neither looked at nor logged. */

const MAX_FAILURES = 20;
const WINDOW_MS = 60_000;

export class Failures {
  readonly #now: () => number;
  #since = -Infinity;
  #count = 0;

  constructor(now = () => performance.now()) {
    this.#now = now;
  }

  /** Counts one; false where there were too many. */
  add(): boolean {
    if (this.#now() - this.#since >= WINDOW_MS) {
      this.#since = this.#now();
      this.#count = 0;
    }
    return ++this.#count <= MAX_FAILURES;
  }

  get retryAfterSeconds(): number {
    return Math.max(1, Math.ceil((this.#since + WINDOW_MS - this.#now()) / 1_000));
  }
}
