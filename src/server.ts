/** The HTTP server: routes, the policies in front of them, the listening socket and its orderly end. */
import { Hono, type MiddlewareHandler } from "hono";
import type { Caller } from "./core/caller.ts";
import { ConfigError, GatewayError, RequestError, toResponse } from "./core/errors.ts";
import type { Sink } from "./core/events.ts";
import { remembered } from "./base/remembered.ts";
import { within } from "./base/waiting.ts";
import { optionName } from "./base/option_name.ts";
import type { Service } from "./listener/connection.ts";
import { Listener } from "./listener/listener.ts";
import type { ConnectionLimits } from "./listener/places.ts";
import { isUpgrade } from "./frontends/websocket.ts";
import type { Upgrade } from "./wire/upgrade.ts";

/** Answers are complete by then and small, so whoever reads has them in a moment. */
const LAST_ANSWERS_MS = 1_000;

/** Answers a request, or throws GatewayError. */
export type Handler = (request: Request, caller: Caller) => Response | Promise<Response>;
/** Lets a connection become one of another protocol, or throws GatewayError. */
export type UpgradeHandler = (request: Request, caller: Caller) => Promise<Upgrade>;

export interface Routes {
  /** By path; a path may be named once. */
  readonly http: ReadonlyMap<string, Handler>;
  /** WebSocket upgrades by path; such a path may be an HTTP route as well. */
  readonly upgrades: ReadonlyMap<string, UpgradeHandler>;
}

export interface ServerOptions {
  readonly routes: Routes;
  /** Runs first, on every route. Throws RequestError 403. */
  readonly guard: (request: Request) => void;
  readonly cors?: MiddlewareHandler | undefined;
  readonly emit: Sink;
}

/** The whole HTTP face, which tests call without a socket. */
export function httpService({ routes, guard, cors, emit }: ServerOptions): Service {
  const refused = (request: Request, error: unknown): Response => {
    const response = toResponse(error);
    const { method } = request;
    const reason = reasonOf(error);
    if (!(error instanceof GatewayError)) emit({ type: "fault", where: "http", error });
    emit({ type: "http.refused", method, route: pathOf(request.url), status: response.status, reason });
    return response;
  };
  const orRefused = async (handler: Handler, request: Request, caller: Caller): Promise<Response> => {
    try {
      return await handler(request, caller);
    } catch (error) {
      return refused(request, error);
    }
  };
  const [http, upgrades] = [byPath(routes.http), byPath(routes.upgrades)];
  const upgradeOf = (request: Request) => {
    const handler = upgrades.get(routeOf(request));
    return handler && isUpgrade(request) ? handler : undefined;
  };
  const routed: Handler = (request, caller) =>
    orRefused(http.get(routeOf(request)) ?? notFound, request, caller);
  const answer = cors ? withCors(cors, routed) : routed;
  const turnedAway = cors ? readable(cors, refused) : refused;
  return {
    request(request, caller) {
      try {
        guard(request);
        if (upgradeOf(request)) throw tooLate(caller);
        return answer(request, caller);
      } catch (error) {
        return turnedAway(request, error);
      }
    },
    upgrade(request, caller) {
      const handler = upgradeOf(request);
      if (!handler) return undefined;
      // An async function, so that what `guard` throws is a rejection too.
      const begin = async () => {
        guard(request);
        return await handler(request, caller);
      };
      return begin().catch((error) => turnedAway(request, error));
    },
  };
}

function reasonOf(error: unknown): string {
  if (error instanceof GatewayError) return error.logged;
  return error instanceof Error ? error.message : String(error);
}

/**
 * The runtime has the connection by then, and would take frames of any size. A client that keeps connections in a pool
 * takes another one when one of them has ended under a request that may be repeated (RFC 9110, section 9.2.2).
 */
function tooLate(caller: Caller): GatewayError {
  caller.drop("the handshake of a WebSocket came after other requests");
  return new RequestError("Bad Request: a WebSocket needs a connection of its own");
}

function notFound(): never {
  throw new RequestError("Not found", { status: 404 });
}

function withCors(cors: MiddlewareHandler, handler: Handler): Handler {
  const app = new Hono<{ Bindings: Caller }>();
  app.use(cors);
  app.all("*", ({ req, env }) => handler(req.raw, env));
  return (request, caller) => app.fetch(request, caller);
}

type Refusal = (request: Request, error: unknown) => Response | Promise<Response>;

