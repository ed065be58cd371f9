/** The composition root: from a resolved configuration to a running gateway. The only file that knows everything. */
import { readCertificatesOf, readPrivateKeyOf } from "./config/files.ts";
import { commandTextOf, fetchedFirst, type ResolvedConfig } from "./config/mod.ts";
import { GatewayError } from "./core/errors.ts";
import { bus, type Sink } from "./core/events.ts";
import type { OpenCall } from "./core/open_table.ts";
import { escaped } from "./base/outside.ts";
import { told } from "./base/telling.ts";
import { optionName } from "./base/option_name.ts";
import { stdio } from "./frontends/stdio.ts";
import { connectionsFor, tooManyFor } from "./listener/descriptors.ts";
import type { Listener } from "./listener/listener.ts";
import type { ConnectionLimits } from "./listener/places.ts";
import { LiveSessions } from "./core/live_sessions.ts";
import { Gateway } from "./gateway.ts";
import {
  boundAddress,
  createRoutes,
  type Endpoint,
  endpointsOf,
  type MountOptions,
  type OpenCallReport,
} from "./mounts.ts";
import { atRest } from "./observe/at_rest.ts";
import { type Children, children } from "./observe/children.ts";
import { health } from "./observe/health.ts";
import { Trial, type TrialReport } from "./observe/trial.ts";
import { corsHeaders } from "./policies/cors.ts";
import { originGuard } from "./policies/origin.ts";
import { trace } from "./policies/trace.ts";
import { close, httpService, listen, type TlsFiles } from "./server.ts";
import { Placement } from "./placement/mod.ts";
import { createUpstream } from "./upstream.ts";
import { collectGarbage } from "./wire/collect_garbage.ts";

/** Of what may wait unread: enough for those who read at once, and little beside what is counted piece by piece. */
const WHOLE_SHARE = 1 / 8;

export interface AppOptions {
  readonly version: string;
  readonly sinks: readonly Sink[];
}

export type { OpenCallReport, TrialReport };

export interface App {
  /** What clients of the network can use, the preferred one first. */
  readonly endpoints: readonly Endpoint[];
  /** What is bound, where the endpoints do not show it. */
  readonly bound: string | undefined;
  /** Settles when the client on stdin and stdout is done; never without one. */
  readonly finished: Promise<void>;
  /** Settles when the server was tried, with why it cannot be started if that is so; never where nothing is tried. */
  readonly tried: Promise<TrialReport | undefined>;
  /** Rejects when the gateway can do its work no longer. */
  readonly failed: Promise<never>;
  /** Since when, by `performance.now()`, nobody has been connected; undefined while somebody is. */
  readonly idleSince: number | undefined;
  /** Every call that waits for its answer, oldest first: what may be shown to who runs the gateway. */
  openCalls(): OpenCallReport[];
  /** Orderly: refuses new work, lets open requests finish, stops all children. */
  stop(reason: string): Promise<void>;
  /** At once: every child and its group gets SIGKILL. */
  kill(): void;
}

/** Throws ConfigError for what is wrong with the configuration on this machine; nothing is left running then. */
export function startApp(config: ResolvedConfig, options: AppOptions): App {
  const { version, sinks } = options;
  const healthy = health();
  const childOf = children();
  const heard: Sink[] = [healthy.sink, childOf.hear, atRest(collectGarbage), ...sinks];
  const emit = bus(heard);
  const upstream = createUpstream(config, emit);
  const sessions = new LiveSessions(config);
  const placement = new Placement(config, { upstream, version, sessions, emit });
  const gateway = createGateway(config, { placement, sessions, emit });
  const openCalls = () => sessions.openCalls().map((call) => reportOf(call, childOf));
  const server = serveNetwork(config, {
    gateway,
    openCalls,
    crowded: () => placement.crowded,
    emit,
    health: healthy,
    version,
  });
  const endpoints = server ? endpointsOf(config, server.addr.port) : [];
  let timeoutMs = config.shutdownTimeoutMs;
  placement.start();
  emit({ type: "gateway.started", urls: endpoints.map(({ url }) => url) });
  return {
    endpoints,
    bound: server && boundAddress(config, server.addr.port),
    finished: serveStdio(config, gateway).then((complete) => {
      // The time for open requests has passed, and is not granted twice.
      if (!complete) timeoutMs = 0;
    }),
    tried: tryServer(config, { placement, heard, emit }),
    failed: failureOf(server),
    get idleSince() {
      return sessions.idleSince;
    },
    openCalls,
    async stop(reason) {
      placement.drain();
      await gateway.stop({ reason, timeoutMs });
      await placement[Symbol.asyncDispose]();
      if (server) await close(server);
      emit({ type: "gateway.stopped" });
    },
    kill: () => upstream.kill(),
  };
}

interface TryOptions {
  readonly placement: Placement;
  /** Who hears of events. */
  readonly heard: Sink[];
  readonly emit: Sink;
}

