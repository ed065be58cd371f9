/** The live sessions: who is let in, which server answers, and the orderly end. */
import { withHeartbeat } from "./adapters/heartbeat.ts";
import type { Accept, Admission, Backend, Guest, Peer } from "./core/backend.ts";
import { type Backlog, unbounded } from "./core/backlog.ts";
import { Chain, type LinkTo, linkTo } from "./base/chain.ts";
import type { Channel } from "./core/channel.ts";
import { Deadlines } from "./core/deadlines.ts";
import { DisconnectedError, type GatewayError, LimitError, StoppingError } from "./core/errors.ts";
import { durationText } from "./base/duration.ts";
import type { Sink } from "./core/events.ts";
import type { OpenCall } from "./core/open_table.ts";
import { compose, type MessagePolicy } from "./core/policy.ts";
import { Room } from "./core/room.ts";
import { Session, type SessionOptions } from "./core/session.ts";
import { within } from "./base/waiting.ts";

export interface GatewayOptions {
  /** Who answers this client. */
  readonly serverFor: (peer: Peer) => Backend;
  /** What waits for the server that answers this client; without a bound by default. */
  readonly backlogFor?: ((peer: Peer) => Backlog) | undefined;
  readonly policies: readonly MessagePolicy[];
  readonly emit: Sink;
  readonly maxSessions: number;
  /** From which idle time on a session may be ended to make room. */
  readonly evictAfterMs: number;
  /** How long a client waits for such room. */
  readonly queueTimeoutMs: number;
  /** Of one session, and of all stateless callers together. */
  readonly maxOpenRequests: number;
  /** Of the id, the progress token and the method of a request. */
  readonly maxIdChars: number;
  readonly requestTimeoutMs?: number | undefined;
  readonly maxRequestMs?: number | undefined;
  /** After how much silence a client that asked for progress is told that its call still runs. */
  readonly progressHeartbeatMs?: number | undefined;
  /** Requests that are open for so long are told of; never by default. */
  readonly slowRequestMs?: number | undefined;
}

interface Running {
  readonly session: Session;
  /** Settles when it has ended and everything is freed. */
  readonly ended: Promise<void>;
}

/** Of what an orderly end waits for. */
const MAX_TOLD_CALLS = 10;

/** A caller as far as it is known before its request is read. */
const STATELESS: Peer = { session: "", wire: "streamableHttp", scope: "request" };

export class Gateway implements AsyncDisposable {
  readonly #options: GatewayOptions;
  readonly #deadlines: Deadlines;
  /** What all sessions have in common. */
  readonly #forSessions: SessionOptions;
  readonly #running = new Chain<LinkTo<Running>>();
  readonly #room: Room;
  #openPosts = 0;
  #stopping = false;
  #idleSince = performance.now();
  readonly #slowWatch: ReturnType<typeof setInterval> | undefined;

