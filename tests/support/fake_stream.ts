/** A connection whose far end the test plays: nothing comes, and nothing is taken, unless it says so. */
import type { ByteStream } from "../../src/wire/byte_stream.ts";
import { concat, type ReadFrame, readFrames } from "./frames.ts";

export class FakeStream implements ByteStream {
  /** A piece for each write. */
  readonly written: Uint8Array[] = [];
  closed = false;
  #taking = true;
  #taken = Promise.withResolvers<void>();
  #come = new Uint8Array();
  #ended = false;
  #waiting = Promise.withResolvers<void>();

  async read(into: Uint8Array): Promise<number | null> {
    while (this.#come.length === 0) {
      if (this.closed) throw new Deno.errors.Interrupted("operation canceled");
      if (this.#ended) return null;
      await this.#waiting.promise;
    }
    const part = this.#come.subarray(0, into.length);
    into.set(part);
    this.#come = this.#come.subarray(part.length);
    return part.length;
  }

  async write(bytes: Uint8Array): Promise<number> {
    this.written.push(bytes.slice());
    while (!this.#taking && !this.closed) await this.#taken.promise;
    if (this.closed) throw new Deno.errors.BrokenPipe();
    return bytes.length;
  }

  close(): void {
    if (this.closed) throw new Deno.errors.BadResource();
    this.closed = true;
    this.#tell();
  }

  /** The far end says something. */
  receive(...parts: Uint8Array[]): void {
    this.#come = concat(this.#come, ...parts);
    this.#tell();
  }

  /** The far end says no more. */
  end(): void {
    this.#ended = true;
    this.#tell();
  }

  /** The far end takes nothing from here on; the next write does not settle. */
  stall(): void {
    this.#taking = false;
  }

  resume(): void {
    this.#taking = true;
    this.#tell();
  }

  /** Everything that was written. */
  get frames(): ReadFrame[] {
    return readFrames(concat(...this.written));
  }

  #tell(): void {
    this.#taken.resolve();
    this.#taken = Promise.withResolvers();
    this.#waiting.resolve();
    this.#waiting = Promise.withResolvers();
  }
}
