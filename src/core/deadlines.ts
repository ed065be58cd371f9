/** How long requests may take: one object for all sessions of a gateway, since a timer for each would cost more than it. */
import { durationText } from "../base/duration.ts";
import { remembered } from "../base/remembered.ts";
import { TimeoutError } from "./errors.ts";
import { type Ticket, TimeLimit } from "../base/time_limit.ts";
import { quoted } from "../base/outside.ts";
import { optionName } from "../base/option_name.ts";

export interface DeadlineOptions {
  /** Since the request or its last progress; no limit by default. */
  readonly requestTimeoutMs?: number | undefined;
  /** Since the request, whatever its progress; no limit by default. */
  readonly maxRequestMs?: number | undefined;
  /** In place of `requestTimeoutMs` for calls of these tools; the first one that fits counts. */
  readonly callTimeouts?: readonly CallTimeout[] | undefined;
}

interface CallTimeout {
  readonly matches: (tool: string) => boolean;
  /** Undefined is no limit. */
  readonly ms: number | undefined;
}

type Limit = TimeLimit<Expiring> | undefined;

/** A request as its deadlines see it. */
export interface Expiring {
  readonly method: string;
  /** Of a call. */
  readonly tool?: string | undefined;
  /** `performance.now()` at arrival. */
  readonly since: number;
  /** Called when its time is over; the error says which limit that was. */
  expire(error: TimeoutError): void;
}

/** What a request has of each limit. */
export interface Deadline {
  readonly silence: Ticket<Expiring> | undefined;
  /** Where that is held. */
  readonly limit: Limit;
  readonly total: Ticket<Expiring> | undefined;
}

export class Deadlines implements Disposable {
  readonly requestTimeoutMs: number | undefined;
  readonly #silence: Limit;
  readonly #total: Limit;
  /** Undefined where no tool has a time of its own. */
  readonly #ofTool: ((tool: string) => Limit) | undefined;
  readonly #ofTools: ReadonlyMap<number, TimeLimit<Expiring>>;

  constructor({ requestTimeoutMs, maxRequestMs, callTimeouts = [] }: DeadlineOptions) {
    this.requestTimeoutMs = requestTimeoutMs;
    this.#silence = limit(requestTimeoutMs, "requestTimeout");
    this.#total = limit(maxRequestMs, "maxRequestTime");
    this.#ofTools = new Map(
      callTimeouts.flatMap(({ ms }) => ms === undefined ? [] : [[ms, limitOf(ms, "callTimeout")]]),
    );
    if (callTimeouts.length > 0) this.#ofTool = remembered((tool) => this.#limitOf(tool, callTimeouts));
  }

  add(entry: Expiring): Deadline {
    const { tool, since } = entry;
    const limit = tool === undefined || !this.#ofTool ? this.#silence : this.#ofTool(tool);
    return { silence: limit?.add(entry, since), limit, total: this.#total?.add(entry, since) };
  }

  /** For an entry that made progress. */
  renew({ silence, limit }: Deadline): void {
    if (silence) limit?.renew(silence);
  }

  delete({ silence, limit, total }: Deadline): void {
    if (silence) limit?.delete(silence);
    if (total) this.#total?.delete(total);
  }

  /** For a request that cannot even be sent, since the server has not read for the time that a request has. */
  unread(): TimeoutError {
    const within = durationText(this.requestTimeoutMs ?? 0);
    return new TimeoutError(`The server has read nothing within ${within} (${optionName("requestTimeout")})`);
  }

  /** Nothing expires any more. */
  [Symbol.dispose](): void {
    for (const limit of [this.#silence, this.#total, ...this.#ofTools.values()]) limit?.clear();
  }

  #limitOf(tool: string, callTimeouts: readonly CallTimeout[]): Limit {
    const own = callTimeouts.find(({ matches }) => matches(tool));
    if (!own) return this.#silence;
    return own.ms === undefined ? undefined : this.#ofTools.get(own.ms);
  }
}

function limit(ms: number | undefined, option: string): Limit {
  return ms === undefined ? undefined : limitOf(ms, option);
}

function limitOf(ms: number, option: string): TimeLimit<Expiring> {
  const within = `within ${durationText(ms)} (${optionName(option)})`;
  return new TimeLimit(ms, (entry) => {
    entry.expire(new TimeoutError(`The server did not answer ${quoted(entry.method)} ${within}`));
  });
}
