/** A number of bytes that many hold together. */
import type { Ebb } from "./ebb.ts";

export class ByteBudget {
  readonly limit: number;
  readonly #ebb: Ebb | undefined;
  #taken = 0;

  constructor(limit: number, ebb?: Ebb) {
    this.limit = limit;
    this.#ebb = ebb;
  }

  get taken(): number {
    return this.#taken;
  }

  /** False, and nothing is taken, where there is not so much left. */
  tryTake(bytes: number): boolean {
    if (this.#taken + bytes > this.limit) return false;
    this.#taken += bytes;
    this.#ebb?.level(this.#taken);
    return true;
  }

  giveBack(bytes: number): void {
    this.#taken -= bytes;
    this.#ebb?.level(this.#taken);
  }
}
