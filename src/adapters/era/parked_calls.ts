/** Calls that wait for their clients' answers: each for a while, and so many at a time. */
import { durationText } from "../../base/duration.ts";
import { optionName } from "../../base/option_name.ts";
import { type Ticket, TimeLimit } from "../../base/time_limit.ts";
import { BusyError } from "../../core/errors.ts";
import type { Sink } from "../../core/events.ts";

interface ParkedCallsOptions {
  readonly ttlMs: number;
  readonly maxCalls: number;
  /** Of one owner; those of nobody in particular count as one's. */
  readonly maxPerPrincipal: number;
  readonly emit: Sink;
}

/** What can wait. */
interface Call {
  /** Names it in events. */
  readonly session: string;
  /** It waits in vain. */
  end(): void;
}

interface Parked<T> {
  readonly handle: string;
  readonly call: T;
  readonly owner: string | undefined;
}

export class ParkedCalls<T extends Call> implements Disposable {
  readonly #options: ParkedCallsOptions;
  readonly #byHandle = new Map<string, Ticket<Parked<T>>>();
  readonly #counts = new Map<string | undefined, number>();
  readonly #limit: TimeLimit<Parked<T>>;

  constructor(options: ParkedCallsOptions) {
    this.#options = options;
    this.#limit = new TimeLimit(options.ttlMs, (parked) => this.#giveUp(parked));
  }

  /** Gives what it is known by, which cannot be guessed. Throws BusyError when too many wait. */
  park(call: T, owner: string | undefined): string {
    const { maxCalls, maxPerPrincipal } = this.#options;
    const own = this.#counts.get(owner) ?? 0;
    if (this.#byHandle.size >= maxCalls) throw tooMany(maxCalls, "maxParkedCalls");
    if (own >= maxPerPrincipal) throw tooMany(maxPerPrincipal, "maxParkedPerPrincipal");
    const handle = crypto.randomUUID();
    this.#counts.set(owner, own + 1);
    this.#byHandle.set(handle, this.#limit.add({ handle, call, owner }));
    return handle;
  }

  /** Gives it back, once; undefined for one that does not wait, and for one of somebody else. */
  take(handle: string, owner: string | undefined): T | undefined {
    const ticket = this.#byHandle.get(handle);
    if (!ticket || ticket.entry.owner !== owner) return undefined;
    this.#limit.delete(ticket);
    this.#forget(ticket.entry);
    return ticket.entry.call;
  }

  /** All wait in vain. */
  [Symbol.dispose](): void {
    this.#limit.clear();
    for (const { entry } of [...this.#byHandle.values()]) {
      this.#forget(entry);
      entry.call.end();
    }
  }

  #giveUp(parked: Parked<T>): void {
    const { ttlMs, emit } = this.#options;
    const { call } = parked;
    this.#forget(parked);
    const reason = `the client has not answered within ${durationText(ttlMs)} what it was asked (${
      optionName("parkedTtl")
    })`;
    emit({ type: "message.dropped", session: call.session, direction: "down", reason });
    call.end();
  }

  #forget({ handle, owner }: Parked<T>): void {
    this.#byHandle.delete(handle);
    const left = (this.#counts.get(owner) ?? 1) - 1;
    if (left > 0) this.#counts.set(owner, left);
    else this.#counts.delete(owner);
    this.#limit.rest();
  }
}

function tooMany(limit: number, option: string): BusyError {
  return new BusyError(
    `The server asks something, and ${limit} calls wait already for what their clients were asked (${
      optionName(option)
    })`,
  );
}
