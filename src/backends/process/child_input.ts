/** The stdin of a child. */
import { setImmediate } from "node:timers";
import type { Tally } from "../../base/queue.ts";
import { freeMemory } from "../../wire/free_memory.ts";

/** How much may wait for a child that does not read before the sender is held back. */
const HIGH_WATER = 64 * 1024;

/** After so many pieces of one message nobody is there beside its sender; of a few that would be chance. */
const LONELY_PIECES = 16;

/** What is written in one go, and what waits behind it. */
interface Piece {
  readonly bytes: Uint8Array<ArrayBuffer>;
  next: Piece | undefined;
}

interface ChildInputOptions {
  /** Called when the child reads no more. */
  readonly onBroken: () => void;
  /** Counts the bytes that wait, where they are more than a few. */
  readonly tally?: Tally | undefined;
}

/**
 * Writes what has gathered as one piece, so that a burst of messages costs one system call; a message that comes alone,
 * as those before it did, is written at once.
 */
export class ChildInput {
  readonly #pipe: WritableStreamDefaultWriter<Uint8Array>;
  readonly #options: ChildInputOptions;
  readonly #encoder = new TextEncoder();
  /** What gathers for the next piece; never more than the high water. */
  #waiting: string[] = [];
  #waitingChars = 0;
  /** How many pieces in a row had one message alone. */
  #lonely = 0;
  /**
   * Beyond that, what waits for a child that does not read is kept as the bytes that it will get: their size is known
   * exactly, and no text is kept alive.
   */
  #oldest: Piece | undefined;
  #youngest: Piece | undefined;
  #packedBytes = 0;
  #writing: Promise<void> | undefined;
  #room: PromiseWithResolvers<void> | undefined;
  #ended = false;

  constructor(pipe: WritableStream<Uint8Array>, options: ChildInputOptions) {
    this.#pipe = pipe.getWriter();
    this.#options = options;
  }

  /**
   * Takes text over at once; a returned promise settles when there is room for more. Nothing is taken after the end.
   * `beside` others that wait for their answers it is not alone, though it may come alone.
   */
  write(text: string, beside = false): Promise<void> | void {
    if (this.#ended) return;
    if (beside) this.#lonely = 0;
    this.#waiting.push(text);
    this.#waitingChars += text.length;
    if (this.#waitingChars >= HIGH_WATER) this.#pack();
    this.#writing ??= this.#writeAll();
    if (this.#packedBytes === 0) return;
    this.#room ??= Promise.withResolvers<void>();
    return this.#room.promise;
  }

  /** Closes the pipe once all is written. Waits for nothing: a child that does not read must not hold up its stop. */
  end(): void {
    this.#ended = true;
    this.#release();
    this.#writing ??= this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    try {
      // Requests that arrive together come one by one: what else this turn of the event loop brings shares the write.
      if (this.#lonely < LONELY_PIECES) await new Promise((resolve) => setImmediate(resolve));
      while (this.#oldest || this.#waiting.length > 0) {
        if (this.#oldest) await this.#writePacked(this.#oldest);
        else await this.#pipe.write(this.#encoder.encode(this.#gathered()));
        if (this.#packedBytes === 0) this.#release();
      }
      if (this.#ended) await this.#pipe.close();
      else this.#writing = undefined;
    } catch {
      // EPIPE. From here on nothing is written: `#writing` stays as it is.
      this.#ended = true;
      this.#forget();
      this.#release();
      this.#options.onBroken();
    }
  }

  /** It waits until it is written: a child may take a while for a piece. */
  async #writePacked(piece: Piece): Promise<void> {
    await this.#pipe.write(piece.bytes);
    this.#oldest = piece.next;
    if (!piece.next) this.#youngest = undefined;
    const { length } = piece.bytes;
    freeMemory(piece.bytes);
    this.#count(-length);
  }

  #pack(): void {
    const piece: Piece = { bytes: this.#encoder.encode(this.#gathered()), next: undefined };
    if (this.#youngest) this.#youngest.next = piece;
    else this.#oldest = piece;
    this.#youngest = piece;
    this.#count(piece.bytes.length);
  }

  #gathered(): string {
    const alone = this.#waiting.length === 1;
    this.#lonely = alone ? this.#lonely + 1 : 0;
    const text = alone ? this.#waiting[0]! : this.#waiting.join("");
    this.#waiting = [];
    this.#waitingChars = 0;
    return text;
  }

  #forget(): void {
    this.#waiting = [];
    this.#waitingChars = 0;
    this.#oldest = this.#youngest = undefined;
    this.#count(-this.#packedBytes);
  }

  #count(bytes: number): void {
    this.#packedBytes += bytes;
    this.#options.tally?.add(bytes);
  }

  #release(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }
}
