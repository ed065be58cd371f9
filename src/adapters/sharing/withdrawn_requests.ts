/**
 * Whose requests were taken back a moment ago: until the server has read that, what it asks may still be for them. The
 * answer to a ping that was sent after the cancellation shows that it has.
 */
import type { SharedClient } from "./shared_client.ts";

/** Those of a party who have left: more is not known of them, however many they are. */
export class Left {
  readonly party: string | undefined;

  constructor(party: string | undefined) {
    this.party = party;
  }
}

export type Withdrawer = SharedClient | Left;

/** Those that one ping is for. */
class Round {
  readonly clients = new Set<SharedClient>();
  readonly #left = new Map<string | undefined, Left>();

  get isEmpty(): boolean {
    return this.clients.size === 0 && this.#left.size === 0;
  }

  *all(): Iterable<Withdrawer> {
    yield* this.clients;
    yield* this.#left.values();
  }

  /** Undefined where it is not among them. */
  leave(client: SharedClient): Left | undefined {
    if (!this.clients.delete(client)) return undefined;
    const { party } = client;
    const left = this.#left.get(party) ?? new Left(party);
    this.#left.set(party, left);
    return left;
  }
}

interface WithdrawnOptions {
  /** Asks the server something, and hears of its answer. */
  readonly ping: (onAnswer: () => void) => void;
  /** The server has read what these have taken back. */
  readonly onRead: (all: Iterable<Withdrawer>) => void;
}

export class WithdrawnRequests {
  readonly #options: WithdrawnOptions;
  /** Before the ping that is at the server, and after it. */
  #before = new Round();
  #after = new Round();
  #waits = false;

  constructor(options: WithdrawnOptions) {
    this.#options = options;
  }

  /** To be called once the server was sent the cancellation. */
  add(client: SharedClient): void {
    this.#after.clients.add(client);
    if (!this.#waits) this.#check();
  }

  /** What stands for it from now on, where it has taken back anything that the server may not have read. */
  leave(client: SharedClient): Left | undefined {
    const [before, after] = [this.#before.leave(client), this.#after.leave(client)];
    return after ?? before;
  }

  *clients(): Iterable<Withdrawer> {
    yield* this.#before.all();
    yield* this.#after.all();
  }

  #check(): void {
    this.#before = this.#after;
    this.#after = new Round();
    this.#waits = true;
    this.#options.ping(() => {
      const read = this.#before;
      this.#waits = false;
      this.#before = new Round();
      if (!this.#after.isEmpty) this.#check();
      this.#options.onRead(read.all());
    });
  }
}