async function tryServer(
  { server, exitOnFailure }: ResolvedConfig,
  { placement, heard, emit }: TryOptions,
): Promise<TrialReport | undefined> {
  // Whoever started us is told first where we serve.
  await new Promise((resolve) => setTimeout(resolve));
  const attempt = placement.tryOut();
  if (!attempt || server.kind === "remote") {
    const text = `${optionName("exitOnFailure")} has no effect here: the server is started for the client on stdin alone`;
    if (exitOnFailure && server.kind === "command") emit({ type: "warning", text });
    return await new Promise(() => {});
  }
  const trial = new Trial(attempt.label, {
    server: commandTextOf(server),
    fetches: fetchedFirst(server),
    emit,
  });
  heard.push(trial.hear);
  try {
    return await trial.verdict(attempt.done);
  } finally {
    // Most events come later, and are none of its business.
    heard.splice(heard.indexOf(trial.hear), 1);
  }
}

/** Who knows a session's id may speak for it, so its beginning is shown alone. */
const SESSION_CHARS = 8;
const SHOWN_CHARS = 200;

function reportOf({ session, id, method, tool, ageMs }: OpenCall, { pidOf }: Children): OpenCallReport {
  const shown = (text: string) => escaped(told(text, SHOWN_CHARS));
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

/** Without a way in, a process that lives on would only hide that. */
async function failureOf(server: Listener | undefined): Promise<never> {
  await server?.ended.catch((cause) => {
    throw new GatewayError(`Nobody can connect any more: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  });
  return await new Promise(() => {});
}

interface GatewayParts {
  readonly placement: Placement;
  readonly sessions: LiveSessions;
  readonly emit: Sink;
}

function createGateway(config: ResolvedConfig, { placement, sessions, emit }: GatewayParts): Gateway {
  const { maxSessions, queueTimeoutMs, maxOpenRequests, maxIdChars } = config;
  const { requestTimeoutMs, maxRequestMs, progressHeartbeatMs, slowRequestMs } = config;
  return new Gateway({
    serverFor: (peer) => placement.serverFor(peer),
    sessions,
    policies: config.logLevel === "debug" ? [trace(emit)] : [],
    ...{ emit, maxSessions, queueTimeoutMs, maxOpenRequests, maxIdChars },
    ...{ requestTimeoutMs, maxRequestMs, progressHeartbeatMs, slowRequestMs },
  });
}

/** Nothing listens where clients come by stdio alone. */
function serveNetwork(config: ResolvedConfig, options: MountOptions) {
  const { host, port, maxHeaderBytes, allowedHosts, allowedOrigins, cors, transports } = config;
  const { emit } = options;
  if (transports.every((transport) => transport === "stdio")) return undefined;
  const service = httpService({
    routes: createRoutes(config, options),
    guard: originGuard({
      host,
      allowedHosts: [...allowedHosts, ...ownHost(config.baseUrl)],
      allowedOrigins: [...allowedOrigins, ...(cors === "*" ? ["*"] : cors ?? [])],
    }),
    cors: cors && corsHeaders(cors),
    emit,
  });
  const excess = config.maxConnections && tooManyFor(config.maxConnections, config);
  if (excess) emit({ type: "warning", text: excess });
  const limits = connectionLimits(config);
  return listen(service, { host, port, tls: readTls(config), maxHeaderBytes, ...limits, emit });
}

/** What clients put before the paths leads to us, under whatever port. */
function ownHost(baseUrl: string): string[] {
  const hostname = URL.parse(baseUrl)?.hostname;
  return hostname ? [hostname] : [];
}

function connectionLimits(config: ResolvedConfig): ConnectionLimits {
  const { headerTimeoutMs, idleTimeoutMs, stallTimeoutMs, maxConnections = connectionsFor(config) } = config;
  const { maxConnectionsPerAddress = Math.ceil(maxConnections / 2) } = config;
  return {
    ...{ maxConnections, maxConnectionsPerAddress, headerTimeoutMs, idleTimeoutMs, stallTimeoutMs },
    maxWholeBytes: config.maxUnreadBytes * WHOLE_SHARE,
  };
}

function readTls({ tlsCert: certFile, tlsKey: keyFile }: ResolvedConfig): TlsFiles | undefined {
  if (certFile === undefined || keyFile === undefined) return undefined;
  const [cert, key] = [readCertificatesOf("tlsCert", certFile), readPrivateKeyOf("tlsKey", keyFile)];
  return { cert, key, certFile, keyFile };
}

/** False when requests are still open after the time for them, which counts from the end of stdin. */
async function serveStdio(config: ResolvedConfig, { accept }: Gateway): Promise<boolean> {
  if (!config.transports.includes("stdio")) return await new Promise(() => {});
  const inputEnded = Promise.withResolvers<void>();
  const served = stdio({
    accept,
    input: Deno.stdin.readable,
    output: Deno.stdout.writable,
    maxBodyBytes: config.maxBodyBytes,
    clientLimits: config.clientLimits,
    onInputEnd: inputEnded.resolve,
  });
  await Promise.race([served, inputEnded.promise]);
  const late = Promise.withResolvers<false>();
  const timer = setTimeout(() => late.resolve(false), config.shutdownTimeoutMs);
  const complete = await Promise.race([served.then(() => true), late.promise]);
  clearTimeout(timer);
  return complete;
}
