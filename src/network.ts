/** What clients of the network meet: one socket, the policies in front of it, and the routes behind. */
import { readCertificatesOf, readPrivateKeyOf } from "./config/files.ts";
import type { ProcessConfig, ServerConfig } from "./config/mod.ts";
import type { Sink } from "./core/events.ts";
import type { HttpPolicy } from "./core/http_policy.ts";
import { httpService } from "./http_service.ts";
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
import { corsHeaders, preflights } from "./policies/cors.ts";
import { originGuard } from "./policies/origin.ts";
import { answerRefusals } from "./policies/refusals.ts";
import type { ServedServer } from "./served_server.ts";
import { listen, type TlsFiles } from "./server.ts";

/** Of what may wait unread: enough for those who read at once, and little beside what is counted piece by piece. */
const WHOLE_SHARE = 1 / 8;

export interface NetworkOptions {
  readonly version: string;
  /** Of all servers, oldest first. */
  readonly openCalls: () => readonly OpenCallReport[];
  readonly emit: Sink;
}

export interface Network {
  readonly listener: Listener;
  readonly endpoints: readonly Endpoint[];
  readonly bound: string | undefined;
}

/**
 * Nothing listens where clients come by stdio alone. The routes of one server stand at the root. Throws ConfigError for an
 * address that cannot be bound and for TLS that cannot be offered.
 */
export function serveNetwork(
  process: ProcessConfig,
  servers: readonly ServedServer[],
  options: NetworkOptions,
): Network | undefined {
  const server = servers.find(({ config }) => config.transports.some((transport) => transport !== "stdio"));
  if (!server) return undefined;
  const { host, port, maxHeaderBytes } = process.listen;
  const { version, openCalls, emit } = options;
  const config = mountConfig(process, server.config);
  const service = httpService({
    routes: createRoutes(config, {
      gateway: server.gateway,
      crowded: () => server.crowded,
      health: server.health,
      ...{ openCalls, emit, version },
    }),
    policies: httpPolicies(process, { baseUrl: config.baseUrl, emit }),
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

/** In front of every route and every upgrade, the outermost first. */
function httpPolicies(
  { listen: { host }, origins: { cors, allowedHosts, allowedOrigins } }: ProcessConfig,
  { baseUrl, emit }: { readonly baseUrl: string; readonly emit: Sink },
): HttpPolicy[] {
  const guard = originGuard({
    host,
    allowedHosts: [...allowedHosts, ...ownHost(baseUrl)],
    allowedOrigins: [...allowedOrigins, ...(cors === "*" ? ["*"] : cors ?? [])],
  });
  const refusing = [answerRefusals(emit), guard];
  return cors ? [corsHeaders(cors), ...refusing, preflights(cors)] : refusing;
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
