/** Which wire is served where: the routes, and the URLs that lead to them. */
import type { ServerConfig } from "./config/mod.ts";
import { memoryEventStore } from "./core/event_store.ts";
import type { Sink } from "./core/events.ts";
import type { RequestId } from "./core/message/jsonrpc.ts";
import { escaped } from "./base/outside.ts";
import { ReleaseWatch } from "./base/release_watch.ts";
import { safeText, withoutFolders } from "./base/telling.ts";
import type { UnreadSettings } from "./core/options.ts";
import { Unread } from "./core/unread.ts";
import { Bodies } from "./frontends/bodies.ts";
import type { Handler } from "./frontends/frontend.ts";
import type { BodySettings, ClientSettings } from "./frontends/options.ts";
import { methodNotAllowed } from "./frontends/http_checks.ts";
import { type Endpoint, type FrontendOptions, FRONTENDS, type Route } from "./frontends/mod.ts";
import type { Gateway } from "./gateway.ts";
import type { ListenSettings } from "./listener/options.ts";
import { isWildcard, reachableHost } from "./listener/reachable_host.ts";
import type { Health } from "./observe/health.ts";
import { isOfThisMachine } from "./policies/origin.ts";
import { collectGarbage } from "./wire/collect_garbage.ts";

/** How one server is served on the network. */
export type MountConfig = ServerConfig & ListenSettings & ClientSettings & BodySettings & UnreadSettings;

interface MountOptions {
  readonly gateway: Gateway;
  /** Whether somebody waits for a server. */
  readonly crowded: () => boolean;
  readonly health: Health;
  /** Oldest first. */
  readonly openCalls: () => readonly OpenCallReport[];
  readonly emit: Sink;
  readonly version: string;
}

/** An open call as it may be shown to who runs the gateway. */
export interface OpenCallReport {
  readonly seconds: number;
  /** Its beginning. */
  readonly session: string;
  readonly method: string;
  readonly tool?: string;
  readonly id: RequestId;
  /** Of the child that has it. */
  readonly pid?: number;
}

export type { Endpoint };

/** Each cell of the matrix meets the same gateway. */
export function createRoutes(config: MountConfig, options: MountOptions): Route[] {
  const shared = sharedByFrontends(config, options);
  const healthy = config.healthEndpoints.map((path) => ({ path, http: getOnly(() => new Response("ok")) }));
  return [
    ...healthy,
    { path: "/health", http: healthReport(options) },
    ...frontendsOf(config).flatMap((frontend): readonly Route[] => frontend.routes(shared)),
  ];
}

function sharedByFrontends(config: MountConfig, options: MountOptions): FrontendOptions {
  const { gateway, crowded, emit } = options;
  return {
    ...config,
    accept: gateway.accept,
    stopping: gateway.stopping,
    refuseFull: gateway.refuseFull,
    ...{ crowded, emit },
    bodies: new Bodies({ ...config, watch: releaseWatch() }),
    unread: new Unread({ ...config, emit, watch: releaseWatch() }),
    events: config.eventStore === "memory" ? memoryEventStore(config.eventLimits) : undefined,
  };
}

/** Of the wires that are served, in the order of its transports. */
function frontendsOf({ transports }: MountConfig) {
  return transports.flatMap((transport) => FRONTENDS.filter(({ name }) => name === transport));
}

/** What is garbage then would stay until something else wants room. */
function releaseWatch(): ReleaseWatch {
  return new ReleaseWatch(collectGarbage);
}

/** Of open calls in a report; the rest is counted. */
const MAX_REPORTED_CALLS = 100;

function healthReport({ health, openCalls, version }: MountOptions): Handler {
  return getOnly((request, caller) => {
    const { status, reason, stderr } = health.report();
    const timestamp = new Date().toISOString();
    // A child prints what it likes, and whoever may ask for our health may not be meant to read it.
    const isOurs = isOfThisMachine(request, caller);
    const told = {
      reason: reason && reported(reason),
      ...isOurs && { stderr: stderr?.map(reported), ...reportedCalls(openCalls()) },
    };
    const body = { status, service: "keystone", version, timestamp, ...told };
    return new Response(escaped(JSON.stringify(body)), {
      status: status === "ok" ? 200 : 503,
      headers: { "Content-Type": "application/json" },
    });
  });
}

function reportedCalls(calls: readonly OpenCallReport[]) {
  return calls.length > 0 && { openCalls: calls.length, calls: calls.slice(0, MAX_REPORTED_CALLS) };
}

/** Of a line of a child. */
const REPORTED_CHARS = 500;

function reported(line: string): string {
  return withoutFolders(safeText(line, REPORTED_CHARS));
}

function getOnly(handler: Handler): Handler {
  return (request, caller) => {
    if (request.method === "GET" || request.method === "HEAD") return handler(request, caller);
    throw methodNotAllowed(["GET", "HEAD"]);
  };
}

/** Where clients of the network reach the gateway, in the order of its transports. */
export function endpointsOf(config: MountConfig, port: number): Endpoint[] {
  const base = publicBase(config) ?? listeningAt(config, port);
  return frontendsOf(config).map((frontend) => frontend.endpoint(config, base));
}

/** What a proxy in front has clients write; a path alone does not say where the proxy is. */
function publicBase({ baseUrl }: MountConfig): string | undefined {
  return /^https?:/i.test(baseUrl) ? baseUrl : undefined;
}

function listeningAt({ host, tlsCert }: MountConfig, port: number): string {
  return `http${tlsCert === undefined ? "" : "s"}://${reachableHost(host)}:${port}`;
}

/** What is bound, where the URLs do not show it. */
export function boundAddress(config: MountConfig, port: number): string | undefined {
  const { host } = config;
  if (publicBase(config) === undefined && !isWildcard(host)) return undefined;
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
