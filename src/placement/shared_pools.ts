/** The servers that are shared: one for each key, and one for all who are nobody in particular. */
import { keyText, type PoolKey } from "./pool_key.ts";
import type { SharedPool } from "./shared_pool.ts";

export class SharedPools implements AsyncDisposable {
  readonly #make: (key: PoolKey) => SharedPool;
  readonly #byText = new Map<string | undefined, SharedPool>();
  #everybodys: SharedPool | undefined;

  /** `make` makes the pool of a key, and starts nothing. */
  constructor(make: (key: PoolKey) => SharedPool) {
    this.#make = make;
  }

  /** For who is nobody in particular, and whose server is started as configured: nearly everybody. */
  get everybodys(): SharedPool {
    return this.#everybodys ??= this.get({});
  }

  get(key: PoolKey): SharedPool {
    const text = keyText(key);
    const known = this.#byText.get(text);
    if (known) return known;
    const pool = this.#make(key);
    this.#byText.set(text, pool);
    return pool;
  }

  /** Stops one that was started for nobody yet; false where there is none. */
  giveUpOne(): boolean {
    return this.#byText.values().some((pool) => pool.giveUp());
  }

  /** Stops the server that has been without a client for longest, if that is long enough. */
  async stopIdlest(minIdleMs: number): Promise<void> {
    const [idlest] = this.#idleFor(minIdleMs).sort((left, right) => right.idleMs - left.idleMs);
    await idlest?.pool.stop();
  }

  /** Stops every server of somebody in particular that has been without a client for so long. The one for everybody else stays. */
  async stopAbandoned(minIdleMs: number): Promise<void> {
    const abandoned = this.#idleFor(minIdleMs).filter(({ text }) => text !== undefined);
    await Promise.all(abandoned.map(({ pool }) => pool.stop()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#byText.values()].map((pool) => pool[Symbol.asyncDispose]()));
  }

  #idleFor(minIdleMs: number) {
    return [...this.#byText]
      .map(([text, pool]) => ({ text, pool, idleMs: pool.idleMs ?? -1 }))
      .filter(({ idleMs }) => idleMs >= minIdleMs);
  }
}
