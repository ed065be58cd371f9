/** A modern server for each connection: a process that nobody else speaks to. */
import { modernForOne } from "../adapters/era/open_modern.ts";
import { guardOpen } from "../adapters/guard_open.ts";
import type { Assignment, Backend } from "../core/backend.ts";
import { Backlog } from "../core/backlog.ts";
import type { Strategy, StrategyOptions } from "./strategy.ts";

export class ModernPerConnection implements Strategy {
  readonly #backend: Backend;
  readonly #maxBufferedBytes: number;

  constructor({ config, servers, guards }: StrategyOptions) {
    this.#maxBufferedBytes = config.maxBufferedBytes;
    const backend = modernForOne(servers.modern, servers.sharing);
    this.#backend = guardOpen(backend, guards.start, (launch) => !servers.isForAnybody(launch));
  }

  serverFor(): Assignment {
    return { backend: this.#backend, backlog: new Backlog(this.#maxBufferedBytes) };
  }

  /** Nothing is started before somebody comes, and nothing outlives that. */
  start(): void {}

  shared(): [] {
    return [];
  }

  renew(): void {}

  tryOut(): undefined {}

  giveUpOne(): boolean {
    return false;
  }

  stopIdlest(): void {}

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#backend[Symbol.asyncDispose]();
  }
}
