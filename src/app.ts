/** The composition root: from a configuration to a running gateway. The only file that knows everything. */
import { readCertificatesOf, readPrivateKeyOf } from "./config/files.ts";
import type { Config, ProcessConfig, ServerConfig } from "./config/mod.ts";
import { GatewayError } from "./core/errors.ts";
import { bus, type Sink } from "./core/events.ts";
import { stdio } from "./frontends/stdio.ts";
import { connectionsFor, tooManyFor } from "./listener/descriptors.ts";
import type { Listener } from "./listener/listener.ts";
import type { ListenSettings } from "./listener/options.ts";
import type { ConnectionLimits } from "./listener/places.ts";
import {
  boundAddress,
  createRoutes,
  type Endpoint,
  endpointsOf,
  type MountConfig,
  type OpenCallReport,
} from "./mounts.ts";
import { atRest } from "./observe/at_rest.ts";
import type { TrialReport } from "./observe/trial.ts";
import { corsHeaders } from "./policies/cors.ts";
import { originGuard } from "./policies/origin.ts";
import { ServedServer } from "./served_server.ts";
import { close, httpService, listen, type TlsFiles } from "./server.ts";
import { collectGarbage } from "./wire/collect_garbage.ts";

/** Of what may wait unread: enough for those who read at once, and little beside what is counted piece by piece. */
const WHOLE_SHARE = 1 / 8;

export interface AppOptions {
  readonly version: string;
  readonly sinks: readonly Sink[];
}

export type { OpenCallReport, TrialReport };

/** Why a server cannot be started, and whether the gateway is to end for that. */
export interface Unstartable {
  readonly report: TrialReport;
  readonly ends: boolean;
}

