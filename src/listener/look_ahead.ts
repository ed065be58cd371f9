/** A read that is begun to see whether somebody is still there: what it brings belongs to the next request. */
import { type AheadStream, type ByteStream, hasCaughtUp, withBefore } from "../wire/byte_stream.ts";

/** Enough to see something. */
const READ_BYTES = 512;

export class LookAhead {
  readonly #stream: ByteStream;
  readonly #bytes = new Uint8Array(READ_BYTES);
  readonly #read: Promise<number | null>;

  /** `onGone` is called when the far end says no more, or is gone. */
  constructor(stream: ByteStream, onGone: () => void) {
    this.#stream = stream;
    this.#read = stream.read(this.#bytes);
    this.#read.then((count) => count === null && onGone(), onGone);
  }

  /** The stream as if nothing had been read. */
  get rest(): AheadStream {
    const stream = this.#stream;
    let first: Promise<number | null> | undefined = this.#read;
    let rest = stream;
    return {
      get caughtUp() {
        return first === undefined && hasCaughtUp(rest);
      },
      read: async (into) => {
        if (first) {
          const count = await first;
          first = undefined;
          if (count === null) return null;
          rest = withBefore(this.#bytes.subarray(0, count), stream);
        }
        return await rest.read(into);
      },
      write: (bytes) => stream.write(bytes),
      close: () => stream.close(),
    };
  }
}
