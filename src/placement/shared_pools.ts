/** The servers that are shared: one for each key, and one for all who are nobody in particular. */
import { keyText, type PoolKey } from "./pool_key.ts";
import type { SharedPool } from "./shared_pool.ts";

/** Fewer are not worth a look for those that can go. */
const MIN_SWEPT = 32;

export class SharedPools implements AsyncDisposable {
  readonly #make: (key: PoolKey, onWanted?: () => void) => SharedPool;
  readonly #byText = new Map<string | undefined, SharedPool>();
  /** Whom a client has asked for after another one had taken its place: mostly none. */
  readonly #others = new Set<SharedPool>();
  #everybodys: SharedPool | undefined;
  /** From so many on those are forgotten that do not run: clients may name as many keys as they like. */
  #sweepAt = MIN_SWEPT;

  /** `make` makes the pool of a key, and starts nothing; the pool tells whenever a client asks for it. */
  constructor(make: (key: PoolKey, onWanted?: () => void) => SharedPool) {
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
    this.#sweep();
    const pool = this.#make(key, text === undefined ? undefined : () => this.#keep(text, pool));
    this.#byText.set(text, pool);
    return pool;
  }

  /** Those whose server runs, or is being started. */
  running(): SharedPool[] {
    return this.#all().filter(({ running }) => running);
  }

  /** Stops one that was started for nobody yet; false where there is none. */
  giveUpOne(): boolean {
    return this.#all().some((pool) => pool.giveUp());
  }

  /** Stops the server that has been without a client for longest, if that is long enough. */
  async stopIdlest(minIdleMs: number): Promise<void> {
    const [idlest] = this.#idleFor(minIdleMs).sort((left, right) => right.idleMs - left.idleMs);
    await idlest?.pool.stop();
  }

  /** Stops every server of somebody in particular that has been without a client for so long. The one for everybody else stays. */
  async stopAbandoned(minIdleMs: number): Promise<void> {
    const abandoned = this.#idleFor(minIdleMs).filter(({ pool }) => !this.#isEverybodys(pool));
    await Promise.all(abandoned.map(({ pool }) => pool.stop()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#all().map((pool) => pool[Symbol.asyncDispose]()));
  }

  #idleFor(minIdleMs: number) {
    return this.#all()
      .map((pool) => ({ pool, idleMs: pool.idleMs ?? -1 }))
      .filter(({ idleMs }) => idleMs >= minIdleMs);
  }

  #all(): SharedPool[] {
    return [...this.#byText.values(), ...this.#others];
  }

  #isEverybodys(pool: SharedPool): boolean {
    return this.#byText.get(undefined) === pool;
  }

  /** A client may come back to one that was forgotten after it had been let in. */
  #keep(text: string, pool: SharedPool): void {
    const known = this.#byText.get(text);
    if (!known) this.#byText.set(text, pool);
    else if (known !== pool) this.#others.add(pool);
  }

  #sweep(): void {
    if (this.#byText.size < this.#sweepAt) return;
    for (const [text, pool] of this.#byText) {
      if (!pool.running && !this.#isEverybodys(pool)) this.#byText.delete(text);
    }
    for (const pool of this.#others) if (!pool.running) this.#others.delete(pool);
    this.#sweepAt = Math.max(MIN_SWEPT, 2 * this.#byText.size);
  }
}
