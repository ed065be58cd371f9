/** One MCP server as the gateway serves it: what it is, who answers whom, its sessions and its health. */
import { hasToolScopes } from "./auth/scopes/scopes.ts";
import { toolScopes } from "./auth/scopes/tool_scopes.ts";
import { childMode, commandTextOf, fetchedFirst, fileTextsOf, type ServerConfig } from "./config/mod.ts";
import { ConfigError, type GatewayError } from "./core/errors.ts";
import { background, bus, type Sink } from "./core/events.ts";
import { LiveSessions } from "./core/live_sessions.ts";
import type { MessagePolicy } from "./core/policy.ts";
import type { OpenCall } from "./core/session/open_request.ts";
import { sameSettings } from "./base/same_settings.ts";
import { escaped } from "./base/outside.ts";
import { safeText } from "./base/telling.ts";
import { Gateway, type StopOptions, stoppingError } from "./gateway.ts";
import type { OpenCallReport } from "./health_report.ts";
import { type Children, children } from "./observe/children.ts";
import { health } from "./observe/health.ts";
import type { LogSettings } from "./observe/options.ts";
import { Trial, type TrialReport } from "./observe/trial.ts";
import { Overrides } from "./overrides/overrides.ts";
import { Runtime } from "./overrides/runtime.ts";
import { Placement } from "./placement/mod.ts";
import { hiddenNames, isFiltered } from "./policies/hidden_names.ts";
import { type AuthNews, authNews } from "./policies/auth_news.ts";
import { nameFilter } from "./policies/name_filter.ts";
import { toolArguments } from "./policies/recording.ts";
import { trace } from "./policies/trace.ts";
import { createUpstream, unusableUpstream, type Upstream } from "./upstream.ts";
import { optionName } from "./base/option_name.ts";

interface ServedServerOptions {
  readonly version: string;
  readonly log: LogSettings;
  /** Who else hears of what happens to this server and its clients. */
  readonly sinks: readonly Sink[];
  /** Where there are others; by default it is not named in events. */
  readonly name?: string | undefined;
  /** Whether it is served, as one that has failed, where it cannot be had: it is not to hide others. False by default. */
  readonly tolerant?: boolean;
  /** How callers prove who they are; undefined where nobody has to, or can. */
  readonly auth?: AuthNews | undefined;
  /** Why nothing new may begin for the moment, or undefined. */
  readonly refusal?: (() => GatewayError | undefined) | undefined;
  /** Hears what tools are called with. */
  readonly recordArguments?: Sink | undefined;
}

export class ServedServer {
  readonly config: ServerConfig;
  readonly health = health();
  readonly gateway: Gateway;
  /** What may be done to it while it is served. */
  readonly runtime: Runtime;
  readonly #sessions: LiveSessions;
  readonly #children = children();
  readonly #sinks: Sink[];
  readonly emit: Sink;
  /** What it is called in events: nothing where it is alone. */
  nameInEvents: string | undefined;
  readonly #upstream: Upstream;
  /** What stood in the files that its configuration names. */
  readonly #fileTexts: string;
  #usable = true;
  readonly #placement: Placement;

