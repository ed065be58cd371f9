/** What a connection reads into: little while it says little, and more where more is known to come. */
import { freeMemory } from "../free_memory.ts";

/** What each connection has to read into, also one that says nothing. */
const IDLE_BYTES = 4 * 1024;
/** Where the last read filled that. */
const BUSY_BYTES = 16 * 1024;
/** Within a message of which much is known to come. */
const LARGE_BYTES = 256 * 1024;

/** For all who are read without being looked at. */
export const litter = new Uint8Array(BUSY_BYTES);

export class ReadMemory {
  readonly #idle = new Uint8Array(IDLE_BYTES);
  #larger: Uint8Array<ArrayBuffer> | undefined;
  /** Whether the last read left nothing of it. */
  filled = false;

  /** Good until the next call. The frames behind a large one are not read with it: they may be thousands. */
  next(missing: number): Uint8Array {
    const wanted = Math.max(
      this.filled ? BUSY_BYTES : IDLE_BYTES,
      Math.min(missing + IDLE_BYTES, LARGE_BYTES),
    );
    if (wanted < BUSY_BYTES) {
      this.#freeLarger();
      return this.#idle;
    }
    if (this.#larger && this.#larger.length < wanted) this.#freeLarger();
    this.#larger ??= new Uint8Array(wanted);
    return this.#larger.subarray(0, wanted);
  }

  #freeLarger(): void {
    if (this.#larger) freeMemory(this.#larger);
    this.#larger = undefined;
  }
}
