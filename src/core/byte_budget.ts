/** A number of bytes that many hold together. */
import type { Tide } from "./tide.ts";

export class ByteBudget {
  readonly limit: number;
  readonly #tide: Tide | undefined;
  #taken = 0;

  constructor(limit: number, tide?: Tide) {
    this.limit = limit;
    this.#tide = tide;
  }

  get taken(): number {
    return this.#taken;
  }

  /** False, and nothing is taken, where there is not so much left. */
  tryTake(bytes: number): boolean {
    if (this.#taken + bytes > this.limit) return false;
    this.#taken += bytes;
    this.#tide?.level(this.#taken);
    return true;
  }

  giveBack(bytes: number): void {
    this.#taken -= bytes;
    this.#tide?.level(this.#taken);
  }
}
