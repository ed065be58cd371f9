/** The payload of a message that comes in parts. */
import { freeMemory } from "../free_memory.ts";

const EMPTY = new Uint8Array();

/** The memory of a message that is on its way, where that is bounded for many together. */
export interface Arrival {
  /** Throws where there is no room for so many bytes more. */
  take(bytes: number): void;
  /** Gives all of it back. Idempotent. */
  leave(): void;
}

/** One buffer that grows, since a list of pieces would weigh more than what is in them. */
export class GatheredBytes {
  readonly #arrival: Arrival | undefined;
  #memory = EMPTY;
  size = 0;

  constructor(arrival?: Arrival) {
    this.#arrival = arrival;
  }

  get bytes(): Uint8Array {
    return this.#memory.subarray(0, this.size);
  }

  /** No more than `atMost` comes together. */
  add(bytes: Uint8Array, atMost: number): void {
    const size = this.size + bytes.length;
    if (size > this.#memory.length) {
      this.#grow(Math.min(atMost, Math.max(size, 4 * this.#memory.length, 1024)));
    }
    this.#memory.set(bytes, this.size);
    this.size = size;
  }

  clear(): void {
    if (this.#memory.length === 0) return;
    freeMemory(this.#memory);
    this.#memory = EMPTY;
    this.size = 0;
    this.#arrival?.leave();
  }

  #grow(size: number): void {
    this.#arrival?.take(size - this.#memory.length);
    const memory = new Uint8Array(size);
    memory.set(this.bytes);
    freeMemory(this.#memory);
    this.#memory = memory;
  }
}
