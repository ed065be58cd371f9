/** The composition root: from a resolved configuration to a running gateway. The only file that knows everything. */
import { shareBackend } from "./adapters/share.ts";
import { type ProcessBackend, processBackend } from "./backends/process.ts";
import { resolveCommand } from "./backends/resolve_command.ts";
import type { ResolvedConfig } from "./config/mod.ts";
import { ConfigError } from "./core/errors.ts";
import { bus, type Sink } from "./core/events.ts";
import { methodNotAllowed, SUPPORTED_VERSIONS } from "./frontends/http_checks.ts";
import { sse } from "./frontends/sse.ts";
import { streamable } from "./frontends/streamable.ts";
import { websocket } from "./frontends/websocket.ts";
import { Gateway } from "./gateway.ts";
import { type Health, health } from "./observe/health.ts";
import { corsHeaders } from "./policies/cors.ts";
import { originGuard } from "./policies/origin.ts";
import { trace } from "./policies/trace.ts";
import { close, type Handler, httpHandler, listen, type Routes } from "./server.ts";

export interface AppOptions {
  readonly version: string;
  readonly sinks: readonly Sink[];
}

export interface Endpoint {
  readonly label: string;
  readonly url: string;
}

export interface App {
  /** What clients can use, the preferred one first. */
  readonly endpoints: readonly Endpoint[];
  /** Orderly: refuses new work, lets open requests finish, stops all children. */
  stop(reason: string): Promise<void>;
  /** At once: every child and its group gets SIGKILL. */
  kill(): void;
}

/** Throws ConfigError for what is wrong with the configuration on this machine; nothing is left running then. */
export function startApp(config: ResolvedConfig, options: AppOptions): App {
  const tls = readTls(config);
  const healthy = health();
  const emit = bus([healthy.sink, ...options.sinks]);
  const backend = createBackend(config, emit);
  const gateway = createGateway(config, { backend, emit, version: options.version });
  const handler = httpHandler({
    routes: createRoutes(config, { gateway, emit, health: healthy, version: options.version }),
    guard: originGuard({
      host: config.host,
      allowedHosts: config.allowedHosts,
      allowedOrigins: [...config.allowedOrigins, ...(config.cors === "*" ? ["*"] : config.cors ?? [])],
    }),
    cors: config.cors && corsHeaders(config.cors),
    emit,
  });
  const server = listen(handler, { host: config.host, port: config.port, tls });
  const endpoints = endpointsOf(config, server.addr.port);
  emit({ type: "gateway.started", urls: endpoints.map(({ url }) => url) });
  return {
    endpoints,
    async stop(reason) {
      await gateway.stop({ reason, timeoutMs: config.shutdownTimeoutMs });
      await gateway[Symbol.asyncDispose]();
      await close(server);
      emit({ type: "gateway.stopped" });
    },
    kill: () => backend.kill(),
  };
}

function readTls({ tlsCert, tlsKey }: ResolvedConfig): { cert: string; key: string } | undefined {
  if (tlsCert === undefined || tlsKey === undefined) return undefined;
  return { cert: readPem("--tlsCert", tlsCert), key: readPem("--tlsKey", tlsKey) };
}

function readPem(flag: string, path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (cause) {
    const why = cause instanceof Deno.errors.NotFound ? "there is no such file" : "the file cannot be read";
    throw new ConfigError(`${flag} ${JSON.stringify(path)}: ${why}`, { cause });
  }
}

function createBackend(config: ResolvedConfig, emit: Sink): ProcessBackend {
  const { command, cwd, env } = config;
  if (cwd !== undefined) requireFolder(cwd);
  return processBackend({
    name: command.label,
    program: command.shell ? command.program : findProgram(config),
    args: command.args,
    shell: command.shell,
    env,
    cwd,
    maxMessageBytes: config.maxMessageBytes,
    stopTimeoutMs: config.stopTimeoutMs,
    emit,
  });
}

