/**
 * Attempts that come again and again: those that were accepted before, by the same credential from the same address, since
 * a client sends its key with each request; and those of which nothing was judged, by which nobody in particular could
 * fill the log. The first one has its line at once, those after it one that counts them.
 */
import type { GatewayEvent } from "../../core/events.ts";

export type Attempt = Extract<GatewayEvent, { type: "auth.accepted" | "auth.refused" }>;

/** Those that come later have a line of their own. */
const GATHER_MS = 1_000;
/** Who has more credentials or addresses than that has lines more often. */
const MAX_GATHERED = 1_000;

interface Gathered {
  readonly attempt: Attempt;
  /** Beside the first one. */
  count: number;
}

export class RepeatedAttempts {
  readonly #record: (attempt: Attempt, count: number) => void;
  readonly #gathered = new Map<string, Gathered>();
  /** Mostly the same client goes on. */
  #last: Gathered | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `record` is called once for each that was repeated, with how often. */
  constructor(record: (attempt: Attempt, count: number) => void) {
    this.#record = record;
  }

  /** Whether it was counted; else it is to have a line of its own, as has each with credentials that do not count. */
  count(attempt: Attempt): boolean {
    if (attempt.type === "auth.refused" && !attempt.unjudged) return false;
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
    for (const { attempt, count } of this.#gathered.values()) {
      if (count > 0) this.#record(withoutTool(attempt), count);
    }
    this.#gathered.clear();
  }

  #find(attempt: Attempt): Gathered | undefined {
    if (this.#last && isSame(this.#last.attempt, attempt)) return this.#last;
    const { type, kind, credential, principal, address } = attempt;
    const key = JSON.stringify([type, kind, credential, principal, address, reasonOf(attempt)]);
    const known = this.#gathered.get(key);
    if (known) return this.#last = known;
    if (this.#gathered.size >= MAX_GATHERED) this.flush();
    this.#last = { attempt, count: 0 };
    this.#gathered.set(key, this.#last);
    this.#timer ??= setTimeout(() => this.flush(), GATHER_MS);
    return undefined;
  }
}

function isSame(one: Attempt, other: Attempt): boolean {
  return one.type === other.type && one.credential === other.credential && one.address === other.address &&
    one.principal === other.principal && one.kind === other.kind && reasonOf(one) === reasonOf(other);
}

function reasonOf(attempt: Attempt): string | undefined {
  return attempt.type === "auth.refused" ? attempt.reason : undefined;
}

/** Those that are counted together may have asked for others. */
function withoutTool(attempt: Attempt): Attempt {
  return attempt.type === "auth.refused" ? { ...attempt, tool: undefined } : attempt;
}
