/**
 * Whose requests were taken back a moment ago: until the server has read that, what it asks may still be for them. The
 * answer to a ping that was sent after the cancellation shows that it has.
 */
import type { SharedClient } from "./shared_client.ts";

/** A client, or undefined for all that have left. */
export type Withdrawer = SharedClient | undefined;

export class WithdrawnRequests {
  readonly #ping: (onAnswer: () => void) => void;
  /** Before the ping that is at the server, and after it. */
  #before = new Set<Withdrawer>();
  #after = new Set<Withdrawer>();
  #waits = false;

  constructor(ping: (onAnswer: () => void) => void) {
    this.#ping = ping;
  }

  /** To be called once the server was sent the cancellation. */
  add(client: SharedClient): void {
    this.#after.add(client);
    if (!this.#waits) this.#check();
  }

  leave(client: SharedClient): void {
    for (const clients of [this.#before, this.#after]) if (clients.delete(client)) clients.add(undefined);
  }

  *clients(): Iterable<Withdrawer> {
    yield* this.#before;
    yield* this.#after;
  }

  #check(): void {
    this.#before = this.#after;
    this.#after = new Set();
    this.#waits = true;
    this.#ping(() => {
      this.#waits = false;
      this.#before.clear();
      if (this.#after.size > 0) this.#check();
    });
  }
}
