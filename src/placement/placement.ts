/** Which server answers whom: a strategy for each kind of client, and the places that all of their servers need. */
import type { LegacyCall } from "../adapters/era/legacy_call.ts";
import { ParkedCalls } from "../adapters/era/parked_calls.ts";
import type { ServerEra } from "../adapters/era/server_era.ts";
import { RequestStates } from "../adapters/era/request_state.ts";
import type { SharingOptions } from "../adapters/sharing/open_shared.ts";
import { type ChildMode, childMode, scopesServed } from "../config/mod.ts";
import type { Assignment, Peer, SharedServing } from "../core/backend.ts";
import { StoppingError } from "../core/errors.ts";
import type { Sink } from "../core/events.ts";
import type { LiveSessions } from "../core/live_sessions.ts";
import { REVISIONS } from "../core/mcp/revisions.ts";
import type { Attempt } from "../observe/trial.ts";
import type { Upstream } from "../upstream.ts";
import type { PlacementConfig } from "./config.ts";
import { FirstTrial } from "./first_trial.ts";
import { Guards } from "./guards.ts";
import { Leases } from "./lease.ts";
import { PerRequest } from "./per_request.ts";
import { PerSession } from "./per_session.ts";
import { Servers } from "./servers.ts";
import { Modern } from "./modern.ts";
import { ModernPerConnection } from "./modern_per_connection.ts";
import { asksSessions, Shared } from "./shared.ts";
import type { Strategy, StrategyOptions } from "./strategy.ts";
import type { StartedAhead } from "./warm_pool.ts";

export interface PlacementOptions {
  readonly upstream: Upstream;
  readonly version: string;
  /** Those of our clients: one that is idle may be ended for the place of its server. */
  readonly sessions: LiveSessions;
  /** Hears of what was started ahead; nobody by default. */
  readonly ahead?: StartedAhead | undefined;
  readonly emit: Sink;
}

export class Placement implements AsyncDisposable {
  readonly #options: PlacementOptions;
  readonly #stopping = new AbortController();
  /** From then on nothing is started any more, while what runs may finish. */
  readonly #draining = new AbortController();
  readonly #leases: Leases;
  readonly #forSessions: Strategy;
  readonly #forRequests: Strategy;
  /** Of the clients that may come, calls first. */
  readonly #strategies: readonly Strategy[];
  readonly #modern: Modern;
  readonly #parked: ParkedCalls<LegacyCall>;
  readonly #era: ServerEra;
  readonly #trial: FirstTrial;

