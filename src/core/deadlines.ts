/** How long requests may take: one object for all sessions of a gateway, since a timer for each would cost more than it. */
import { durationText } from "../base/duration.ts";
import { TimeoutError } from "./errors.ts";
import { type Ticket, TimeLimit } from "../base/time_limit.ts";
import { quoted } from "../base/outside.ts";
import { optionName } from "../base/option_name.ts";

export interface DeadlineOptions {
  /** Since the request or its last progress; no limit by default. */
  readonly requestTimeoutMs?: number | undefined;
  /** Since the request, whatever its progress; no limit by default. */
  readonly maxRequestMs?: number | undefined;
}

/** A request as its deadlines see it. */
export interface Expiring {
  readonly method: string;
  /** `performance.now()` at arrival. */
  readonly since: number;
  /** Called when its time is over; the error says which limit that was. */
  expire(error: TimeoutError): void;
}

/** What a request has of each limit. */
export interface Deadline {
  readonly silence: Ticket<Expiring> | undefined;
  readonly total: Ticket<Expiring> | undefined;
}

export class Deadlines implements Disposable {
  readonly requestTimeoutMs: number | undefined;
  readonly #silence: TimeLimit<Expiring> | undefined;
  readonly #total: TimeLimit<Expiring> | undefined;

  constructor({ requestTimeoutMs, maxRequestMs }: DeadlineOptions) {
    this.requestTimeoutMs = requestTimeoutMs;
    this.#silence = limit(requestTimeoutMs, "requestTimeout");
    this.#total = limit(maxRequestMs, "maxRequestTime");
  }

  add(entry: Expiring): Deadline {
    return { silence: this.#silence?.add(entry, entry.since), total: this.#total?.add(entry, entry.since) };
  }

  /** For an entry that made progress. */
  renew({ silence }: Deadline): void {
    if (silence) this.#silence?.renew(silence);
  }

  delete({ silence, total }: Deadline): void {
    if (silence) this.#silence?.delete(silence);
    if (total) this.#total?.delete(total);
  }

  /** For a request that cannot even be sent, since the server has not read for the time that a request has. */
  unread(): TimeoutError {
    const within = durationText(this.requestTimeoutMs ?? 0);
    return new TimeoutError(`The server has read nothing within ${within} (${optionName("requestTimeout")})`);
  }

  /** Nothing expires any more. */
  [Symbol.dispose](): void {
    this.#silence?.clear();
    this.#total?.clear();
  }
}

function limit(ms: number | undefined, option: string): TimeLimit<Expiring> | undefined {
  if (ms === undefined) return undefined;
  const within = `within ${durationText(ms)} (${optionName(option)})`;
  return new TimeLimit(ms, (entry) => {
    entry.expire(new TimeoutError(`The server did not answer ${quoted(entry.method)} ${within}`));
  });
}
