/** UTF-8 that is gathered as bytes, in one piece of memory, and becomes text when all of it is there. */
import { freeMemory } from "./free_memory.ts";

const NO_BYTES = new Uint8Array();
/** Of what has no end in sight. */
const LEAST_BYTES = 4 * 1024;

const decoder = new TextDecoder();

/**
 * Texts that are put together from parts take more than they say: the parts do not fill the pages that V8 has for them,
 * and whoever reads the whole has it written once more.
 */
export class GatheredText {
  #memory: Uint8Array<ArrayBuffer> = NO_BYTES;
  #size = 0;

  /** Takes the memory of the piece, too. `expected` are the bytes of the whole, 0 where nobody knows. */
  push(piece: Uint8Array<ArrayBuffer>, expected: number): void {
    const size = this.#size + piece.length;
    if (size > this.#memory.length) this.#grow(size > expected ? Math.max(2 * size, LEAST_BYTES) : expected);
    this.#memory.set(piece, this.#size);
    this.#size = size;
    // Small as it is: as many come as the whole takes, and would all stay until the collector hears of them.
    piece.buffer.transfer(0);
  }

  /** All of it, of which nothing is kept; a byte order mark at its beginning is none of it. */
  take(): string {
    try {
      return decoder.decode(this.#memory.subarray(0, this.#size));
    } finally {
      this.forget();
    }
  }

  forget(): void {
    freeMemory(this.#memory);
    this.#memory = NO_BYTES;
    this.#size = 0;
  }

  #grow(capacity: number): void {
    const memory = new Uint8Array(capacity);
    memory.set(this.#memory.subarray(0, this.#size));
    freeMemory(this.#memory);
    this.#memory = memory;
  }
}