  constructor(config: PlacementConfig, options: PlacementOptions) {
    this.#options = options;
    const { upstream, ahead, emit } = options;
    const { maxChildren: places, queueTimeoutMs } = config;
    const leases = this.#leases = new Leases({
      ...{ places, queueTimeoutMs, what: "server processes" },
      makeRoom: () => this.#makeRoom(),
    });
    const { serverEra, eraProbeTimeoutMs: probeTimeoutMs, maxInputRounds: maxRounds } = config;
    const sharing = sharingOptions(config, options);
    const servers = new Servers({ upstream, leases, ahead, sharing, serverEra, probeTimeoutMs, maxRounds });
    const guards = this.#createGuards(config, servers);
    const { signal: draining } = this.#draining;
    const common = { config, servers, guards, draining, emit };
    const modes = { session: childMode(config, "session"), request: childMode(config, "request") };
    this.#forRequests = strategyOf(modes.request, common);
    this.#forSessions = modes.session === modes.request
      ? this.#forRequests
      : strategyOf(modes.session, common);
    const strategies = new Set(scopesServed(config).map((scope) => this.#strategyFor(scope)));
    this.#trial = new FirstTrial({ config, servers, strategies: [...strategies], signal: draining });
    const { parkedTtlMs: ttlMs, maxParkedCalls: maxCalls, maxParkedPerPrincipal: maxPerPrincipal } = config;
    this.#parked = new ParkedCalls({ ttlMs, maxCalls, maxPerPrincipal, emit });
    const legacy = this.#legacyForModern(modes, common);
    const modern = modernStrategy(modes.request, common);
    const { protocolVersion, timeoutMs } = servers.sharing;
    const era = this.#era = servers.era;
    this.#modern = new Modern({
      ...{ era, legacy, modern, protocolVersion, timeoutMs, parked: this.#parked, emit },
      maxSubscriptions: config.maxSubscriptions,
      states: new RequestStates({ ttlMs }),
    });
    this.#strategies = [...strategies.add(legacy).add(modern)];
  }

  /** Starts what is wanted ahead, before anybody comes. */
  start(): void {
    for (const strategy of this.#strategies) strategy.start();
  }

  /** Starts the server before anybody comes, to find out whether that can be done; undefined where nothing is tried. */
  tryOut(): Attempt | undefined {
    return this.#trial.begin();
  }

  /** Which server answers this client. */
  serverFor(peer: Peer): Assignment {
    return peer.era === "modern"
      ? this.#modern.serverFor(peer)
      : this.#strategyFor(peer.scope).serverFor(peer);
  }

  /** The servers that run and are shared. */
  shared(): SharedServing[] {
    return this.#strategies.flatMap((strategy) => strategy.shared());
  }

  /** What was started ahead is started anew, with what holds now. */
  renew(): void {
    for (const strategy of this.#strategies) strategy.renew();
  }

  /** Whether somebody waits for a child's place. */
  get crowded(): boolean {
    return this.#leases.crowded;
  }

  /** Starts nothing any more: whoever waits for a server hears that the gateway stops. */
  drain(why = new StoppingError()): void {
    this.#draining.abort(why);
    this.#leases.close(why);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.drain();
    this.#stopping.abort(new StoppingError());
    await this.#trial[Symbol.asyncDispose]();
    this.#parked[Symbol.dispose]();
    await this.#era[Symbol.asyncDispose]();
    // At a time: the first that is done takes the backend of all along, and no server of another is to end by surprise.
    await Promise.all(this.#strategies.map((strategy) => strategy[Symbol.asyncDispose]()));
    await this.#options.upstream.backend[Symbol.asyncDispose]();
  }

  #strategyFor(scope: Peer["scope"]): Strategy {
    return scope === "session" ? this.#forSessions : this.#forRequests;
  }

  /**
   * The servers of the other era that requests of clients of 2026-07-28 are translated for: those of the sessions where
   * these can be asked something, since such a request can be, too.
   */
  #legacyForModern({ session, request }: Modes, options: StrategyOptions): Strategy {
    if (request === "request") {
      // Not where there are none: that strategy would start servers ahead, beside those for requests.
      return session === "session" && scopesServed(options.config).includes("session")
        ? this.#forSessions
        : new PerSession({ ...options, config: { ...options.config, prewarm: 0 } });
    }
    if (session === request && asksSessions(options.config)) return this.#forSessions;
    return new Shared({ ...options, ...FOR_MODERN, byPrincipal: request === "principal", asks: true });
  }

  #createGuards({ crash }: PlacementConfig, servers: Servers): Guards {
    const { signal } = this.#stopping;
    return new Guards({
      ...{ crash, server: servers.name, signal, emit: this.#options.emit },
      async probe() {
        await using _ = await servers.openForNobody("probe", signal);
      },
    });
  }

  /** Ends servers that no client has used yet first, then idle ones. */
  #makeRoom(): void {
    if (this.#trial.giveUp()) return;
    if (sharedLast(this.#strategies).some((strategy) => strategy.giveUpOne())) return;
    if (this.#options.sessions.evictIdle((session) => this.#leases.isOwner(session))) return;
    for (const strategy of this.#strategies) strategy.stopIdlest();
  }
}

/** What is said of servers for clients of 2026-07-28. */
const FOR_MODERN = { label: "modern", ahead: false } as const;

/** Servers that are spoken to without a handshake. */
function modernStrategy(mode: ChildMode, options: StrategyOptions): Strategy {
  if (mode === "request" || mode === "session") return new ModernPerConnection(options);
  return new Shared({ ...options, ...FOR_MODERN, byPrincipal: mode === "principal", modern: true });
}

/** The modes of children for each scope. */
interface Modes {
  readonly session: ChildMode;
  readonly request: ChildMode;
}

function strategyOf(mode: ChildMode, options: StrategyOptions): Strategy {
  switch (mode) {
    case "session":
      return new PerSession(options);
    case "request":
      return new PerRequest(options);
    case "principal":
    case "shared":
      return new Shared({ ...options, byPrincipal: mode === "principal" });
  }
}

/** Shared servers last: more clients would have to wait for one. */
function sharedLast(strategies: readonly Strategy[]): Strategy[] {
  return strategies.toSorted((one, other) => Number(one instanceof Shared) - Number(other instanceof Shared));
}

function sharingOptions(config: PlacementConfig, { version, emit }: PlacementOptions): SharingOptions {
  const { protocolVersion, startTimeoutMs: timeoutMs, maxBufferedMessages, maxBufferedBytes } = config;
  const { maxSubscriptions, maxUriChars } = config;
  return {
    ...{ protocolVersion, timeoutMs, maxBufferedMessages, maxBufferedBytes, emit },
    ...{ maxSubscriptions, maxUriChars },
    clientInfo: { name: "keystone", version },
    versions: REVISIONS,
  };
}
