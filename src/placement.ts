/** Which server answers whom (`--children`), and what keeps those servers alive and few. */
import { withAnswerNames } from "./adapters/answer_names.ts";
import { CrashGuard } from "./adapters/crash_guard.ts";
import { guardOpen } from "./adapters/guard_open.ts";
import { freshHubs, type Hub, type HubOptions, openHub } from "./adapters/sharing/hub.ts";
import { Holders, limitOpen } from "./adapters/limit_open.ts";
import { perRequest } from "./adapters/per_request.ts";
import { FIRST_WARM, prewarm, type PrewarmedBackend } from "./adapters/prewarm.ts";
import { probingGuard } from "./adapters/probe.ts";
import { SharedServer } from "./adapters/sharing/share.ts";
import { SharedServers } from "./adapters/sharing/shared_servers.ts";
import { supervise, type SuperviseOptions } from "./adapters/supervise.ts";
import { TrialStart } from "./adapters/trial_start.ts";
import { childMode, type ResolvedConfig, scopesServed } from "./config/mod.ts";
import type { Backend, Peer } from "./core/backend.ts";
import { Backlog } from "./core/backlog.ts";
import { BackendError, StoppingError } from "./core/errors.ts";
import { background, type Sink } from "./core/events.ts";
import { pause } from "./base/retry.ts";
import { Room } from "./core/room.ts";
import type { Attempt } from "./observe/trial.ts";
import { SUPPORTED_VERSIONS } from "./frontends/http_checks.ts";
import type { Upstream } from "./upstream.ts";

/** How often to look for servers of principals that nobody uses any more. */
const IDLE_CHECK_MS = 60_000;
/** Names the server that all share in events, where a session id would stand. */
const SHARED = "shared";
/** And the one that is tried for nobody. */
const TRIED = "trial";
/** A client that comes sooner finds out by itself, and two servers that start at a time would be in each other's way. */
const TRY_AFTER_MS = 100;

/** What a shared server may ask of sessions; a client that did not declare the same is not asked. */
const SESSION_CAPABILITIES = {
  sampling: {},
  elicitation: { form: {}, url: {} },
  roots: { listChanged: true },
};

export interface PlacementOptions {
  readonly upstream: Upstream;
  readonly version: string;
  /** Ends a session that nobody has used for a while, if there is one. */
  readonly evictIdle: (matters: (session: string) => boolean) => boolean;
  readonly emit: Sink;
}

export class Placement implements AsyncDisposable {
  readonly #config: ResolvedConfig;
  readonly #options: PlacementOptions;
  readonly #stopping = new AbortController();
  /** From then on nothing is started any more, while what runs may finish. */
  readonly #draining = new AbortController();
  readonly #holders = new Holders();
  readonly #room: Room;
  readonly #shelves: PrewarmedBackend[] = [];
  readonly #hub: HubOptions;
  /** Waits for a place for its child, and takes one only that nobody waits for. */
  readonly #patient: Backend;
  readonly #impatient: Backend;
  readonly #startGuard: CrashGuard;
  /** Of all servers that are each for one request. */
  readonly #perRequestBacklog: Backlog;
  readonly #shared = new SharedServers((name) => this.#openShared(name));
  #idleCheck: ReturnType<typeof setInterval> | undefined;
  #trial: TrialStart | undefined;
  /** Somebody has come. */
  #asked = false;
  #own: Backend | undefined;
  #perRequest: Backend | undefined;

  constructor(config: ResolvedConfig, options: PlacementOptions) {
    this.#config = config;
    this.#options = options;
    this.#perRequestBacklog = new Backlog(config.maxBufferedBytes);
    this.#hub = hubOptions(config, options);
    const { backend, spawns } = options.upstream;
    const room = this.#room = this.#createRoom();
    const holders = this.#holders;
    this.#patient = spawns ? limitOpen(backend, { room, holders, waits: true }) : backend;
    this.#impatient = spawns ? limitOpen(backend, { room, holders, waits: false }) : backend;
    this.#startGuard = this.#guard("start", { fair: true, scope: "all" });
  }

