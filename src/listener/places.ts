/** The connections of a listener: how many there may be, for how long without a request, and who gives way. */
import { isLoopbackAddress } from "../core/caller.ts";
import { ByteBudget } from "../base/byte_budget.ts";
import { BusyError } from "../core/errors.ts";
import { type Ticket, TimeLimit } from "../base/time_limit.ts";
import { networkOf } from "../base/ip_address.ts";
import { optionName } from "../base/option_name.ts";

export interface ConnectionLimits {
  readonly maxConnections: number;
  /** Those of this machine are not counted: a proxy of it speaks for many. */
  readonly maxConnectionsPerAddress: number;
  /** From its beginning to the end of its first head. */
  readonly headerTimeoutMs: number;
  /** Without a request. */
  readonly idleTimeoutMs: number;
  /** With an answer that the client does not take. */
  readonly stallTimeoutMs: number;
  /** Of answers that the runtime was given as a whole, and may not have sent yet. */
  readonly maxWholeBytes: number;
}

/** So long a connection is left alone that has not been asked anything yet, or nothing more. */
const EVICT_AFTER_MS = 1_000;

/** Who counts what a client does not read (core/unread.ts) has the same time, and can tell whose it is. */
const STALL_GRACE_MS = 1_000;

export class Places implements Disposable {
  readonly #limits: ConnectionLimits;
  readonly #beginning: TimeLimit<Place>;
  readonly #idle: TimeLimit<Place>;
  readonly #stalled: TimeLimit<Place>;
  readonly #byNetwork = new Map<string, number>();
  readonly #whole: ByteBudget;
  #taken = 0;

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
    this.#whole = new ByteBudget(limits.maxWholeBytes);
    this.#beginning = new TimeLimit(
      limits.headerTimeoutMs,
      (place) => place.end(`it brought no complete request in time (${optionName("headerTimeout")})`),
    );
    this.#idle = new TimeLimit(limits.idleTimeoutMs, (place) => place.checkIdle());
    this.#stalled = new TimeLimit(
      limits.stallTimeoutMs + STALL_GRACE_MS,
      (place) => place.end(`it did not take its answer in time (${optionName("stallTimeout")})`),
    );
  }

  get taken(): number {
    return this.#taken;
  }

  /** A place for a new connection; `end` is called when it must end. Throws BusyError when there is no room. */
  enter(address: string | undefined, end: (reason: string) => void): Place {
    const network = address === undefined || isLoopbackAddress(address) ? undefined : networkOf(address);
    this.#checkNetwork(network);
    this.#makeRoomFor(1);
    this.#count(network, 1);
    return new Place({
      beginning: this.#beginning,
      idle: this.#idle,
      stalled: this.#stalled,
      whole: this.#whole,
      end,
      makeRoomFor: (places) => this.#makeRoomFor(places),
      widened: (places) => {
        this.#taken += places;
      },
      left: (places) => {
        this.#count(network, -1);
        this.#taken -= places - 1;
      },
    });
  }

  #makeRoomFor(places: number): void {
    while (this.#taken + places > this.#limits.maxConnections) {
      if (!this.makeRoom()) throw this.#full();
    }
  }

  #full(): BusyError {
    return new BusyError(
      `Too many connections: the limit is ${this.#limits.maxConnections} (${optionName("maxConnections")})`,
    );
  }

  /** Ends the connection that has been without a request for longest; false when each of them is at work or new. */
  makeRoom(): boolean {
    const waiting = [this.#beginning, this.#idle].flatMap((limit) => {
      const ticket = firstAtRest(limit);
      return ticket ? [{ place: ticket.entry, since: ticket.dueAt - limit.ms }] : [];
    });
    const [longest] = waiting.sort((left, right) => left.since - right.since);
    if (!longest || performance.now() - longest.since < EVICT_AFTER_MS) return false;
    longest.place.end(`it had to make room for another one (${optionName("maxConnections")})`);
    return true;
  }

  /** No connection is ended any more. */
  [Symbol.dispose](): void {
    this.#beginning.clear();
    this.#idle.clear();
    this.#stalled.clear();
  }

  #checkNetwork(network: string | undefined): void {
    const { maxConnectionsPerAddress: limit } = this.#limits;
    if (network === undefined || (this.#byNetwork.get(network) ?? 0) < limit) return;
    throw new BusyError(
      `Too many connections of one address: the limit is ${limit} (${
        optionName("maxConnectionsPerAddress")
      })`,
    );
  }

  #count(network: string | undefined, change: 1 | -1): void {
    this.#taken += change;
    if (network === undefined) return;
    const count = (this.#byNetwork.get(network) ?? 0) + change;
    if (count > 0) this.#byNetwork.set(network, count);
    else this.#byNetwork.delete(network);
  }
}