/** A page that may read our answers reads a refusal as well, also one that came before its route: as that of a GET. */
function readable(cors: MiddlewareHandler, refused: Refusal): Refusal {
  const app = new Hono<{ Bindings: { response: Response } }>();
  app.use(cors);
  app.get("*", ({ env }) => env.response);
  return async (request, error) => {
    const response = await refused(request, error);
    const origin = request.headers.get("origin");
    if (origin === null) return response;
    return app.fetch(new Request("http://localhost/", { headers: { Origin: origin } }), { response });
  };
}

function byPath<T>(routes: ReadonlyMap<string, T>): ReadonlyMap<string, T> {
  return new Map([...routes].map(([path, handler]) => [withoutSlash(path), handler]));
}

/** Few URLs come again and again. */
const routeFor = remembered((url) => withoutSlash(pathOf(url)));

function routeOf({ url }: Request): string {
  return routeFor(url);
}

/**
 * The path as it was sent, which is what a proxy in front has held against its rules: no escape is resolved, no dot and
 * no second slash removed. The runtime leaves the request's target in the URL as it came.
 */
function pathOf(url: string): string {
  const authority = url.indexOf("://") + 3;
  const start = url.slice(authority).search(/[/?]/) + authority;
  const end = url.indexOf("?", start);
  return url[start] === "/" ? url.slice(start, end < 0 ? url.length : end) : "/";
}

/** A slash at the end changes nothing. */
function withoutSlash(path: string): string {
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
}

/** PEM texts, and the paths that they came from. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  readonly certFile: string;
  readonly keyFile: string;
}

export interface ListenOptions extends ConnectionLimits {
  readonly host: string;
  readonly port: number;
  /** HTTPS with HTTP/2 by ALPN. */
  readonly tls?: TlsFiles | undefined;
  readonly maxHeaderBytes: number;
  readonly emit: Sink;
}

/** Throws ConfigError when the address cannot be bound or certificate and key do not fit. */
export function listen(service: Service, { host, port, ...options }: ListenOptions): Listener {
  try {
    return new Listener({ hostname: host.replace(/^\[(.*)\]$/, "$1"), port, service, ...options });
  } catch (cause) {
    throw new ConfigError(listenFault(cause, { host, port, tls: options.tls }), { cause });
  }
}

/** Lets the last answers arrive, but waits for no client that has ceased to read or to send. */
export async function close(listener: Listener): Promise<void> {
  await within(LAST_ANSWERS_MS, listener.shutdown());
  listener.kill();
}

interface Listened {
  readonly host: string;
  readonly port: number;
  readonly tls?: Pick<TlsFiles, "certFile" | "keyFile"> | undefined;
}

/** Why an address cannot be bound, or TLS not be offered, and what to do. */
export function listenFault(cause: unknown, { host, port, tls }: Listened): string {
  const portName = optionName("port");
  if (cause instanceof Deno.errors.AddrInUse) {
    return `${portName} "${port}": the port is in use on ${host}; take another one, or ${portName} 0 for a free one`;
  }
  if (cause instanceof Deno.errors.PermissionDenied) return `${portName} "${port}": ${forbiddenPort(port)}`;
  const reason = cause instanceof Error ? cause.message : String(cause);
  if (cause instanceof Deno.errors.AddrNotAvailable || /lookup address/.test(reason)) {
    return `${optionName("host")} "${host}": this machine has no such address`;
  }
  const cert = `${optionName("tlsCert")} ${JSON.stringify(tls?.certFile)}`;
  const key = `${optionName("tlsKey")} ${JSON.stringify(tls?.keyFile)}`;
  if (/KeyMismatch/.test(reason)) {
    return `${key}: the key does not belong to the certificate of ${cert}`;
  }
  if (tls && /certificate/i.test(reason)) return `${cert}: holds a broken certificate`;
  if (tls && /key/i.test(reason)) {
    return `${key}: holds a broken private key, or of a kind that is not known`;
  }
  return `Cannot listen on ${host} port ${port}: ${reason}`;
}

function forbiddenPort(port: number): string {
  return port < 1024
    ? "not allowed to use it, since ports below 1024 want the rights of an administrator; " +
      `take a higher one, such as ${optionName("port")} 8000, and have a proxy or a port mapping lead there`
    : `not allowed to use it; take another one, or ${optionName("port")} 0 for a free one`;
}
