/**
 * Which signatures have been used: each counts once, for as long as it could count. A key holds no more of them than there
 * is room left, which is half of it where nobody else holds any: so one that is busy leaves some to each other.
 */

interface NoncesOptions {
  /** How many are remembered at a time. */
  readonly max: number;
  /** For how long one may count, in seconds. */
  readonly windowS: number;
}

interface Span {
  readonly end: number;
  readonly now: number;
}

/** What expires about the same time is forgotten together: each request looks into all of these. */
const BUCKETS = 12;

/** Of each key, what it has used. */
type Bucket = Map<string, Set<string>>;

export class Nonces {
  readonly #max: number;
  readonly #bucketS: number;
  /** By the time at which they are forgotten, in buckets. */
  readonly #buckets = new Map<number, Bucket>();
  #size = 0;
  /** How many of them each key holds. */
  readonly #held = new Map<string, number>();
  /** What ends before may have been forgotten: it does not count, whatever the clock says by then. */
  #forgottenUntil = 0;

  constructor({ max, windowS }: NoncesOptions) {
    this.#max = max;
    this.#bucketS = Math.ceil(windowS / BUCKETS);
  }

  /**
   * Uses one of a key up that counts until `end`; all times are seconds since 1970. Nothing is forgotten before its time:
   * where there is no room for that key, it is not used and may be tried again.
   */
  use(key: string, nonce: string, { end, now }: Span): "fresh" | "used" | "over" | "full" {
    this.#forget(now);
    if (end < this.#forgottenUntil) return "over";
    for (const bucket of this.#buckets.values()) if (bucket.get(key)?.has(nonce)) return "used";
    if ((this.#held.get(key) ?? 0) >= this.#max - this.#size) return "full";
    this.#usedAt(Math.floor(end / this.#bucketS), key).add(nonce);
    this.#count(key, 1);
    return "fresh";
  }

  #usedAt(number: number, key: string): Set<string> {
    return made(made(this.#buckets, number, () => new Map()), key, () => new Set());
  }

  #forget(now: number): void {
    for (const [number, bucket] of this.#buckets) {
      const end = (number + 1) * this.#bucketS;
      if (end > now) continue;
      this.#buckets.delete(number);
      for (const [key, { size }] of bucket) this.#count(key, -size);
      this.#forgottenUntil = Math.max(this.#forgottenUntil, end);
    }
  }

  #count(key: string, more: number): void {
    const held = (this.#held.get(key) ?? 0) + more;
    this.#size += more;
    if (held > 0) this.#held.set(key, held);
    else this.#held.delete(key);
  }
}

function made<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const value = make();
  map.set(key, value);
  return value;
}
