/** A counting semaphore: a bounded number of places, and a queue of those who wait for one. */
import { BusyError } from "./errors.ts";
import { Chain, type LinkTo, linkTo } from "../base/chain.ts";
import { pause } from "../base/retry.ts";

/** How often `makeRoom` is called while somebody waits: sessions become idle as time passes. */
const ASK_AGAIN_MS = 500;
/** Each of them may hold the body of a request. */
const MAX_WAITING = 1_000;

export interface SemaphoreOptions {
  readonly places: number;
  /** How long somebody may wait for a place. */
  readonly queueTimeoutMs: number;
  /** What there are too many of, for the error: "sessions". */
  readonly what: string;
  /** Asked while somebody has to wait: frees a place soon, if that can be done without harm. */
  readonly makeRoom?: (() => void) | undefined;
}

export class Semaphore {
  readonly #options: SemaphoreOptions;
  /** First come, first served. */
  readonly #queue = new Chain<LinkTo<() => void>>();
  readonly #closing = new AbortController();
  #taken = 0;
  #asking: ReturnType<typeof setInterval> | undefined;

  constructor(options: SemaphoreOptions) {
    this.#options = options;
  }

  get taken(): number {
    return this.#taken;
  }

  /** Whether somebody waits for a place. */
  get crowded(): boolean {
    return this.#queue.size > 0;
  }

  /** Takes a place if there is one that nobody waits for. */
  tryAcquire(): boolean {
    if (this.#taken >= this.#options.places || this.#queue.size > 0) return false;
    this.#taken++;
    return true;
  }

  /**
   * Takes a place, now or when there is one. Rejects with BusyError when that takes too long or too many wait, or with
   * the reason of the signal, which is asked for only where there is a wait.
   */
  acquire(waiting?: () => AbortSignal): Promise<void> | void {
    if (!this.tryAcquire()) return this.#wait(waiting?.());
  }

  /** Rejects all who wait, and all who would have to wait later, with this error. */
  close(error: Error): void {
    this.#closing.abort(error);
  }

  /** Gives a place back: to whoever has waited longest. */
  release(): void {
    const next = this.#queue.first;
    if (!next) return void this.#taken--;
    this.#queue.remove(next);
    next.value();
  }

  async #wait(signal?: AbortSignal): Promise<void> {
    const { queueTimeoutMs } = this.#options;
    this.#closing.signal.throwIfAborted();
    if (this.#queue.size >= MAX_WAITING) throw this.#full();
    const place = Promise.withResolvers<void>();
    const settled = new AbortController();
    const waiting = linkTo(place.resolve);
    this.#queue.add(waiting);
    this.#askForRoom();
    const given = place.promise.then(() => true);
    const late = pause(
      queueTimeoutMs,
      AbortSignal.any([settled.signal, this.#closing.signal, ...signal ? [signal] : []]),
    )
      .then(() => false);
    try {
      if (!await Promise.race([given, late])) throw this.#full();
      signal?.throwIfAborted();
    } catch (error) {
      // A place that was given in the same moment is not lost.
      if (!this.#queue.remove(waiting)) this.release();
      throw error;
    } finally {
      settled.abort();
      late.catch(() => {});
      this.#ceaseToAsk();
    }
  }

  #askForRoom(): void {
    const { makeRoom } = this.#options;
    if (!makeRoom) return;
    makeRoom();
    this.#asking ??= setInterval(makeRoom, ASK_AGAIN_MS);
  }

  #ceaseToAsk(): void {
    if (this.#queue.size > 0) return;
    clearInterval(this.#asking);
    this.#asking = undefined;
  }

  #full(): BusyError {
    const { what, places } = this.#options;
    return new BusyError(`Too many ${what}: the limit is ${places}`);
  }
}
