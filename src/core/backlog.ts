/** How much waits for one server, wherever in the gateway that is: one bound for all of it. */
import { BusyError } from "./errors.ts";
import type { Tally } from "../base/queue.ts";
import { optionName } from "../base/option_name.ts";

export class Backlog implements Tally {
  readonly #maxSize: number;
  #size = 0;

  /** Characters before they are encoded, bytes from then on. */
  constructor(maxSize: number) {
    this.#maxSize = maxSize;
  }

  get size(): number {
    return this.#size;
  }

  add(size: number): void {
    this.#size += size;
  }

  /** What was added goes on its way, or is given up. */
  remove(size: number): void {
    this.#size -= size;
  }

  /** Why nothing more may wait, or undefined. To be asked where something comes in, and not again on its way. */
  refusal(): BusyError | undefined {
    if (this.#size < this.#maxSize) return undefined;
    return new BusyError(
      `The server is too slow: ${this.#size} bytes wait for it, and the limit is ${this.#maxSize} (${
        optionName("maxBufferedSize")
      })`,
    );
  }

  /** Throws BusyError while nothing more may wait. */
  refuse(): void {
    const refusal = this.refusal();
    if (refusal) throw refusal;
  }
}