  constructor(options: GatewayOptions) {
    const { maxSessions: places, queueTimeoutMs, policies } = options;
    this.#options = options;
    this.#deadlines = new Deadlines(options);
    this.#forSessions = {
      emit: options.emit,
      maxOpenRequests: options.maxOpenRequests,
      maxIdChars: options.maxIdChars,
      deadlines: this.#deadlines,
      policy: policies.length > 0 ? compose(policies) : undefined,
      refusal: this.#refusal,
      openServer: (guest, signal) => this.#open(guest, signal),
      // Its place is free then: what it held may take a while to free, and has bounds of its own.
      onEnded: ({ scope }) => this.#leave(scope),
    };
    this.#room = new Room({
      places,
      queueTimeoutMs,
      what: "sessions",
      makeRoom: () => void this.evictIdle(),
    });
    const { slowRequestMs: slowMs } = options;
    if (slowMs !== undefined) this.#slowWatch = setInterval(() => this.#tellSlow(slowMs), lookEvery(slowMs));
  }

  readonly accept: Accept = (peer, leaving) => {
    this.refuseNew();
    return peer.scope === "session" ? this.#admitSession(peer, leaving) : this.#admitPost(peer);
  };

  /** Since when, by `performance.now()`, nobody has been connected: undefined while a request, a stream or a socket is open. */
  get idleSince(): number | undefined {
    let shortest = Infinity;
    for (let running = this.#running.first; running; running = running.next) {
      const idleMs = idleMsOf(running.value.session);
      if (idleMs < 0) return undefined;
      shortest = Math.min(shortest, idleMs);
    }
    return Math.max(this.#idleSince, performance.now() - shortest);
  }

  /** Every request of a client that waits for its answer, oldest first. */
  openCalls(): OpenCall[] {
    const calls = this.#sessions().flatMap(({ openCalls }) => openCalls);
    return calls.sort((one, other) => other.ageMs - one.ageMs);
  }

  /** Throws StoppingError once `stop` was called. */
  readonly refuseNew = (): void => {
    if (this.#stopping) throw new StoppingError();
  };

  /** Throws LimitError while too much waits for the server of stateless callers: before a body is read that would wait, too. */
  readonly refuseFull = (): void => this.#options.backlogFor?.(STATELESS).refuse();

  /** Ends the session that has been idle for longest, of those that matter, if that is long enough; false when there is none. */
  evictIdle(matters: (session: string) => boolean = () => true): boolean {
    let longest: Session | undefined;
    let longestMs = this.#options.evictAfterMs;
    for (let running = this.#running.first; running; running = running.next) {
      const { session } = running.value;
      const idleMs = idleMsOf(session);
      // Of two that are equal, the older one.
      const isLonger = longest ? idleMs > longestMs : idleMs >= longestMs;
      if (!isLonger || session.over || !matters(session.peer.session)) continue;
      longest = session;
      longestMs = idleMs;
    }
    longest?.end(new DisconnectedError("The session was idle, and had to make room"));
    return longest !== undefined;
  }

  /** Refuses new requests, lets open ones finish for a while, ends all sessions. Settles when all are freed. */
  async stop(options: { reason: string; timeoutMs: number }): Promise<void> {
    this.#stopping = true;
    this.#room.close(new StoppingError());
    const { reason, timeoutMs: waitMs } = options;
    const calls = this.openCalls();
    const waits = calls.length > 0 && { waitsFor: calls.slice(0, MAX_TOLD_CALLS).map(callLabel), waitMs };
    this.#options.emit({ type: "gateway.stopping", reason, openRequests: calls.length, ...waits });
    await this.#drained(options.timeoutMs);
    await this[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true;
    this.#endAll(new StoppingError());
    await Promise.all(this.#running.all().map(({ value }) => value.ended));
    this.#deadlines[Symbol.dispose]();
    clearInterval(this.#slowWatch);
  }

  #tellSlow(ms: number): void {
    for (let running = this.#running.first; running; running = running.next) {
      running.value.session.tellSlow(ms);
    }
  }

  #admitSession(peer: Peer, leaving?: () => AbortSignal): Admission | Promise<Admission> {
    const place = this.#room.take(leaving);
    if (!place) return this.#admission(peer);
    return place.then(() => {
      this.#refuseLate(peer);
      return this.#admission(peer);
    });
  }

  /** The gateway may have begun to stop while somebody waited for a place. */
  #refuseLate({ scope }: Peer): void {
    if (!this.#stopping) return;
    this.#leave(scope);
    this.refuseNew();
  }

  #admitPost(peer: Peer): Admission {
    const { maxOpenRequests } = this.#options;
    if (this.#openPosts >= maxOpenRequests) {
      throw new LimitError(`Too many open requests: the limit is ${maxOpenRequests}`);
    }
    const admission = this.#admission(peer);
    admission.backlog.refuse();
    this.#openPosts++;
    return admission;
  }

  #leave(scope: Peer["scope"]): void {
    if (scope === "session") this.#room.leave();
    else this.#openPosts--;
  }

  #admission(peer: Peer): Admission {
    const { backlogFor = unbounded } = this.#options;
    const admission: Admission = {
      peer,
      backlog: backlogFor(peer),
      run: (client) => this.#run(client, admission),
      withdraw: () => this.#leave(peer.scope),
    };
    return admission;
  }

  #run(client: Channel, guest: Guest): Promise<void> {
    const { progressHeartbeatMs: everyMs } = this.#options;
    const told = everyMs === undefined ? client : withHeartbeat(client, { everyMs });
    const session = new Session(told, guest, this.#forSessions);
    const ended = session.run().then(() => {
      this.#running.remove(running);
      if (this.#running.size === 0) this.#idleSince = performance.now();
    });
    const running = linkTo({ session, ended });
    this.#running.add(running);
    return ended;
  }

  #open({ peer, backlog }: Guest, signal: AbortSignal): Promise<Channel> {
    // A session that was let in earlier may say its first word only now.
    this.refuseNew();
    const launch = { session: peer.session, args: [], env: {}, headers: {}, backlog };
    return this.#options.serverFor(peer).open(launch, signal);
  }

  /** For wires without status codes; HTTP asks `refuseNew` before it takes a request. */
  readonly #refusal = (): StoppingError | undefined => this.#stopping ? new StoppingError() : undefined;

  async #drained(timeoutMs: number): Promise<void> {
    await within(timeoutMs, Promise.all(this.#sessions().map((session) => session.drained())));
  }

  #endAll(error: GatewayError): void {
    for (const session of this.#sessions()) session.end(error);
  }

  #sessions(): Session[] {
    return this.#running.all().map(({ value }) => value.session);
  }
}

/** Looked at now and then, since a timer for each request would cost more than it: a quarter late at most. */
function lookEvery(slowMs: number): number {
  return Math.max(10, Math.min(slowMs / 4, 5_000));
}

/** As a reader looks for it: what is called, and for how long. */
function callLabel({ method, tool, ageMs }: OpenCall): string {
  return `${method}${tool === undefined ? "" : ` ${tool}`} (for ${
    durationText(Math.round(ageMs / 100) * 100)
  })`;
}

/** -1 for a session that is in use. */
function idleMsOf({ openRequests, peer }: Session): number {
  return openRequests > 0 ? -1 : peer.idleMs?.() ?? -1;
}
