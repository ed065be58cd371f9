/** The live sessions: who is let in, which server answers, and the orderly end. */
import { withHeartbeat } from "./adapters/heartbeat.ts";
import {
  type Accept,
  type Admission,
  type AdmittedClient,
  AS_CONFIGURED,
  type Assignment,
  type Backend,
  type Peer,
} from "./core/backend.ts";
import type { Backlog } from "./core/backlog.ts";
import type { Caller } from "./core/caller.ts";
import type { Channel } from "./core/channel.ts";
import { type DeadlineOptions, Deadlines } from "./core/deadlines.ts";
import { BusyError, type GatewayError, StoppingError } from "./core/errors.ts";
import { durationText } from "./base/duration.ts";
import type { Sink } from "./core/events.ts";
import type { LiveSessions } from "./core/live_sessions.ts";
import { SessionShares } from "./core/session_shares.ts";
import type { Negotiated } from "./core/mcp/negotiated.ts";
import { compose, type MessagePolicy } from "./core/policy.ts";
import { Semaphore } from "./core/semaphore.ts";
import type { OpenCall } from "./core/session/open_request.ts";
import { Session } from "./core/session/session.ts";
import type { Opening, SessionOptions } from "./core/session/session_options.ts";
import { Stopping } from "./core/stopping.ts";
import { within } from "./base/waiting.ts";

export interface GatewayOptions {
  /** Which server answers this client. */
  readonly serverFor: (peer: Peer) => Assignment;
  /** Where those that live are known, to whoever needs room as well. */
  readonly sessions: LiveSessions;
  readonly policies: readonly MessagePolicy[];
  /** Has its say in each server's answer to the handshake. */
  readonly greet?: SessionOptions["greet"];
  /** Hears of each session that has ended; of no call that stands alone. */
  readonly onSessionEnded?: ((peer: Peer) => void) | undefined;
  readonly emit: Sink;
  readonly maxSessions: number;
  /** Of one principal, or of one address where nobody is known; by default as many as there may be. */
  readonly maxSessionsPerPrincipal?: number | undefined;
  /** How long a client waits for room: an idle session may be ended to make some. */
  readonly queueTimeoutMs: number;
  /** Of one session, and of all stateless callers together. */
  readonly maxOpenRequests: number;
  /** Of the id, the progress token and the method of a request. */
  readonly maxIdChars: number;
  readonly requestTimeoutMs?: number | undefined;
  readonly maxRequestMs?: number | undefined;
  readonly callTimeouts?: DeadlineOptions["callTimeouts"];
  /** After how much silence a client that asked for progress is told that its call still runs. */
  readonly progressHeartbeatMs?: number | undefined;
  /** Requests that are open for so long are told of; never by default. */
  readonly slowRequestMs?: number | undefined;
  /** Why nothing new may begin for the moment, or undefined; always something may by default. */
  readonly refusal?: (() => GatewayError | undefined) | undefined;
  /** Whether callers prove who they are: what their proof opened ends with it. False by default. */
  readonly authenticated?: boolean;
}

export interface StopOptions {
  readonly reason: string;
  /** For open requests. */
  readonly timeoutMs: number;
  /** Whether other servers go on. False by default. */
  readonly alone?: boolean;
}

/** What clients hear; `alone` as in StopOptions. */
export function stoppingError(alone = false): StoppingError {
  return alone ? new StoppingError("The MCP server is taken out of service") : new StoppingError();
}

/** Of what an orderly end waits for. */
const MAX_TOLD_CALLS = 10;

/** A caller as far as it is known before its request is read. */
const STATELESS: Peer = { session: "", wire: "streamableHttp", scope: "request" };

/** What the gateway does for those whom it has let in: one object for all. */
interface VisitOptions {
  readonly run: (client: Channel, admitted: AdmittedClient) => Promise<void>;
  /** Gives the place back. */
  readonly leave: (peer: Peer) => void;
}

