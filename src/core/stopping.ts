/**
 * Whether the gateway stops, which is known here alone. It is asked where something new would begin: a client at
 * `accept`, a request where it comes in, and a server for a session that says its first word late.
 */
import { StoppingError } from "./errors.ts";

export class Stopping {
  #why: StoppingError | undefined;

  /** From now on nothing new begins; the first reason counts. */
  begin(why = new StoppingError()): void {
    this.#why ??= why;
  }

  /** Why nothing new may begin, or undefined. */
  refusal(): StoppingError | undefined {
    return this.#why;
  }

  /** Throws StoppingError where nothing new may begin. */
  refuse(): void {
    if (this.#why) throw this.#why;
  }
}
