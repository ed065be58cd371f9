/**
 * Whether the gateway stops, which is known here alone. It is asked where something new would begin: a client at
 * `accept`, a request where it comes in, and a server for a session that says its first word late.
 */
import { StoppingError } from "./errors.ts";

export class Stopping {
  #begun = false;

  /** From now on nothing new begins. */
  begin(): void {
    this.#begun = true;
  }

  /** Why nothing new may begin, or undefined. */
  refusal(): StoppingError | undefined {
    return this.#begun ? new StoppingError() : undefined;
  }

  /** Throws StoppingError where nothing new may begin. */
  refuse(): void {
    if (this.#begun) throw new StoppingError();
  }
}