  /** Throws ConfigError for what can be known to be wrong before the server is started or called, unless it is tolerant. */
  constructor(config: ServerConfig, options: ServedServerOptions) {
    const { version, log, sinks, name, tolerant = false } = options;
    this.config = config;
    this.#fileTexts = fileTextsOf(config);
    const overrides = new Overrides();
    this.#sinks = [this.health.sink, this.#children.hear, ...sinks];
    this.nameInEvents = name;
    const emit = this.emit = this.#named(bus(this.#sinks));
    const upstream = this.#upstream = overridden(this.#upstreamOf(config, tolerant), overrides);
    const sessions = this.#sessions = new LiveSessions(config);
    const placement = this.#placement = new Placement(config, {
      upstream,
      version,
      sessions,
      ahead: overrides,
      emit,
    });
    const parts = { placement, sessions, emit, overrides };
    this.gateway = createGateway({ ...config, ...log }, { ...parts, options });
    this.runtime = createRuntime(config, { ...parts, children: this.#children });
  }

  /** Whether another configuration, and the files that it names, would come to the same server. */
  isServedAs(config: ServerConfig): boolean {
    return sameSettings(this.config, config) && fileTextsOf(config) === this.#fileTexts;
  }

  /** False where it is known that it cannot be had. */
  get usable(): boolean {
    return this.#usable;
  }

  /** Whether somebody waits for a child's place. */
  get crowded(): boolean {
    return this.#placement.crowded;
  }

  /** Since when, by `performance.now()`, nobody has been connected; undefined while somebody is. */
  get idleSince(): number | undefined {
    return this.#sessions.idleSince;
  }

  /** Every call that waits for its answer, oldest first: what may be shown to who runs the gateway. */
  openCalls(): OpenCallReport[] {
    return this.#sessions.openCalls().map((call) => reportOf(call, this.#children));
  }

  /** Starts what is wanted ahead, before anybody comes. */
  start(): void {
    this.#placement.start();
  }

  /** Settles when the server was tried, with why it cannot be started if that is so; never where nothing is tried. */
  async tryOut(): Promise<TrialReport | undefined> {
    const { server, exitOnFailure } = this.config;
    // Whoever started us is told first where we serve.
    await new Promise((resolve) => setTimeout(resolve));
    const attempt = this.#placement.tryOut();
    if (!attempt || server.kind === "remote") {
      if (exitOnFailure && server.kind === "command") this.emit({ type: "warning", text: noTrialWarning() });
      return await new Promise(() => {});
    }
    const trial = new Trial(attempt.label, {
      server: commandTextOf(server),
      fetches: fetchedFirst(server),
      emit: this.emit,
    });
    this.#sinks.push(trial.hear);
    try {
      return await trial.verdict(attempt.done);
    } finally {
      // Most events come later, and are none of its business.
      this.#sinks.splice(this.#sinks.indexOf(trial.hear), 1);
    }
  }

  /** Orderly: refuses new work, lets open requests finish, stops all children. */
  async stop(options: StopOptions): Promise<void> {
    this.#placement.drain(stoppingError(options.alone));
    await this.gateway.stop(options);
    await this.#placement[Symbol.asyncDispose]();
  }

  #named(emit: Sink): Sink {
    return (event) => {
      const backend = this.nameInEvents;
      emit(backend === undefined ? event : { ...event, backend });
    };
  }

  #upstreamOf(config: ServerConfig, tolerant: boolean): Upstream {
    try {
      return createUpstream(config, this.emit);
    } catch (error) {
      if (!tolerant || !(error instanceof ConfigError)) throw error;
      this.#usable = false;
      const { label: server } = config.server;
      this.emit({ type: "server.failed", session: "start", server, scope: "all", reason: error.message });
      return unusableUpstream(config);
    }
  }

  /** One that was never started, and will not be. */
  discard(): void {
    const freed = Promise.all([this.gateway[Symbol.asyncDispose](), this.#placement[Symbol.asyncDispose]()]);
    background(freed, "server that was not started", this.emit);
  }

  /** At once: every child and its group gets SIGKILL. */
  kill(): void {
    this.#upstream.kill();
  }
}

function noTrialWarning(): string {
  return `${
    optionName("exitOnFailure")
  } has no effect here: the server is started for the client on stdin alone`;
}

function overridden(upstream: Upstream, overrides: Overrides): Upstream {
  return { ...upstream, backend: overrides.around(upstream.backend), kill: () => upstream.kill() };
}

interface GatewayParts {
  readonly placement: Placement;
  readonly sessions: LiveSessions;
  readonly overrides: Overrides;
  readonly emit: Sink;
}

interface RuntimeParts extends GatewayParts {
  readonly children: Children;
}

function createRuntime(
  config: ServerConfig,
  { placement, sessions, overrides, children, emit }: RuntimeParts,
): Runtime {
  const { server } = config;
  return new Runtime({
    name: server.name,
    server: server.label,
    kind: server.kind,
    // A socket has them but once, in its handshake.
    liveHeaders: server.kind === "remote" && server.wire !== "ws",
    serverForEachRequest: childMode(config, "session") === "request",
    serverFor: (peer) => placement.serverFor(peer),
    shared: () => placement.shared(),
    renew: () => placement.renew(),
    ...{ overrides, sessions, emit },
    pidOf: children.runningPidOf,
    restartsOf: children.restartsOf,
  });
}

function createGateway(
  config: ServerConfig & LogSettings,
  { placement, sessions, overrides, emit, options }: GatewayParts & {
    readonly options: Pick<ServedServerOptions, "auth" | "refusal" | "recordArguments">;
  },
): Gateway {
  const { maxSessions, maxSessionsPerPrincipal, queueTimeoutMs, maxOpenRequests, maxIdChars } = config;
  const { requestTimeoutMs, maxRequestMs, callTimeouts, progressHeartbeatMs, slowRequestMs } = config;
  const { auth, refusal, recordArguments } = options;
  return new Gateway({
    serverFor: (peer) => placement.serverFor(peer),
    sessions,
    onSessionEnded: ({ session }) => overrides.forget(session),
    policies: policiesOf(config, { recordArguments, emit }),
    greet: auth && authNews(auth),
    ...{ emit, maxSessions, maxSessionsPerPrincipal, queueTimeoutMs, maxOpenRequests, maxIdChars },
    ...{ requestTimeoutMs, maxRequestMs, callTimeouts, progressHeartbeatMs, slowRequestMs, refusal },
    authenticated: auth !== undefined,
  });
}

interface PolicyParts extends Pick<ServedServerOptions, "recordArguments"> {
  readonly emit: Sink;
}

function policiesOf(
  { logLevel, filter, requiredScopes, maxUriChars }: ServerConfig & LogSettings,
  { recordArguments, emit }: PolicyParts,
): MessagePolicy[] {
  const byTool = hasToolScopes(requiredScopes);
  return [
    ...recordArguments ? [toolArguments(recordArguments)] : [],
    ...logLevel === "debug" ? [trace(emit)] : [],
    ...byTool ? [toolScopes(requiredScopes, { maxChars: maxUriChars, emit })] : [],
    // Also for scopes: that the server reads the very name that was judged.
    ...byTool || isFiltered(filter) ? [nameFilter(hiddenNames(filter, maxUriChars))] : [],
  ];
}

/** A session's id is a secret: with it, anybody could send as its client. Its beginning is shown alone. */
const SESSION_CHARS = 8;
const SHOWN_CHARS = 200;

function reportOf({ session, id, method, tool, ageMs }: OpenCall, { pidOf }: Children): OpenCallReport {
  const shown = (text: string) => escaped(safeText(text, SHOWN_CHARS));
  const pid = pidOf(session);
  return {
    seconds: Math.round(ageMs / 100) / 10,
    session: session.slice(0, SESSION_CHARS),
    method: shown(method),
    ...tool !== undefined && { tool: shown(tool) },
    id: typeof id === "string" ? shown(id) : id,
    ...pid !== undefined && { pid },
  };
}

/** Whether clients of the network can reach it. */
export function isOnNetwork({ transports }: Pick<ServerConfig, "transports">): boolean {
  return transports.some((name) => name !== "stdio");
}
