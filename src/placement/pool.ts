/** Servers that are started alike, each for one who comes: one that was started ahead, else a new one. */
import { type Backend, isAsConfigured, type Launch } from "../core/backend.ts";
import type { Channel } from "../core/channel.ts";
import { WarmPool, type WarmPoolOptions } from "./warm_pool.ts";

interface PoolOptions extends Omit<WarmPoolOptions, "backend"> {
  /** Opens a server for who has come. */
  readonly cold: Backend;
  /** Opens one ahead, in a place that was taken for it. */
  readonly warm: Backend;
}

export class Pool implements Backend {
  readonly name: string;
  readonly #options: PoolOptions;
  #warmPool: WarmPool | undefined;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.name = options.cold.name;
  }

  /** Starts what is wanted ahead. */
  start(): void {
    const { warm: backend, count, leases, ahead, retry, guard, emit } = this.#options;
    if (count > 0) this.#warmPool ??= new WarmPool({ backend, count, leases, ahead, retry, guard, emit });
  }

  /** Settles when the first server that was started ahead is ready; undefined where none is wanted. */
  get first(): Promise<void> | undefined {
    return this.#warmPool?.first;
  }

  open(launch: Launch, signal: AbortSignal): Promise<Channel> {
    const ready = this.#takesReady(launch) ? this.#warmPool?.take(launch.session) : undefined;
    return ready ? Promise.resolve(ready) : this.#options.cold.open(launch, signal);
  }

  /** Those that were started ahead are started anew. */
  renew(): void {
    this.#warmPool?.renew();
  }

  /** What was started ahead was started for anybody, without the settings of a launch or of one session. */
  #takesReady(launch: Launch): boolean {
    return isAsConfigured(launch) && !this.#options.ahead?.isOverridden(launch.session);
  }

  /** Stops a server that waits, for somebody who needs its place; false when there is none. */
  giveUpOne(): boolean {
    return this.#warmPool?.giveUpOne() ?? false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#warmPool?.[Symbol.asyncDispose]();
    await this.#options.cold[Symbol.asyncDispose]();
  }
}
