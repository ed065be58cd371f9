/** A server for each session: what one does there is seen by nobody else. */
import { sparing } from "../adapters/crash_guard.ts";
import { guardOpen } from "../adapters/guard_open.ts";
import { supervise } from "../adapters/supervise.ts";
import type { Assignment, Backend, Launch } from "../core/backend.ts";
import { Backlog } from "../core/backlog.ts";
import { Pool } from "./pool.ts";
import type { Strategy, StrategyOptions } from "./strategy.ts";
import { supervision } from "./supervision.ts";

export class PerSession implements Strategy {
  readonly #maxBufferedBytes: number;
  readonly #pool: Pool;
  readonly #backend: Backend;

  constructor(options: StrategyOptions) {
    const { config, servers, guards, emit } = options;
    const { restart, prewarm, restartDelay: retry } = config;
    const { cold, warm, leases, ahead } = servers;
    this.#maxBufferedBytes = config.maxBufferedBytes;
    const count = servers.spawns ? prewarm : 0;
    const pool = this.#pool = new Pool({
      cold,
      warm,
      count,
      leases,
      ahead,
      retry,
      guard: guards.start,
      emit,
    });
    const isSpared = (launch: Launch) => !servers.isForAnybody(launch);
    this.#backend = servers.spawns && restart === "never"
      ? guardOpen(servers.withAnswerNames(pool, { shared: false }), guards.start, isSpared)
      : supervise(
        pool,
        supervision(options, {
          maxSubscriptions: config.maxSubscriptions,
          guards: (launch) => [
            sparing(guards.start, () => isSpared(launch)),
            guards.forSome(launch.session),
          ],
        }),
      );
  }

  serverFor(): Assignment {
    return { backend: this.#backend, backlog: new Backlog(this.#maxBufferedBytes) };
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

  /** What is started ahead here waits for the handshake of its client. */
  tryOut(): undefined {}

  giveUpOne(): boolean {
    return this.#pool.giveUpOne();
  }

  /** A session that makes room is ended by who knows of sessions. */
  stopIdlest(): void {}

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#backend[Symbol.asyncDispose]();
  }
}
