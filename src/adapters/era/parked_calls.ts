/**
 * Calls that wait for the answers of their clients. A client of 2026-07-28 is not asked while its call runs: the call is
 * answered with the questions, and waits here until it comes again with the answers, if it does ("Multi Round-Trip
 * Requests", Server Requirements).
 */
import { optionName } from "../../base/option_name.ts";
import { durationText } from "../../base/duration.ts";
import { type Ticket, TimeLimit } from "../../base/time_limit.ts";
import { BusyError, StoppingError } from "../../core/errors.ts";
import type { Sink } from "../../core/events.ts";

/** What waits. */
export interface Parkable {
  /** It is given up: nobody waits for it, at the server either. */
  end(): void;
  /** Whose it is, for observers. */
  readonly session: string;
  readonly method: string;
  readonly tool: string | undefined;
}

export interface ParkedCallsOptions {
  /** How long a call waits. */
  readonly ttlMs: number;
  readonly maxCalls: number;
  /** Of one principal; those of callers whom nobody knows are counted together. */
  readonly maxPerPrincipal: number;
  readonly emit: Sink;
}

interface Parked<T> {
  readonly handle: string;
  readonly call: T;
  readonly owner: string | undefined;
  readonly since: number;
}

const HANDLE_BYTES = 16;

export class ParkedCalls<T extends Parkable> implements Disposable {
  readonly #options: ParkedCallsOptions;
  /** By handle. */
  readonly #calls = new Map<string, Ticket<Parked<T>>>();
  /** How many calls each owner has here. */
  readonly #counts = new Map<string | undefined, number>();
  readonly #limit: TimeLimit<Parked<T>>;
  #isOver = false;

  constructor(options: ParkedCallsOptions) {
    this.#options = options;
    const time = `${durationText(options.ttlMs)} (${optionName("parkedTtl")})`;
    this.#limit = new TimeLimit(
      options.ttlMs,
      (parked) => this.#giveUp(parked, `nobody came with answers within ${time}`),
    );
  }

  get size(): number {
    return this.#calls.size;
  }

  /** The handle by which its owner can take it, once. With BusyError it is not taken in, and not ended either. */
  park(call: T, owner: string | undefined): string {
    this.#demandRoom(owner);
    const handle = crypto.getRandomValues(new Uint8Array(HANDLE_BYTES)).toBase64({
      alphabet: "base64url",
      omitPadding: true,
    });
    this.#calls.set(handle, this.#limit.add({ handle, call, owner, since: performance.now() }));
    this.#counts.set(owner, this.#countOf(owner) + 1);
    return handle;
  }

  /** The call that waits there for this owner; undefined where none does, or does no more. */
  take(handle: string, owner: string | undefined): T | undefined {
    const ticket = this.#calls.get(handle);
    if (!ticket || ticket.entry.owner !== owner) return undefined;
    this.#limit.delete(ticket);
    this.#forget(ticket.entry);
    this.#limit.rest();
    return ticket.entry.call;
  }

  /** Gives up all that wait. */
  [Symbol.dispose](): void {
    this.#isOver = true;
    this.#limit.clear();
    for (const { entry } of [...this.#calls.values()]) {
      this.#giveUp(entry, "the gateway or its server is stopped");
    }
  }

  #demandRoom(owner: string | undefined): void {
    if (this.#isOver) throw new StoppingError();
    const { maxCalls, maxPerPrincipal } = this.#options;
    if (this.#calls.size >= maxCalls) {
      throw new BusyError(
        `Too many calls wait for their clients' answers: ${limited(maxCalls, "maxParkedCalls")}`,
      );
    }
    if (this.#countOf(owner) < maxPerPrincipal) return;
    const limit = limited(maxPerPrincipal, "maxParkedPerPrincipal");
    throw new BusyError(`Too many calls of one caller wait for answers: ${limit}`);
  }

  #countOf(owner: string | undefined): number {
    return this.#counts.get(owner) ?? 0;
  }

  #forget({ handle, owner }: Parked<T>): void {
    this.#calls.delete(handle);
    const left = this.#countOf(owner) - 1;
    if (left > 0) this.#counts.set(owner, left);
    else this.#counts.delete(owner);
  }

  #giveUp(parked: Parked<T>, reason: string): void {
    this.#forget(parked);
    const { emit } = this.#options;
    const { call, owner, since } = parked;
    const { session, method, tool } = call;
    const waitedMs = performance.now() - since;
    emit({
      type: "call.abandoned",
      session,
      method,
      tool,
      principal: owner,
      waitedMs,
      reason,
    });
    try {
      call.end();
    } catch (error) {
      // The others are to be given up all the same.
      emit({ type: "fault", where: "call that was given up", error });
    }
  }
}

function limited(limit: number, option: string): string {
  return `the limit is ${limit} (${optionName(option)})`;
}
