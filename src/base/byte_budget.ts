/** A number of bytes that many hold together. */
import type { ReleaseWatch } from "./release_watch.ts";

export class ByteBudget {
  readonly limit: number;
  readonly #watch: ReleaseWatch | undefined;
  #taken = 0;

  constructor(limit: number, watch?: ReleaseWatch) {
    this.limit = limit;
    this.#watch = watch;
  }

  get taken(): number {
    return this.#taken;
  }

  /** False, and nothing is taken, where there is not so much left. */
  tryTake(bytes: number): boolean {
    if (this.#taken + bytes > this.limit) return false;
    this.#taken += bytes;
    this.#watch?.level(this.#taken);
    return true;
  }

  giveBack(bytes: number): void {
    this.#taken -= bytes;
    this.#watch?.level(this.#taken);
  }
}
