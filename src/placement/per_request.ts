/** A server for each request: what one does there is seen by no other, also of the same client. */
import { guardOpen } from "../adapters/guard_open.ts";
import type { Assignment, Backend } from "../core/backend.ts";
import { Backlog } from "../core/backlog.ts";
import type { Attempt } from "../observe/trial.ts";
import { Pool } from "./pool.ts";
import { RequestChannel } from "./request_channel.ts";
import { FIRST_WARM } from "./warm_pool.ts";
import type { Strategy, StrategyOptions } from "./strategy.ts";

export class PerRequest implements Strategy {
  readonly #pool: Pool;
  /** One for all: what waits here waits for servers that are each for one request. */
  readonly #assignment: Assignment;

  constructor({ config, servers, guards, emit }: StrategyOptions) {
    const { prewarm, restartDelay: retry } = config;
    const { start: guard } = guards;
    const { leases, ahead } = servers;
    const pool = this.#pool = new Pool({
      cold: guardOpen(servers.fresh(servers.cold), guard, (launch) => !servers.isForAnybody(launch)),
      // The pool asks the guard by itself, and tells it what becomes of them.
      warm: servers.fresh(servers.warm),
      count: servers.spawns ? prewarm : 0,
      ...{ leases, ahead, retry, guard, emit },
    });
    const backend: Backend = {
      name: servers.name,
      open: (launch) => Promise.resolve(new RequestChannel(pool, launch, emit)),
      [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
    };
    this.#assignment = { backend, backlog: new Backlog(config.maxBufferedBytes) };
  }

  serverFor(): Assignment {
    return this.#assignment;
  }

  start(): void {
    this.#pool.start();
  }

  shared(): [] {
    return [];
  }

  renew(): void {
    this.#pool.renew();
  }

  tryOut(): Attempt | undefined {
    const done = this.#pool.first;
    return done && { label: FIRST_WARM, done };
  }

  giveUpOne(): boolean {
    return this.#pool.giveUpOne();
  }

  /** None outlives its request. */
  stopIdlest(): void {}

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool[Symbol.asyncDispose]();
  }
}
