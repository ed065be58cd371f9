/** What the bodies of all servers share: the bytes that they hold together, and the time that each has. */
import { ByteBudget } from "../base/byte_budget.ts";
import { durationText } from "../base/duration.ts";
import { optionName } from "../base/option_name.ts";
import type { ReleaseWatch } from "../base/release_watch.ts";
import { TimeLimit } from "../base/time_limit.ts";
import { BusyError, type GatewayError, RequestError } from "../core/errors.ts";

/** The time of a small body is told this finely. */
const GRAINS = 16;
/** A body that has been on its way for longer may have to make room for another one. */
const YIELDS_AFTER_MS = 5_000;

export interface BodySharesOptions {
  /** Of all bodies that are larger than a few kB. */
  readonly maxBodiesBytes: number;
  /** For a whole body; without it there is no limit. */
  readonly bodyTimeoutMs?: number | undefined;
  /** Hears how much is counted. */
  readonly watch?: ReleaseWatch | undefined;
}

/** What is on its way, and may not go on for ever. */
export interface Failing {
  fail(error: GatewayError): void;
}

export class BodyShares implements Disposable {
  readonly #budget: ByteBudget;
  /** Of what is not counted. */
  readonly small: TimeLimit<Failing> | undefined;
  readonly counted: TimeLimit<Failing> | undefined;

  constructor({ maxBodiesBytes, bodyTimeoutMs, watch }: BodySharesOptions) {
    this.#budget = new ByteBudget(maxBodiesBytes, watch);
    this.small = timeLimit(bodyTimeoutMs, GRAINS);
    this.counted = timeLimit(bodyTimeoutMs);
  }

  /** Bytes that are counted now. */
  get reserved(): number {
    return this.#budget.taken;
  }

  /** Throws BusyError when there is no room, and none can be made. */
  reserve(bytes: number): void {
    while (!this.#budget.tryTake(bytes)) {
      const slowest = this.counted?.oldest;
      const arrivingMs = slowest && performance.now() - slowest.dueAt + this.counted.ms;
      if (arrivingMs === undefined || arrivingMs < YIELDS_AFTER_MS) throw full(this.#budget.limit);
      slowest?.entry.fail(tooSlow(`had to make room for another one (${optionName("maxBodiesInFlight")})`));
    }
  }

  giveBack(bytes: number): void {
    this.#budget.giveBack(bytes);
  }

  /** No body has a time any more. */
  [Symbol.dispose](): void {
    this.small?.clear();
    this.counted?.clear();
  }
}

function timeLimit(ms: number | undefined, grains = 0): TimeLimit<Failing> | undefined {
  if (ms === undefined) return undefined;
  const why = `did not arrive within ${durationText(ms)} (${optionName("bodyTimeout")})`;
  return new TimeLimit<Failing>(ms, (body) => body.fail(tooSlow(why)), grains && ms / grains);
}

function full(limit: number): BusyError {
  return new BusyError(
    `Too many bodies at a time: the limit is ${limit} bytes of all together (${
      optionName("maxBodiesInFlight")
    })`,
  );
}

function tooSlow(why: string): RequestError {
  return new RequestError(`Request Timeout: the body ${why}`, {
    status: 408,
    headers: { Connection: "close" },
  });
}
