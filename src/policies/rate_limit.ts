/**
 * How much each caller may ask for in a time: a principal wherever it calls from, and else an address. A token bucket as
 * one number (GCRA): when all that was taken is there again.
 */
import { networkOf } from "../base/ip_address.ts";
import { optionName } from "../base/option_name.ts";
import { Recent } from "../base/recent.ts";
import { remembered } from "../base/remembered.ts";
import type { Allowance, Caller } from "../core/caller.ts";
import { RequestError } from "../core/errors.ts";
import type { HttpPolicy } from "../core/http_policy.ts";

/** So many in so long. */
interface Rate {
  readonly count: number;
  readonly perMs: number;
}

export interface RateLimitOptions {
  readonly rate: Rate;
  /** How many at once, after a while without any. */
  readonly burst: number;
  /** Of how many callers it is known how much they have asked for. */
  readonly maxCallers: number;
}

/** The clock tells whole milliseconds, and sums of fractions are not exact: who comes so little too soon is not refused. */
const GRAIN_MS = 0.999;

let [lastNow, ahead] = [Date.now(), -Date.now()];

/**
 * Milliseconds, and never less than before: the clock of the machine costs a tenth of the monotonic one, and each request asks.
 * A step back costs the time since the last request; a step forward is time that has passed, and so a burst at most.
 */
function clock(): number {
  const now = Date.now();
  if (now < lastNow) ahead += lastNow - now;
  lastNow = now;
  return now + ahead;
}

interface RateLimit {
  /** Throws RequestError 429. Behind the policy that finds out who the caller is. */
  readonly callers: HttpPolicy;
  /**
   * Counts one whom that policy refuses, by the address: what is told in place of 401 beyond the rate. Also one whose body
   * is not what was signed: it need not be the signer who has altered it.
   */
  readonly strangerRefusal: (caller: Caller) => RequestError | undefined;
}

export function rateLimit({ rate, burst, maxCallers }: RateLimitOptions): RateLimit {
  const buckets = new Recent<Bucket>(maxCallers);
  const pace: Pace = { intervalMs: rate.perMs / rate.count, burst, policy: policyOf(rate) };
  const network = remembered(networkOf);
  // No address has a slash in it, and each principal's name has.
  const bucketOf = (key: string): Bucket => {
    const known = buckets.get(key);
    if (known) return known;
    const fresh = new Bucket(key, pace);
    buckets.set(key, fresh);
    return fresh;
  };
  return {
    callers(request, caller, next) {
      // A gateway at its limits is not to look dead.
      if (caller.openness === "probes") return next(request, caller);
      const bucket = bucketOf(caller.principal?.name ?? network(caller.address ?? ""));
      const refusal = bucket.refusal(1);
      if (refusal) throw refusal;
      caller.limitTo(bucket);
      return next(request, caller);
    },
    strangerRefusal: ({ address }) => bucketOf(network(address ?? "")).refusal(1),
  };
}

/** What all buckets have in common. */
interface Pace {
  readonly intervalMs: number;
  readonly burst: number;
  /** As the header says it. */
  readonly policy: string;
}

class Bucket implements Allowance {
  /** Whose it is. */
  readonly #owner: string;
  readonly #pace: Pace;
  /** When it is full again, by `clock`. */
  #fullAt = -Infinity;

  constructor(owner: string, pace: Pace) {
    this.#owner = owner;
    this.#pace = pace;
  }

  /** More than fits in it counts as all that does. */
  refusal(count: number): RequestError | undefined {
    const { intervalMs, burst } = this.#pace;
    const now = clock();
    const fullAt = Math.max(this.#fullAt, now) + Math.min(count, burst) * intervalMs;
    const waitMs = fullAt - now - burst * intervalMs;
    if (waitMs > GRAIN_MS) return tooFast(this.#owner, this.#pace, waitMs);
    this.#fullAt = fullAt;
    return undefined;
  }
}

/** The headers are those of draft-ietf-httpapi-ratelimit-headers-11; `data` is for who sees none, over a WebSocket. */
function tooFast(owner: string, { policy }: Pace, waitMs: number): RequestError {
  const seconds = Math.ceil(waitMs / 1_000);
  return new RequestError(`Too Many Requests: try again in ${seconds} s`, {
    status: 429,
    headers: {
      "Retry-After": `${seconds}`,
      "RateLimit-Policy": policy,
      "RateLimit": `"default";r=0;t=${seconds}`,
    },
    data: { retryAfterMs: Math.ceil(waitMs) },
    logged: `Too Many Requests: ${owner || "somebody"} is beyond ${optionName("rateLimit")}`,
  });
}

function policyOf({ count, perMs }: Rate): string {
  return `"default";q=${count};w=${perMs / 1_000}`;
}
