/**
 * Attempts that were accepted before, by the same credential from the same address: a client sends its key with each
 * request, and a line for each would say the same. The first one has its line at once, those after it one that counts them.
 */
import type { GatewayEvent } from "../../core/events.ts";

export type AcceptedAttempt = Extract<GatewayEvent, { type: "auth.accepted" }>;

/** Those that come later have a line of their own. */
const GATHER_MS = 1_000;
/** Who has more credentials or addresses than that has lines more often. */
const MAX_GATHERED = 1_000;

interface Gathered {
  readonly attempt: AcceptedAttempt;
  /** Beside the first one. */
  count: number;
}

export class RepeatedAttempts {
  readonly #record: (attempt: AcceptedAttempt, count: number) => void;
  readonly #gathered = new Map<string, Gathered>();
  /** Mostly the same client goes on. */
  #last: Gathered | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `record` is called once for each that was repeated, with how often. */
  constructor(record: (attempt: AcceptedAttempt, count: number) => void) {
    this.#record = record;
  }

  /** Whether it was counted; else it is to have a line of its own. */
  count(attempt: AcceptedAttempt): boolean {
    const known = this.#find(attempt);
    if (!known) return false;
    known.count++;
    return true;
  }

  /** Tells of all that are counted, and begins anew. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#last = undefined;
    for (const { attempt, count } of this.#gathered.values()) if (count > 0) this.#record(attempt, count);
    this.#gathered.clear();
  }

  #find(attempt: AcceptedAttempt): Gathered | undefined {
    if (this.#last && isSame(this.#last.attempt, attempt)) return this.#last;
    const { kind, credential, principal, address } = attempt;
    const key = JSON.stringify([kind, credential, principal, address]);
    const known = this.#gathered.get(key);
    if (known) return this.#last = known;
    if (this.#gathered.size >= MAX_GATHERED) this.flush();
    this.#last = { attempt, count: 0 };
    this.#gathered.set(key, this.#last);
    this.#timer ??= setTimeout(() => this.flush(), GATHER_MS);
    return undefined;
  }
}

function isSame(one: AcceptedAttempt, other: AcceptedAttempt): boolean {
  return one.credential === other.credential && one.address === other.address &&
    one.principal === other.principal && one.kind === other.kind;
}
