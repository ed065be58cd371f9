/** The stdin of a child. */
import { setImmediate } from "node:timers";

/** How much may wait for a child that does not read before the sender is held back. */
const HIGH_WATER_CHARS = 64 * 1024;

/** Writes what has gathered as one piece, so that a burst of messages costs one system call. */
export class ChildInput {
  readonly #pipe: WritableStreamDefaultWriter<Uint8Array>;
  readonly #onBroken: () => void;
  readonly #encoder = new TextEncoder();
  #waiting: string[] = [];
  #waitingChars = 0;
  #writing: Promise<void> | undefined;
  #room: PromiseWithResolvers<void> | undefined;
  #ended = false;

  /** `onBroken` is called when the child reads no more. */
  constructor(pipe: WritableStream<Uint8Array>, onBroken: () => void) {
    this.#pipe = pipe.getWriter();
    this.#onBroken = onBroken;
  }

  /** Takes text over at once; a returned promise settles when there is room for more. Nothing is taken after the end. */
  write(text: string): Promise<void> | void {
    if (this.#ended) return;
    this.#waiting.push(text);
    this.#waitingChars += text.length;
    this.#writing ??= this.#writeAll();
    if (this.#waitingChars < HIGH_WATER_CHARS) return;
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
      await new Promise((resolve) => setImmediate(resolve));
      while (this.#waiting.length > 0) {
        await this.#pipe.write(this.#encoder.encode(this.#take()));
        this.#release();
      }
      if (this.#ended) await this.#pipe.close();
      else this.#writing = undefined;
    } catch {
      // EPIPE. From here on nothing is written: `#writing` stays as it is.
      this.#ended = true;
      this.#waiting = [];
      this.#release();
      this.#onBroken();
    }
  }

  #take(): string {
    const text = this.#waiting.length === 1 ? this.#waiting[0]! : this.#waiting.join("");
    this.#waiting = [];
    this.#waitingChars = 0;
    return text;
  }

  #release(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }
}