/** A class, since there is one for each call, and for as long as its session lives. */
class Visit implements Admission, AdmittedClient {
  readonly peer: Peer;
  readonly backend: Backend;
  readonly backlog: Backlog;
  negotiated: Negotiated | undefined = undefined;
  readonly #options: VisitOptions;

  constructor(peer: Peer, { backend, backlog }: Assignment, options: VisitOptions) {
    this.peer = peer;
    this.backend = backend;
    this.backlog = backlog;
    this.#options = options;
  }

  run(client: Channel): Promise<void> {
    return this.#options.run(client, this);
  }

  withdraw(): void {
    this.#options.leave(this.peer);
  }
}

export class Gateway implements AsyncDisposable {
  /** Begun by `stop`: nothing new is let in from then on. */
  readonly stopping = new Stopping();
  readonly #options: GatewayOptions;
  readonly #deadlines: Deadlines;
  /** What all sessions have in common. */
  readonly #forSessions: SessionOptions;
  readonly #forVisits: VisitOptions = {
    run: (client, admitted) => this.#run(client, admitted),
    leave: (peer) => this.#leave(peer),
  };
  readonly #sessions: LiveSessions;
  readonly #sessionPlaces: Semaphore;
  readonly #shares: SessionShares | undefined;
  #postsInFlight = 0;
  readonly #slowWatch: ReturnType<typeof setInterval> | undefined;
  readonly #proofWatch: ReturnType<typeof setInterval> | undefined;

  constructor(options: GatewayOptions) {
    const { maxSessions: places, queueTimeoutMs, policies, sessions } = options;
    this.#options = options;
    this.#sessions = sessions;
    this.#deadlines = new Deadlines(options);
    this.#forSessions = {
      emit: options.emit,
      maxOpenRequests: options.maxOpenRequests,
      maxIdChars: options.maxIdChars,
      deadlines: this.#deadlines,
      policy: policies.length > 0 ? compose(policies) : undefined,
      greet: options.greet,
      refusal: () => this.#refusal(),
      openServer: (admitted, opening) => this.#openServer(admitted, opening),
      // Its place is free then: what it held may take a while to free, and has bounds of its own.
      onEnded: (peer) => this.#ended(peer),
    };
    this.#sessionPlaces = new Semaphore({
      places,
      queueTimeoutMs,
      what: "sessions",
      makeRoom: () => void sessions.evictIdle(),
    });
    const { maxSessionsPerPrincipal: share } = options;
    if (share !== undefined) {
      const makeRoom = (isOwn: (session: string) => boolean) => void sessions.evictIdle(isOwn);
      this.#shares = new SessionShares({ places: share, queueTimeoutMs, makeRoom });
    }
    const { slowRequestMs: slowMs } = options;
    if (slowMs !== undefined) {
      this.#slowWatch = setInterval(() => sessions.tellSlow(slowMs), lookEvery(slowMs));
    }
    if (options.authenticated) this.#proofWatch = setInterval(() => sessions.endLapsed(), PROOF_LOOK_MS);
  }

  readonly accept: Accept = (peer, leaving) => {
    this.#refuse();
    return peer.scope === "session" ? this.#admitSession(peer, leaving) : this.#admitPost(peer);
  };

  /** Throws BusyError while too much waits for the server of a stateless caller: before a body is read that would wait, too. */
  readonly refuseFull = ({ principal, launch }: Pick<Caller, "principal" | "launch">): void => {
    const peer = principal || launch ? { ...STATELESS, principal, launch } : STATELESS;
    this.#options.serverFor(peer).backlog.refuse();
  };

  /** Refuses new requests, lets open ones finish for a while, ends all sessions. Settles when all are freed. */
  async stop({ reason, timeoutMs: waitMs, alone = false }: StopOptions): Promise<void> {
    const why = stoppingError(alone);
    this.stopping.begin(why);
    this.#sessionPlaces.close(why);
    this.#shares?.close(why);
    const calls = this.#sessions.openCalls();
    const waits = calls.length > 0 && { waitsFor: calls.slice(0, MAX_TOLD_CALLS).map(callLabel), waitMs };
    const type = alone ? "server.stopping" : "gateway.stopping";
    this.#options.emit({ type, reason, openRequests: calls.length, ...waits });
    await within(waitMs, this.#sessions.drained());
    await this[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stopping.begin();
    await this.#sessions.endAll(this.stopping.refusal() ?? new StoppingError());
    this.#deadlines[Symbol.dispose]();
    clearInterval(this.#slowWatch);
    clearInterval(this.#proofWatch);
  }

  #refusal(): GatewayError | undefined {
    return this.stopping.refusal() ?? this.#options.refusal?.();
  }

  #refuse(): void {
    const refusal = this.#refusal();
    if (refusal) throw refusal;
  }

  #admitSession(peer: Peer, leaving?: () => AbortSignal): Admission | Promise<Admission> {
    const place = this.#shares
      ? this.#shared(this.#shares, peer, leaving)
      : this.#sessionPlaces.acquire(leaving);
    if (!place) return this.#admission(peer);
    return place.then(() => {
      // The gateway may have begun to stop meanwhile.
      const refusal = this.#refusal();
      if (!refusal) return this.#admission(peer);
      this.#leave(peer);
      throw refusal;
    });
  }

  /** One of those of its owner first: who has too many is not to wait where others do. */
  #shared(shares: SessionShares, peer: Peer, leaving?: () => AbortSignal): Promise<void> | void {
    const own = shares.acquire(peer, leaving);
    if (own) return own.then(() => this.#sharedPlace(shares, peer, leaving));
    return this.#sharedPlace(shares, peer, leaving);
  }

  #sharedPlace(shares: SessionShares, peer: Peer, leaving?: () => AbortSignal): Promise<void> | void {
    return this.#sessionPlaces.acquire(leaving)?.catch((error) => {
      shares.release(peer);
      throw error;
    });
  }

  #admitPost(peer: Peer): Admission {
    const { maxOpenRequests } = this.#options;
    if (this.#postsInFlight >= maxOpenRequests) {
      throw new BusyError(`Too many open requests: the limit is ${maxOpenRequests}`);
    }
    const admission = this.#admission(peer);
    admission.backlog.refuse();
    this.#postsInFlight++;
    return admission;
  }

  #ended(peer: Peer): void {
    this.#leave(peer);
    if (peer.scope === "session") this.#options.onSessionEnded?.(peer);
  }

  #leave(peer: Peer): void {
    if (peer.scope !== "session") return void this.#postsInFlight--;
    this.#shares?.release(peer);
    this.#sessionPlaces.release();
  }

  #admission(peer: Peer): Admission {
    return new Visit(peer, this.#options.serverFor(peer), this.#forVisits);
  }

  #run(client: Channel, admitted: AdmittedClient): Promise<void> {
    const { progressHeartbeatMs: everyMs } = this.#options;
    const told = everyMs === undefined ? client : withHeartbeat(client, { everyMs });
    return this.#sessions.run(new Session(told, admitted, this.#forSessions));
  }

  #openServer({ peer, backend, backlog }: AdmittedClient, { era, signal }: Opening): Promise<Channel> {
    // A session that was let in earlier may say its first word only now.
    this.#refuse();
    const { args, env, headers } = peer.launch ?? AS_CONFIGURED;
    const launch = { session: peer.session, args, env, headers, backlog };
    if (era === "legacy") return backend.open(launch, signal);
    const modern = peer.era === era ? backend : this.#options.serverFor({ ...peer, era }).backend;
    const owner = peer.principal?.name;
    const party = owner ?? peer.address ?? peer.session;
    return modern.open({ ...launch, era, owner, party }, signal);
  }
}

/** With what a file is looked at again, within a second altogether. */
const PROOF_LOOK_MS = 400;

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