export interface App {
  /** What clients of the network can use, the preferred one first. */
  readonly endpoints: readonly Endpoint[];
  /** What is bound, where the endpoints do not show it. */
  readonly bound: string | undefined;
  /** Settles when the client on stdin and stdout is done; never without one. */
  readonly finished: Promise<void>;
  /** Settles with the first server that was tried and cannot be started; never while there is none. */
  readonly unstartable: Promise<Unstartable>;
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
export function startApp({ process, servers: configs }: Config, { version, sinks }: AppOptions): App {
  const heard = [atRest(collectGarbage), ...sinks];
  const options = { version, log: process.log, sinks: heard };
  const servers = new Map([...configs].map(([name, config]) => [name, new ServedServer(config, options)]));
  const all = [...servers.values()];
  const emit = bus([...all.map(({ health }) => health.sink), ...heard]);
  const network = serveNetwork(process, all, { version, emit });
  let timeoutMs = process.lifetime.shutdownTimeoutMs;
  for (const server of all) server.start();
  const { endpoints = [] } = network ?? {};
  emit({ type: "gateway.started", urls: endpoints.map(({ url }) => url) });
  return {
    endpoints,
    bound: network?.bound,
    finished: serveStdio(all, timeoutMs).then((complete) => {
      // The time for open requests has passed, and is not granted twice.
      if (!complete) timeoutMs = 0;
    }),
    unstartable: Promise.race(all.map(tryOut)),
    failed: failureOf(network?.listener),
    get idleSince() {
      return latest(all.map(({ idleSince }) => idleSince));
    },
    openCalls: () => openCallsOf(all),
    async stop(reason) {
      await Promise.all(all.map((server) => server.stop({ reason, timeoutMs })));
      if (network) await close(network.listener);
      emit({ type: "gateway.stopped" });
    },
    kill() {
      for (const server of all) server.kill();
    },
  };
}

async function tryOut(server: ServedServer): Promise<Unstartable> {
  const report = await server.tryOut();
  return report ? { report, ends: server.config.exitOnFailure } : await new Promise(() => {});
}

/** Undefined while one of them is undefined. */
function latest(times: readonly (number | undefined)[]): number | undefined {
  return times.includes(undefined) ? undefined : Math.max(...times.map(Number));
}

function openCallsOf(servers: readonly ServedServer[]): OpenCallReport[] {
  return servers.flatMap((server) => server.openCalls()).sort((one, other) => other.seconds - one.seconds);
}

/** Without a way in, a process that lives on would only hide that. */
async function failureOf(listener: Listener | undefined): Promise<never> {
  await listener?.ended.catch((cause) => {
    throw new GatewayError(`Nobody can connect any more: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  });
  return await new Promise(() => {});
}

interface NetworkOptions {
  readonly version: string;
  readonly emit: Sink;
}

interface Network {
  readonly listener: Listener;
  readonly endpoints: readonly Endpoint[];
  readonly bound: string | undefined;
}

/** Nothing listens where clients come by stdio alone. */
function serveNetwork(
  process: ProcessConfig,
  servers: readonly ServedServer[],
  options: NetworkOptions,
): Network | undefined {
  const server = servers.find(({ config }) => config.transports.some((transport) => transport !== "stdio"));
  if (!server) return undefined;
  const { listen: { host, port, maxHeaderBytes }, origins: { cors, allowedHosts, allowedOrigins } } = process;
  const { version, emit } = options;
  const config = mountConfig(process, server.config);
  const service = httpService({
    routes: createRoutes(config, {
      gateway: server.gateway,
      openCalls: () => openCallsOf(servers),
      crowded: () => server.crowded,
      health: server.health,
      ...{ emit, version },
    }),
    guard: originGuard({
      host,
      allowedHosts: [...allowedHosts, ...ownHost(config.baseUrl)],
      allowedOrigins: [...allowedOrigins, ...(cors === "*" ? ["*"] : cors ?? [])],
    }),
    cors: cors && corsHeaders(cors),
    emit,
  });
  const limits = connectionLimits(process, servers, emit);
  const tls = readTls(process.listen);
  const listener = listen(service, { host, port, tls, maxHeaderBytes, ...limits, emit });
  const { port: bound } = listener.addr;
  return { listener, endpoints: endpointsOf(config, bound), bound: boundAddress(config, bound) };
}

function mountConfig({ listen, clients, bodies, unread }: ProcessConfig, server: ServerConfig): MountConfig {
  return { ...server, ...listen, ...clients, ...bodies, ...unread };
}

/** What clients put before the paths leads to us, under whatever port. */
function ownHost(baseUrl: string): string[] {
  const hostname = URL.parse(baseUrl)?.hostname;
  return hostname ? [hostname] : [];
}

function connectionLimits(
  { listen, unread }: ProcessConfig,
  servers: readonly ServedServer[],
  emit: Sink,
): ConnectionLimits {
  const maxChildren = servers.reduce((sum, { config }) => sum + config.maxChildren, 0);
  const excess = listen.maxConnections && tooManyFor(listen.maxConnections, { maxChildren });
  if (excess) emit({ type: "warning", text: excess });
  const { headerTimeoutMs, idleTimeoutMs, maxConnections = connectionsFor({ maxChildren }) } = listen;
  const { maxConnectionsPerAddress = Math.ceil(maxConnections / 2) } = listen;
  const { stallTimeoutMs, maxUnreadBytes } = unread;
  return {
    ...{ maxConnections, maxConnectionsPerAddress, headerTimeoutMs, idleTimeoutMs, stallTimeoutMs },
    maxWholeBytes: maxUnreadBytes * WHOLE_SHARE,
  };
}

function readTls({ tlsCert: certFile, tlsKey: keyFile }: ListenSettings): TlsFiles | undefined {
  if (certFile === undefined || keyFile === undefined) return undefined;
  const [cert, key] = [readCertificatesOf("tlsCert", certFile), readPrivateKeyOf("tlsKey", keyFile)];
  return { cert, key, certFile, keyFile };
}

/** False when requests are still open after the time for them, which counts from the end of stdin. */
async function serveStdio(servers: readonly ServedServer[], shutdownTimeoutMs: number): Promise<boolean> {
  const server = servers.find(({ config }) => config.transports.includes("stdio"));
  if (!server) return await new Promise(() => {});
  const { gateway: { accept }, config: { maxBodyBytes, clientLimits } } = server;
  const inputEnded = Promise.withResolvers<void>();
  const served = stdio({
    ...{ accept, maxBodyBytes, clientLimits },
    input: Deno.stdin.readable,
    output: Deno.stdout.writable,
    onInputEnd: inputEnded.resolve,
  });
  await Promise.race([served, inputEnded.promise]);
  const late = Promise.withResolvers<false>();
  const timer = setTimeout(() => late.resolve(false), shutdownTimeoutMs);
  const complete = await Promise.race([served.then(() => true), late.promise]);
  clearTimeout(timer);
  return complete;
}
