/** Who fails again and again has to wait, longer with each further time. */
import { Recent } from "./recent.ts";

export interface FailureLimits {
  /** How many cost nothing. */
  readonly free: number;
  /** After so long without another one, counted from the end of the wait, all are forgotten. */
  readonly windowMs: number;
  /** The first wait; the next one is twice as long. */
  readonly firstWaitMs: number;
  readonly maxWaitMs: number;
  /** Of how many it is known how often they have failed. */
  readonly maxKeys: number;
}

interface Failed {
  count: number;
  /** By `performance.now()`, as all times here. */
  waitsUntil: number;
}

export class Failures {
  readonly #limits: FailureLimits;
  readonly #byKey: Recent<Failed>;

  constructor(limits: FailureLimits) {
    this.#limits = limits;
    this.#byKey = new Recent(limits.maxKeys);
  }

  /** How long somebody has to wait; 0 for who need not. */
  waitMs(key: string): number {
    const failed = this.#byKey.size > 0 && this.#byKey.get(key);
    return failed ? Math.max(0, failed.waitsUntil - performance.now()) : 0;
  }

  /** Somebody has failed once more. */
  add(key: string): void {
    const now = performance.now();
    const failed = this.#failedOf(key, now);
    failed.waitsUntil = now + this.#waitAfter(++failed.count);
  }

  #failedOf(key: string, now: number): Failed {
    const known = this.#byKey.get(key);
    if (known && now - known.waitsUntil < this.#limits.windowMs) return known;
    const fresh = { count: 0, waitsUntil: now };
    this.#byKey.set(key, fresh);
    return fresh;
  }

  #waitAfter(count: number): number {
    const { free, firstWaitMs, maxWaitMs } = this.#limits;
    return count < free ? 0 : Math.min(maxWaitMs, firstWaitMs * 2 ** (count - free));
  }
}

/** As `Retry-After` has it. */
export function wholeSeconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1_000));
}
