/**
 * What clients were told and have not read, whoever said it: a server or the gateway. One client may have so many
 * messages and bytes waiting, all together so many bytes, and nobody may read nothing for so long. Who has more or takes
 * longer is ended; where it is too much of all together, the one who has read nothing for longest.
 */
import type { BufferLimits } from "./channel.ts";
import { durationText } from "../base/duration.ts";
import { BusyError } from "./errors.ts";
import type { Sink } from "./events.ts";
import type { ReleaseWatch } from "../base/release_watch.ts";
import { type Ticket, TimeLimit } from "../base/time_limit.ts";
import { optionName } from "../base/option_name.ts";

/** A client that has read something within this time is not ended for being slow: the excess may go by itself. */
const PATIENCE_MS = 1_000;
/** Times the limit: the patience shrinks with what waits, and is none where so much waits. */
const TOO_MUCH = 1.5;

export interface UnreadLimits {
  /** Of all clients together. */
  readonly maxUnreadBytes: number;
  /** How long a client for which something waits may read nothing; without it there is no limit. */
  readonly stallTimeoutMs?: number | undefined;
  readonly emit: Sink;
  /** Hears how much waits for all clients. */
  readonly watch?: ReleaseWatch | undefined;
}

/** A client whose unread messages are counted. */
export interface Reader {
  /** For the log. */
  readonly session: string;
  /** It was too slow: what waits for it is of no use any more, and has to go at once. */
  giveUp(error: BusyError): void;
}

/** Where clients of one server are counted. */
export interface Accounts {
  /** Bytes that wait now, for those of all servers. */
  readonly bytes: number;
  account(reader: Reader): Account;
  /** Throws BusyError while too much waits: to be asked before something is said once more that was said already. */
  refuse(): void;
}

export class Unread implements Disposable {
  readonly #limits: UnreadLimits;
  /** In the order in which they have read something. */
  readonly #waiting: TimeLimit<Account>;
  #bytes = 0;
  #again: ReturnType<typeof setTimeout> | undefined;

  constructor(limits: UnreadLimits) {
    const { stallTimeoutMs: ms } = limits;
    this.#limits = limits;
    this.#waiting = new TimeLimit(ms ?? Infinity, (account) => {
      this.#giveUp(
        account,
        `The client has read nothing for ${durationText(ms ?? 0)} (${optionName("stallTimeout")})`,
      );
    });
  }

  /** Bytes that wait now. */
  get bytes(): number {
    return this.#bytes;
  }

  #refuse(): void {
    const { maxUnreadBytes } = this.#limits;
    if (this.#bytes <= maxUnreadBytes) return;
    const all = `${this.#bytes} bytes wait for all clients together`;
    throw new BusyError(`${all}, and the limit is ${maxUnreadBytes} (${optionName("maxUnreadSize")})`);
  }

  /** For clients of which each may have so much waiting; they count with all others. */
  within(limits: BufferLimits): Accounts {
    const changed = (account: Account, change: number) => this.#changed(account, change);
    const ledger = { limits, waiting: this.#waiting, changed };
    const bytes = () => this.#bytes;
    return {
      get bytes() {
        return bytes();
      },
      account: (reader) => new Account(reader, ledger),
      refuse: () => this.#refuse(),
    };
  }

  /** Nobody is ended any more. */
  [Symbol.dispose](): void {
    this.#waiting.clear();
    clearTimeout(this.#again);
  }

  #changed(account: Account, change: number): void {
    const { maxBufferedMessages, maxBufferedBytes } = account.limits;
    this.#bytes += change;
    this.#limits.watch?.level(this.#bytes);
    const { messages, bytes } = account;
    // One alone may be as large as messages may be.
    if (messages > maxBufferedMessages || (messages > 1 && bytes > maxBufferedBytes)) {
      const what = `${messages} messages of ${bytes} bytes wait for the client`;
      const limits = `${optionName("maxBufferedMessages")}, ${optionName("maxBufferedSize")}`;
      this.#giveUp(account, `${what} (${limits})`);
    }
    if (change > 0) this.#relieve();
  }

  #relieve(): void {
    const { maxUnreadBytes } = this.#limits;
    while (this.#bytes > maxUnreadBytes) {
      const slowest = this.#waiting.oldest;
      if (!slowest) return;
      const leftMs = slowest.entry.readAt + this.#patienceMs - performance.now();
      if (leftMs > 0) return this.#relieveIn(leftMs);
      const all = `${this.#bytes} bytes wait for all clients together`;
      this.#giveUp(
        slowest.entry,
        `${all}, and this one has read nothing for longest (${optionName("maxUnreadSize")})`,
      );
    }
  }

  get #patienceMs(): number {
    const { maxUnreadBytes } = this.#limits;
    const room = TOO_MUCH * maxUnreadBytes - this.#bytes;
    return PATIENCE_MS * Math.max(0, room / ((TOO_MUCH - 1) * maxUnreadBytes));
  }

  #relieveIn(ms: number): void {
    clearTimeout(this.#again);
    this.#again = setTimeout(() => this.#relieve(), ms);
  }

  #giveUp(account: Account, reason: string): void {
    const { session } = account.reader;
    account.owe(0, 0);
    account.reader.giveUp(new BusyError(reason));
    this.#limits.emit({ type: "client.dropped", session, reason });
  }
}

/** What accounts have in common: one object for all of them, since there is an account to each answer. */
interface Ledger {
  readonly limits: BufferLimits;
  readonly waiting: TimeLimit<Account>;
  readonly changed: (account: Account, change: number) => void;
}

/** What waits for one reader. */
export class Account {
  readonly reader: Reader;
  readonly #ledger: Ledger;
  #messages = 0;
  #bytes = 0;
  /** In the limit while something waits. */
  #ticket: Ticket<Account> | undefined;
  #readAt = 0;

  constructor(reader: Reader, ledger: Ledger) {
    this.reader = reader;
    this.#ledger = ledger;
  }

  get limits(): BufferLimits {
    return this.#ledger.limits;
  }

  get messages(): number {
    return this.#messages;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** By `performance.now()`: when it has read something, or something began to wait for it. */
  get readAt(): number {
    return this.#readAt;
  }

  /** So much waits from now on. The reader may be given up before this returns. */
  owe(messages: number, bytes: number): void {
    const change = bytes - this.#bytes;
    if (change === 0 && messages === this.#messages) return;
    if (this.#bytes === 0 || change < 0) this.#progress(bytes);
    this.#messages = messages;
    this.#bytes = bytes;
    this.#ledger.changed(this, change);
  }

  /** Its time begins anew with each thing that it reads, and ends when nothing waits. */
  #progress(bytes: number): void {
    const { waiting } = this.#ledger;
    if (bytes === 0) return void (this.#ticket && waiting.delete(this.#ticket));
    this.#readAt = performance.now();
    if (this.#ticket) waiting.renew(this.#ticket);
    else this.#ticket = waiting.add(this);
  }
}