function findProgram({ command, cwd, env }: ResolvedConfig): string {
  try {
    return resolveCommand(command.program, { cwd, path: env.PATH, pathExt: env.PATHEXT });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(`${command.flag}: ${error.message}`, { cause: error });
  }
}

function requireFolder(path: string): void {
  const fault = `--cwd ${JSON.stringify(path)}: there is no such folder`;
  try {
    if (Deno.statSync(path).isDirectory) return;
  } catch (cause) {
    throw new ConfigError(fault, { cause });
  }
  throw new ConfigError(fault);
}

interface Parts {
  readonly emit: Sink;
  readonly version: string;
}

function createGateway(config: ResolvedConfig, parts: Parts & { backend: ProcessBackend }): Gateway {
  const { backend, emit, version } = parts;
  return new Gateway({
    backend,
    shared: shareBackend(backend, {
      protocolVersion: config.protocolVersion,
      clientInfo: { name: "keystone", version },
      timeoutMs: config.startTimeoutMs,
      versions: SUPPORTED_VERSIONS,
      maxBufferedMessages: config.maxBufferedMessages,
      maxBufferedBytes: config.maxBufferedBytes,
      emit,
    }),
    policies: config.logLevel === "debug" ? [trace(emit)] : [],
    emit,
    maxSessions: config.maxSessions,
    maxOpenRequests: config.maxOpenRequests,
    requestTimeoutMs: config.requestTimeoutMs,
  });
}

/** Which wire is served where; each cell of the matrix meets the same gateway. */
function createRoutes(
  config: ResolvedConfig,
  parts: Parts & { gateway: Gateway; health: Health },
): Routes {
  const { gateway, emit } = parts;
  const common = { ...config, accept: gateway.accept, refuseNew: gateway.refuseNew, emit };
  const http = new Map<string, Handler>();
  const upgrades = new Map<string, Handler>();
  http.set("/health", healthReport(parts));
  for (const path of config.healthEndpoints) http.set(path, getOnly(() => new Response("ok")));
  if (config.transports.includes("streamableHttp")) http.set(config.streamableHttpPath, streamable(common));
  if (config.transports.includes("sse")) {
    const { connect, message } = sse({ ...common, endpoint: config.baseUrl + config.messagePath });
    http.set(config.ssePath, connect);
    http.set(config.messagePath, message);
  }
  if (config.transports.includes("ws")) {
    const upgrade = websocket(common);
    for (const path of [config.wsPath, config.messagePath]) {
      upgrades.set(path, upgrade);
      if (!http.has(path)) http.set(path, upgrade);
    }
  }
  return { http, upgrades };
}

function healthReport({ health, version }: Parts & { health: Health }): Handler {
  return getOnly(() => {
    const status = health.status();
    const body = { status, service: "keystone", version, timestamp: new Date().toISOString() };
    return Response.json(body, { status: status === "ok" ? 200 : 503 });
  });
}

function getOnly(handler: Handler): Handler {
  return (request) => {
    if (request.method === "GET" || request.method === "HEAD") return handler(request);
    throw methodNotAllowed(["GET", "HEAD"]);
  };
}

function endpointsOf(config: ResolvedConfig, port: number): Endpoint[] {
  const secure = config.tlsCert === undefined ? "" : "s";
  // A wildcard address is for binding; a client on this machine reaches it by name.
  const host = config.host === "0.0.0.0" || config.host === "::" || config.host === "[::]"
    ? "localhost"
    : config.host;
  const authority = `${host.includes(":") && !host.startsWith("[") ? `[${host}]` : host}:${port}`;
  const all = {
    streamableHttp: {
      label: "Streamable HTTP",
      url: `http${secure}://${authority}${config.streamableHttpPath}`,
    },
    sse: { label: "SSE", url: `http${secure}://${authority}${config.ssePath}` },
    ws: { label: "WebSocket", url: `ws${secure}://${authority}${config.wsPath}` },
  };
  return config.transports.map((transport) => all[transport]);
}
