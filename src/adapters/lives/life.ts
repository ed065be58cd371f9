/** One server, from its opening to its end; and what all of them so far say of the next one. */
import type { Channel, Envelope } from "../../core/channel.ts";
import { BusyError, serverFailure } from "../../core/errors.ts";
import type { InTurn } from "../../base/in_turn.ts";
import type { Retry } from "../../base/retry.ts";
import type { Guard } from "../crash_guard.ts";

/** A server that is there. */
export interface Life {
  readonly server: Channel;
  readonly messages: InTurn<Envelope>;
  /** When its opening began. */
  readonly since: number;
  /** Has it answered a client's request? */
  answered: boolean;
  /** It has to go for one that is opened with another launch. */
  replaced: boolean;
}

/** Why a server ended that was not told to. */
interface LifeEnd {
  readonly reason: unknown;
  /** Whether a client's request was in its hands. */
  readonly provoked: boolean;
}

interface TrackRecordOptions {
  readonly retry: Retry;
  /** Say whether a server may be opened, and hear what became of it. */
  readonly guards: readonly Guard[];
  /** Once it has fired, no end says anything of the server. */
  readonly signal: AbortSignal;
}

/** How the servers of one conversation have fared. */
export class TrackRecord {
  readonly #options: TrackRecordOptions;
  /** How many in a row broke before they were of any use. */
  #breaks = 0;
  #why: unknown;

  constructor(options: TrackRecordOptions) {
    this.#options = options;
  }

  /** How many failed tries the next one counts as: the first break is mended at once. */
  get failures(): number {
    return Math.min(Math.max(0, this.#breaks - 1), this.#options.retry.attempts);
  }

  /** Why the last one broke. */
  get why(): unknown {
    return this.#why;
  }

  /** Every connection breaks: the next one is for somebody who asks for it. */
  get exhausted(): boolean {
    return this.#breaks > this.#options.retry.attempts + 1;
  }

  /** Throws BackendError while the server counts as failed. */
  check(): void {
    for (const guard of this.#options.guards) guard.check();
  }

  /** As `check`, by whoever opens the server then. */
  admit(): void {
    for (const guard of this.#options.guards) guard.admit();
  }

  /** It answered a client's request. */
  answered(life: Life): void {
    if (life.answered) return;
    life.answered = true;
    this.#breaks = 0;
    for (const guard of this.#options.guards) guard.proved();
  }

  /** It could not be opened, or not be told what the last one knew; unless that is what the signal was for. */
  failed({ since, answered }: Pick<Life, "since" | "answered">, reason: unknown, signal: AbortSignal): void {
    if (!answered && !signal.aborted) this.#blame(since, { reason, provoked: false });
  }

  /** It was there, and ended; without a reason all is well. */
  broke({ since, answered }: Life, end: LifeEnd | undefined): void {
    const livedLong = performance.now() - since >= this.#options.retry.maxDelayMs;
    this.#breaks = livedLong ? 1 : this.#breaks + 1;
    this.#why = end?.reason;
    if (end && !answered) this.#blame(since, end);
  }

  /** What comes is opened in another way, so nobody has to wait for it. */
  beginAnew(): void {
    this.#breaks = 0;
    this.#why = undefined;
  }

  /** That there was no room says nothing of the server. */
  #blame(since: number, { reason, provoked }: LifeEnd): void {
    const { guards, signal } = this.#options;
    if (reason instanceof BusyError || signal.aborted) return;
    const livedMs = performance.now() - since;
    for (const guard of guards) guard.ended({ reason: serverFailure(reason), provoked, livedMs });
  }
}
