/** How the servers that run take over what was set meanwhile. */
import { isSupervised } from "../adapters/supervise.ts";
import { AS_CONFIGURED, type Assignment, type Peer, type SharedServing } from "../core/backend.ts";
import { RequestError } from "../core/errors.ts";
import type { Sink } from "../core/events.ts";
import type { LiveSessions } from "../core/live_sessions.ts";
import type { Session } from "../core/session/session.ts";
import { optionName } from "../base/option_name.ts";
import { settingsText } from "./override.ts";
import type { Overrides } from "./overrides.ts";
import { type Restartable, Restarts, type When } from "./restarts.ts";

export interface TakeoverOptions {
  /** Whether each request tells the server its headers; else a connection does. */
  readonly liveHeaders: boolean;
  /** Whether each request of a session has a server of its own. */
  readonly serverForEachRequest: boolean;
  readonly overrides: Overrides;
  readonly sessions: LiveSessions;
  readonly serverFor: (peer: Peer) => Assignment;
  /** The servers that run and are shared. */
  readonly shared: () => readonly SharedServing[];
  /** Starts anew what was started ahead. */
  readonly renew: () => void;
  readonly emit: Sink;
}

/** Who takes over what was set, and how. */
export interface TakenOver {
  /** The sessions for which it holds from the next request on. */
  readonly live: readonly string[];
  /** Those whose server has to be opened again for it, and under its name each such server that clients share. */
  readonly restart: readonly string[];
  /** Those that keep what they have until they end, since their server is not opened again. */
  readonly kept: readonly string[];
}

export class Takeover {
  readonly #options: TakeoverOptions;
  readonly #restarts: Restarts;

  constructor(options: TakeoverOptions) {
    this.#options = options;
    this.#restarts = new Restarts(options.emit);
  }

  /** What was set for all. */
  byAll(sessions: readonly Session[], when: When): TakenOver {
    const { renew, shared } = this.#options;
    renew();
    const reopened = shared().filter((server) => server.reopens && this.#isSharedStale(server));
    // Told before it is done: a server that is on its way out is not stale any more.
    const taken = this.by(sessions, when);
    for (const server of reopened) this.#restarts.begin(this.#sharedServer(server), when);
    return { ...taken, restart: [...reopened.map(({ label }) => label), ...taken.restart] };
  }

  by(sessions: readonly Session[], when: When): TakenOver {
    const taken = { live: new Array<string>(), restart: new Array<string>(), kept: new Array<string>() };
    for (const session of sessions) taken[this.#take(session, when)].push(session.peer.session);
    return taken;
  }

  /** Its server is opened again. */
  restart(session: Session, when: When): void {
    const server = ownServer(session);
    if (server) this.#restarts.begin(server, when);
  }

  /** Throws RequestError 409 where nothing can be set for this session alone. */
  refuseUnsuited(session: Session): void {
    if (this.#sharedBy(session)) throw shares();
    if (this.#isKept(session)) throw unsupervised();
  }

  /** The server that it shares, or its own, as events name it. */
  labelOf(session: Session): string {
    return this.#sharedBy(session)?.label ?? session.peer.session;
  }

  /** The same text as long as the same holds for the server of this session. */
  settingsText(session: Session): string {
    const { launch = AS_CONFIGURED } = this.#sharedBy(session) ?? session.peer;
    return settingsText(this.#options.overrides.settingsFor(this.labelOf(session), launch));
  }

  /** Whether its server was opened in a way of which something differs that only another opening changes. */
  isStale(session: Session): boolean {
    const shared = this.#sharedBy(session);
    if (shared) return this.#isSharedStale(shared);
    const { liveHeaders, overrides } = this.#options;
    const { session: id, launch = AS_CONFIGURED } = session.peer;
    return !liveHeaders && overrides.isStale(id, launch);
  }

  #isSharedStale({ label, launch }: SharedServing): boolean {
    const { liveHeaders, overrides } = this.#options;
    return !liveHeaders && overrides.isStale(label, launch);
  }

  #take(session: Session, when: When): keyof TakenOver {
    if (this.#isLive(session) || !this.isStale(session)) return "live";
    const shared = this.#sharedBy(session);
    // Begun once, for all of its sessions.
    if (shared) return shared.reopens ? "restart" : "kept";
    const server = ownServer(session);
    if (!server) return "kept";
    this.#restarts.begin(server, when);
    return "restart";
  }

  /** What comes next is opened or called with what holds then. */
  #isLive({ server }: Session): boolean {
    const { liveHeaders, serverForEachRequest } = this.#options;
    return liveHeaders || serverForEachRequest || server === undefined;
  }

  /** Its server runs and is not opened again. */
  #isKept(session: Session): boolean {
    return !this.#isLive(session) && !isSupervised(session.server);
  }

  #sharedBy({ peer }: Session): SharedServing | undefined {
    return this.#options.serverFor(peer).shared;
  }

  #sharedServer(server: SharedServing): Restartable {
    const sessions = () => this.#options.sessions.all().map(({ session }) => session);
    return {
      label: server.label,
      clients: () => sessions().filter((session) => this.#sharedBy(session) === server),
      restart: () => server.restart(),
    };
  }
}

function ownServer(session: Session): Restartable | undefined {
  const { server, peer } = session;
  if (!isSupervised(server)) return undefined;
  return {
    label: peer.session,
    clients: () => [session],
    restart: () => server.reopen(peer.launch ?? AS_CONFIGURED),
  };
}

function shares(): RequestError {
  const way = `set it for all, or serve with ${optionName("children")} session`;
  return new RequestError(`The session shares its server with others: ${way}`, { status: 409 });
}

function unsupervised(): RequestError {
  const way = `serve without ${optionName("restart")} never`;
  return new RequestError(`The server of the session is not started again: ${way}`, { status: 409 });
}
