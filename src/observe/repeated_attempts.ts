/**
 * Attempts that come again and again: those that were accepted before, by the same credential from the same address, since
 * a client sends its key with each request; and refusals that cost who brings them about nothing, and could fill a log.
 * The first one is told of at once, those after it together, with their count.
 */
import { networkOf } from "../base/ip_address.ts";
import { cut } from "../base/outside.ts";
import { remembered } from "../base/remembered.ts";
import type { GatewayEvent } from "../core/events.ts";

export type Attempt = Extract<GatewayEvent, { type: "auth.accepted" | "auth.refused" }>;

/** What comes later is told of anew. */
const GATHER_MS = 1_000;
/** Who has more credentials or addresses than that is told of more often. */
const MAX_GATHERED = 1_000;
/** Of what callers have named; what is longer is told by its beginning. */
const NAME_CHARS = 200;

const network = remembered(networkOf);

interface Gathered {
  readonly attempt: Attempt;
  /** Beside the first one. */
  count: number;
}

export class RepeatedAttempts implements Disposable {
  readonly #record: (attempt: Attempt, count: number) => void;
  readonly #gathered = new Map<string, Gathered>();
  /** Mostly the same client goes on. */
  #last: Gathered | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;

  /** `record` is called once for each that was repeated, with how often. */
  constructor(record: (attempt: Attempt, count: number) => void) {
    this.#record = record;
  }

  /** Whether it was counted; else it is to have a line of its own, as has each with credentials that do not count. */
  count(attempt: Attempt): boolean {
    if (this.#isOver || attempt.type === "auth.refused" && !attempt.countable) return false;
    const known = this.#find(attempt);
    if (!known) return false;
    known.count++;
    return true;
  }

  /** Tells of all that are counted, and counts no more. */
  [Symbol.dispose](): void {
    this.#isOver = true;
    this.flush();
  }

  /** Tells of all that are counted, and begins anew. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#last = undefined;
    for (const { attempt, count } of this.#gathered.values()) {
      if (count > 0) this.#record(attempt, count);
    }
    this.#gathered.clear();
  }

  #find(attempt: Attempt): Gathered | undefined {
    if (this.#last && isSame(this.#last.attempt, attempt)) return this.#last;
    const kept = keptOf(attempt);
    const key = keyOf(kept);
    const known = this.#gathered.get(key);
    if (known) return this.#last = known;
    if (this.#gathered.size >= MAX_GATHERED) this.flush();
    this.#last = { attempt: kept, count: 0 };
    this.#gathered.set(key, this.#last);
    this.#timer ??= setTimeout(() => this.flush(), GATHER_MS);
    return undefined;
  }
}

function isSame(one: Attempt, other: Attempt): boolean {
  // What was refused is of any length, and seldom comes from one sender alone.
  return one.type === "auth.accepted" && other.type === "auth.accepted" &&
    one.credential === other.credential && one.address === other.address &&
    one.principal === other.principal && one.kind === other.kind;
}

/** By the network of who is nobody in particular: one has as many addresses as it likes there. */
function keyOf(attempt: Attempt): string {
  const { type, kind, credential, principal, address, backend } = attempt;
  const from = principal === undefined && credential === undefined ? network(address ?? "") : address;
  const refused = attempt.type === "auth.refused" ? [attempt.reason, attempt.tool] : [];
  return JSON.stringify([type, kind, credential, principal, from, backend, ...refused]);
}

/** So much of it as may be held for a while: what callers have named may be long. Strangers may ask for any number of tools. */
function keptOf(attempt: Attempt): Attempt {
  if (attempt.type === "auth.accepted") return attempt;
  const { credential, principal, tool } = attempt;
  return {
    ...attempt,
    credential: credential && cut(credential, NAME_CHARS),
    tool: principal === undefined ? undefined : tool && cut(tool, NAME_CHARS),
  };
}
