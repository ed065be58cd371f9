/**
 * Credentials that were right, so that the next request with the same one costs no digest. They are in memory alone, where
 * each request brings them in any case; what is wrong is never in it, and takes the long way.
 */

/** Who has more at a time pays for the digest. */
const MAX_VERIFIED = 1_000;

/** `S` is what they were compared with: nothing of one counts for the next. */
export class Verified<S extends object, T> {
  readonly #known = new Map<string, T>();
  #source: S | undefined;

  get(source: S, text: string): T | undefined {
    return this.#source === source ? this.#known.get(text) : undefined;
  }

  add(source: S, text: string, value: T): void {
    if (this.#source !== source || this.#known.size >= MAX_VERIFIED) this.#known.clear();
    this.#source = source;
    this.#known.set(text, value);
  }
}