  /** Starts what is wanted ahead, before anybody comes. */
  start(): void {
    const { sessionTimeoutMs } = this.#config;
    this.#idleCheck = setInterval(
      () => this.#background(this.#shared.stopAbandoned(sessionTimeoutMs)),
      IDLE_CHECK_MS,
    );
    this.#warmUp();
  }

  /**
   * Starts the server before anybody comes, to find out whether that can be done; undefined where nothing is started, or
   * not for the first client alone. One that all share, or that is kept ready, stays; another one is stopped again.
   */
  tryOut(): Attempt | undefined {
    const { tryAtStart, transports, prewarm } = this.#config;
    if (!tryAtStart || !this.#options.upstream.spawns || this.#draining.signal.aborted) return undefined;
    const modes = scopesServed(this.#config).map((scope) => childMode(this.#config, scope));
    if (modes.includes("shared") || modes.includes("principal")) {
      return { label: SHARED, done: this.#shared.get(undefined).start() };
    }
    const [ready] = prewarm > 0 && modes.includes("request") ? this.#shelves : [];
    if (ready) return { label: FIRST_WARM, done: ready.first };
    // The client on our stdin comes at once, and two servers would be started at a time.
    if (transports.includes("stdio")) return undefined;
    this.#trial = new TrialStart((signal) => this.#openForNobody(signal), this.#draining.signal);
    return { label: TRIED, done: this.#trial.done };
  }

  /** The backend that answers this client. */
  serverFor({ scope, principal }: Peer): Backend {
    this.#asked = true;
    switch (childMode(this.#config, scope)) {
      case "session":
        return this.#own ??= this.#createOwn();
      case "request":
        return this.#perRequest ??= this.#createPerRequest();
      case "principal":
        return this.#shared.get(principal).backendFor(scope);
      case "shared":
        return this.#shared.get(undefined).backendFor(scope);
    }
  }

  /** What waits for the server that answers this client. */
  backlogFor({ scope, principal }: Peer): Backlog {
    switch (childMode(this.#config, scope)) {
      case "session":
        return new Backlog(this.#config.maxBufferedBytes);
      case "request":
        return this.#perRequestBacklog;
      case "principal":
        return this.#shared.get(principal).backlog;
      case "shared":
        return this.#shared.get(undefined).backlog;
    }
  }

  /** Whether somebody waits for a child's place. */
  get crowded(): boolean {
    return this.#room.crowded;
  }

  /** Starts nothing any more: whoever waits for a server hears that the gateway stops. */
  drain(): void {
    const stopping = new StoppingError();
    this.#draining.abort(stopping);
    this.#room.close(stopping);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.drain();
    clearInterval(this.#idleCheck);
    this.#stopping.abort(new StoppingError());
    await this.#trial?.[Symbol.asyncDispose]();
    await this.#shared[Symbol.asyncDispose]();
    await this.#own?.[Symbol.asyncDispose]();
    await this.#perRequest?.[Symbol.asyncDispose]();
    await this.#options.upstream.backend[Symbol.asyncDispose]();
  }

  #warmUp(): void {
    if (this.#config.prewarm === 0 || !this.#options.upstream.spawns) return;
    for (const scope of scopesServed(this.#config)) {
      const mode = childMode(this.#config, scope);
      if (mode === "session") this.#own ??= this.#createOwn();
      else if (mode === "request") this.#perRequest ??= this.#createPerRequest();
      // Why it did not start is told by its guard, and the first client hears it too.
      else void this.#shared.get(undefined).start().catch(() => {});
    }
  }

  async #openForNobody(signal: AbortSignal): Promise<Hub | undefined> {
    await pause(TRY_AFTER_MS, signal);
    return this.#asked && !this.#config.exitOnFailure ? undefined : await this.#openHub(TRIED, signal);
  }

  /** A server for nobody, which has answered the handshake. */
  #openHub(session: string, signal: AbortSignal): Promise<Hub> {
    const launch = { session, args: [], env: {}, headers: {} };
    return openHub(this.#impatient, launch, { ...this.#hub, signal });
  }

  // --- the servers of each mode ---

  #createOwn(): Backend {
    const { restart } = this.#config;
    const children = this.#prewarmed(this.#patient, this.#impatient);
    if (this.#options.upstream.spawns && restart === "never") {
      return guardOpen(this.#named(children, { shared: false }), this.#startGuard);
    }
    return supervise(
      children,
      this.#supervision(this.#config.maxSubscriptions, (session) => [
        this.#startGuard,
        this.#guard(session, { fair: false, scope: "session" }),
      ]),
    );
  }

  #createPerRequest(): Backend {
    const [cold, warm] = [this.#patient, this.#impatient].map((backend) =>
      freshHubs(this.#named(backend, { shared: false }), this.#hub)
    );
    return perRequest(this.#prewarmed(guardOpen(cold!, this.#startGuard), warm!), this.#options.emit);
  }

  #openShared(name: string | undefined): SharedServer {
    const { restart } = this.#config;
    const { spawns } = this.#options.upstream;
    const label = name === undefined ? SHARED : `${SHARED}:${name}`;
    const scope = name === undefined ? "all" : "session";
    const guard = this.#guard(label, { fair: false, scope });
    const restarts = !spawns || restart !== "never";
    const backend = restarts
      // Each of its sessions is held to the limit by itself.
      ? supervise(this.#patient, { ...this.#supervision(Infinity, () => [guard]), shared: true })
      : guardOpen(this.#named(this.#patient, { shared: true }), guard);
    const capabilities = this.#sharedBySessions() ? SESSION_CAPABILITIES : {};
    return new SharedServer(backend, { ...this.#hub, capabilities, label, scope, restarts });
  }

  /** Whether somebody is there whom a shared server could ask something. */
  #sharedBySessions(): boolean {
    const { children, transports, stateful } = this.#config;
    return children !== "auto" &&
      transports.some((transport) => transport !== "streamableHttp" || stateful);
  }

  #named(backend: Backend, { shared }: { shared: boolean }): Backend {
    return withAnswerNames(backend, { shared, emit: this.#options.emit });
  }

  #prewarmed(cold: Backend, warm: Backend): Backend {
    const { prewarm: count, restartDelay: retry } = this.#config;
    const { upstream, emit } = this.#options;
    if (count === 0 || !upstream.spawns) return cold;
    const onAssigned = (label: string, session: string) => this.#holders.rename(label, session);
    const shelf = prewarm(cold, { count, warm, retry, guard: this.#startGuard, onAssigned, emit });
    this.#shelves.push(shelf);
    return shelf;
  }

  /** A remote is tried so often, a child until its guard says that it has failed. */
  #supervision(
    maxSubscriptions: number,
    guards: (session: string) => readonly CrashGuard[],
  ): SuperviseOptions {
    const { retry, restartDelay, restart, prewarm, maxUriChars, maxHandshakeChars } = this.#config;
    const remembers = { maxSubscriptions, maxUriChars, maxHandshakeChars };
    const { startTimeoutMs: replayTimeoutMs, maxBufferedBytes } = this.#config;
    const { upstream, emit } = this.#options;
    const common = { replayTimeoutMs, maxBufferedBytes, remembers, emit, stopping: this.#draining.signal };
    if (!upstream.spawns) return { ...common, retry };
    return {
      ...common,
      delivers: true,
      retry: { attempts: Infinity, ...restartDelay },
      firstAttempts: 0,
      // One that was ready may have been dying.
      handshakeTries: prewarm > 0 ? 2 : 1,
      reopens: (reason) => restart === "always" || !(reason instanceof BackendError && reason.clean),
      guards,
    };
  }

  // --- guards ---

  #guard(session: string, { fair, scope }: { fair: boolean; scope: "all" | "session" }): CrashGuard {
    const { upstream: { backend: { name: server } }, emit } = this.#options;
    const options = {
      ...this.#config.crash,
      fair,
      onFailed: (reason: string) => emit({ type: "server.failed", session, server, scope, reason }),
      onRecovered: () => emit({ type: "server.recovered", session, server, scope }),
    };
    if (scope === "session") return new CrashGuard(options);
    // Who looks at our health may send nobody any more, so it is tried without being asked.
    const { signal } = this.#stopping;
    return probingGuard({ ...options, signal, emit, probe: () => this.#probe(signal) });
  }

  async #probe(signal: AbortSignal): Promise<void> {
    await using _ = await this.#openHub("probe", signal);
  }

  // --- room ---

  #createRoom(): Room {
    const { maxChildren: places, queueTimeoutMs } = this.#config;
    return new Room({
      ...{ places, queueTimeoutMs, what: "server processes" },
      makeRoom: () => this.#makeRoom(),
    });
  }

  /** First what nobody uses yet, then what nobody has used for a while. */
  #makeRoom(): void {
    if (this.#trial?.giveUp()) return;
    if (this.#shelves.some((shelf) => shelf.giveUpOne())) return;
    if (this.#shared.giveUpOne()) return;
    if (this.#options.evictIdle((session) => this.#holders.has(session))) return;
    this.#background(this.#shared.stopIdlest(this.#config.evictAfterMs));
  }

  #background(work: Promise<void>): void {
    background(work, "idle server", this.#options.emit);
  }
}

function hubOptions(config: ResolvedConfig, { version, emit }: PlacementOptions): HubOptions {
  const { protocolVersion, startTimeoutMs: timeoutMs, maxBufferedMessages, maxBufferedBytes } = config;
  const { maxSubscriptions, maxUriChars } = config;
  return {
    ...{ protocolVersion, timeoutMs, maxBufferedMessages, maxBufferedBytes, emit },
    ...{ maxSubscriptions, maxUriChars },
    clientInfo: { name: "keystone", version },
    versions: SUPPORTED_VERSIONS,
  };
}
