/** Which signatures have been used: each counts once, for as long as it could count. */

interface NoncesOptions {
  /** How many are remembered at a time. */
  readonly max: number;
  /** For how long one may count, in seconds. */
  readonly windowS: number;
}

/** What expires about the same time is forgotten together: each request looks into all of these. */
const BUCKETS = 12;

export class Nonces {
  readonly #max: number;
  readonly #bucketS: number;
  /** By the time at which they are forgotten, in buckets. */
  readonly #buckets = new Map<number, Set<string>>();
  #size = 0;
  /** What ends before may have been forgotten: it does not count, whatever the clock says by then. */
  #forgottenUntil = 0;

  constructor({ max, windowS }: NoncesOptions) {
    this.#max = max;
    this.#bucketS = Math.ceil(windowS / BUCKETS);
  }

  /**
   * Uses one up that counts until `end`; all times are seconds since 1970. Nothing is forgotten before its time: where there
   * is no room, it is not used and may be tried again.
   */
  use(nonce: string, end: number, now: number): "fresh" | "used" | "over" | "full" {
    this.#forget(now);
    if (end < this.#forgottenUntil) return "over";
    for (const bucket of this.#buckets.values()) if (bucket.has(nonce)) return "used";
    if (this.#size >= this.#max) return "full";
    this.#bucketAt(Math.floor(end / this.#bucketS)).add(nonce);
    this.#size++;
    return "fresh";
  }

  #bucketAt(number: number): Set<string> {
    const known = this.#buckets.get(number);
    if (known) return known;
    const bucket = new Set<string>();
    this.#buckets.set(number, bucket);
    return bucket;
  }

  #forget(now: number): void {
    for (const [number, bucket] of this.#buckets) {
      const end = (number + 1) * this.#bucketS;
      if (end > now) continue;
      this.#buckets.delete(number);
      this.#size -= bucket.size;
      this.#forgottenUntil = Math.max(this.#forgottenUntil, end);
    }
  }
}
