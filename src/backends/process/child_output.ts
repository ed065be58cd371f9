/** The stdout of a child. */

/** What a pipe holds (pipe(7)). */
const READ_BYTES = 64 * 1024;

/** Reads into the same memory again and again: fresh memory for each read costs more than what comes in it. */
export class ChildOutput {
  readonly #pipe: ReadableStreamBYOBReader;
  /** None once the pipe has ended: it keeps what it was given last. */
  #memory: ArrayBuffer | undefined = new ArrayBuffer(READ_BYTES);

  constructor(pipe: ReadableStream<Uint8Array>) {
    this.#pipe = pipe.getReader({ mode: "byob" });
  }

  /** Bytes that are good until the next read; undefined at the end. Throws what the pipe throws. */
  async read(): Promise<Uint8Array | undefined> {
    if (!this.#memory) return undefined;
    const memory = new Uint8Array(this.#memory);
    this.#memory = undefined;
    const { value, done } = await this.#pipe.read(memory);
    if (done || !value) return undefined;
    this.#memory = value.buffer;
    return value;
  }

  /** Lets go of a pipe that somebody holds open. */
  async cancel(): Promise<void> {
    await this.#pipe.cancel();
  }
}