/** How far to look for a connection that has not been used since it was looked at last. */
const MAX_LOOKED_AT = 100;

/** The one that has been in the limit for longest, of those at rest; rather one that was not used meanwhile. */
function firstAtRest(limit: TimeLimit<Place>): Ticket<Place> | undefined {
  let first: Ticket<Place> | undefined;
  let ticket = limit.oldest;
  for (let count = 0; ticket && count < MAX_LOOKED_AT; count++, ticket = ticket.next) {
    if (ticket.entry.atWork) continue;
    if (!ticket.entry.used) return ticket;
    first ??= ticket;
  }
  return first;
}

interface PlaceOptions {
  readonly beginning: TimeLimit<Place>;
  readonly idle: TimeLimit<Place>;
  readonly stalled: TimeLimit<Place>;
  readonly whole: ByteBudget;
  readonly end: (reason: string) => void;
  /** Throws BusyError. */
  readonly makeRoomFor: (places: number) => void;
  readonly widened: (places: number) => void;
  readonly left: (places: number) => void;
}

/** The place of one connection. */
export class Place {
  readonly #options: PlaceOptions;
  readonly #beginning: Ticket<Place>;
  #idle: Ticket<Place> | undefined;
  #stalled: Ticket<Place> | undefined;
  #requests = 0;
  #places = 1;
  #wholeBytes = 0;
  #used = false;
  #left = false;

  constructor(options: PlaceOptions) {
    this.#options = options;
    this.#beginning = options.beginning.add(this);
  }

  /** Whether a request is being answered. */
  get atWork(): boolean {
    return this.#requests > 0;
  }

  /** Since it was looked at last. */
  get used(): boolean {
    return this.#used;
  }

  /** A request has begun. */
  begin(): void {
    this.#requests++;
    this.#used = true;
    this.#sent();
    if (this.#idle || this.#left) return;
    this.#options.beginning.delete(this.#beginning);
    this.#idle = this.#options.idle.add(this);
  }

  /** And is answered. */
  done(): void {
    this.#requests--;
    this.#used = true;
  }

  /** Whether the runtime may be given a whole answer: it reads no further request until nearly all of that is sent. */
  takesWhole(bytes: number): boolean {
    if (this.#left || !this.#options.whole.tryTake(bytes)) return false;
    this.#wholeBytes += bytes;
    return true;
  }

  #sent(): void {
    if (this.#wholeBytes === 0) return;
    this.#options.whole.giveBack(this.#wholeBytes);
    this.#wholeBytes = 0;
  }

  /** Something is being written. */
  writing(): void {
    if (this.#left) return;
    if (this.#stalled) this.#options.stalled.renew(this.#stalled);
    else this.#stalled = this.#options.stalled.add(this);
  }

  /** And is taken. */
  wrote(): void {
    if (this.#stalled) this.#options.stalled.delete(this.#stalled);
  }

  /** To be called when the time is over: to look at the clock for each request would cost more than to look twice. */
  checkIdle(): void {
    if (!this.atWork && !this.#used) {
      return this.end(`it was idle for too long (${optionName("idleTimeout")})`);
    }
    this.#used = false;
    if (this.#idle) this.#options.idle.renew(this.#idle);
  }

  /** The connection takes more places than one. Throws BusyError, also for one that has made room meanwhile. */
  widen(places: number): void {
    if (!this.#left) this.#options.makeRoomFor(places);
    if (this.#left) throw new BusyError(`The connection had to make room (${optionName("maxConnections")})`);
    this.#options.widened(places);
    this.#places += places;
  }

  /** Makes the connection end, which counts no more from now on. */
  end(reason: string): void {
    this.leave();
    this.#options.end(reason);
  }

  /** The connection has ended. Idempotent. */
  leave(): void {
    if (this.#left) return;
    this.#left = true;
    this.#options.beginning.delete(this.#beginning);
    if (this.#idle) this.#options.idle.delete(this.#idle);
    this.wrote();
    this.#sent();
    this.#options.left(this.#places);
  }
}
