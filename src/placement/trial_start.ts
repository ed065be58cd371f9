/** A server that is started to see whether that can be done, and stopped again. */
import { BusyError } from "../core/errors.ts";

export class TrialStart implements AsyncDisposable {
  /** Settles when it has answered the handshake and is stopped; rejects with why it did not. */
  readonly done: Promise<void>;
  readonly #abort = new AbortController();
  readonly #over: Promise<void>;
  #running = true;

  /** `open` settles with a server that has answered the handshake, or with none where that is not needed. */
  constructor(open: (signal: AbortSignal) => Promise<AsyncDisposable | undefined>, signal: AbortSignal) {
    this.done = this.#run(open, AbortSignal.any([signal, this.#abort.signal]));
    // `done` tells the reason; here only the end is awaited.
    this.#over = this.done.catch(() => {}).finally(() => this.#running = false);
  }

  /** Ends it for somebody who needs its place; false where it has none. */
  giveUp(): boolean {
    if (this.#running) this.#abort.abort(new BusyError("The server that was tried had to make room"));
    return this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#over;
  }

  async #run(
    open: (signal: AbortSignal) => Promise<AsyncDisposable | undefined>,
    signal: AbortSignal,
  ): Promise<void> {
    await using _ = await open(signal);
  }
}
