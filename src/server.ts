/** The HTTP server: routes, the policies in front of them, the listening socket and its orderly end. */
import { Hono, type MiddlewareHandler } from "hono";
import type { Caller } from "./core/caller.ts";
import { ConfigError, GatewayError, RequestError, toResponse } from "./core/errors.ts";
import type { Sink } from "./core/events.ts";
import { within } from "./core/waiting.ts";
import type { Service } from "./listener/connection.ts";
import { Listener } from "./listener/listener.ts";
import type { ConnectionLimits } from "./listener/places.ts";
import type { Upgrade } from "./wire/upgrade.ts";
import { isUpgrade } from "./frontends/websocket.ts";

/** Answers are complete by then and small, so whoever reads has them in a moment. */
const LAST_ANSWERS_MS = 1_000;

/** Answers a request, or throws GatewayError. */
export type Handler = (request: Request, caller: Caller) => Response | Promise<Response>;
/** Takes the handshake of a WebSocket, or throws GatewayError. */
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
    const reason = error instanceof Error ? error.message : String(error);
    if (!(error instanceof GatewayError)) emit({ type: "fault", where: "http", error });
    emit({ type: "http.refused", method, route: pathOf(request), status: response.status, reason });
    return response;
  };
  const app = new Hono<{ Bindings: Caller }>({ strict: false });
  if (cors) app.use(cors);
  for (const [path, handler] of routes.http) app.all(path, ({ req, env }) => handler(req.raw, env));
  app.notFound((context) => refused(context.req.raw, new RequestError("Not found", { status: 404 })));
  app.onError((error, context) => refused(context.req.raw, error));
  const upgrades = new Map([...routes.upgrades].map(([path, handler]) => [withoutSlash(path), handler]));
  const upgradeOf = (request: Request) =>
    isUpgrade(request) ? upgrades.get(withoutSlash(pathOf(request))) : undefined;
  return {
    request(request, caller) {
      try {
        guard(request);
        if (upgradeOf(request)) throw tooLate(caller);
        return app.fetch(request, caller);
      } catch (error) {
        return refused(request, error);
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
      return begin().catch((error) => refused(request, error));
    },
  };
}

/**
 * The runtime has the connection by then, and would take frames of any size. A client that keeps connections in a pool
 * takes another one when one of them has ended under a request that may be repeated (RFC 9110, section 9.2.2).
 */
function tooLate(caller: Caller): GatewayError {
  caller.drop("the handshake of a WebSocket came after other requests");
  return new RequestError("Bad Request: a WebSocket needs a connection of its own");
}

/** The Host header is part of a request's URL, and a malformed one makes it one that no parser takes. */
function pathOf({ url }: Request): string {
  return URL.parse(url)?.pathname ?? url;
}

/** As Hono has it for the other routes: a slash at the end changes nothing. */
function withoutSlash(path: string): string {
  return path.replace(/(?<=.)\/$/, "");
}

export interface ListenOptions extends ConnectionLimits {
  readonly host: string;
  readonly port: number;
  /** PEM texts: HTTPS with HTTP/2 by ALPN. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  readonly maxHeaderBytes: number;
  readonly emit: Sink;
}

/** Throws ConfigError when the address cannot be bound or certificate and key do not fit. */
export function listen(service: Service, { host, port, ...options }: ListenOptions): Listener {
  try {
    return new Listener({ hostname: host.replace(/^\[(.*)\]$/, "$1"), port, service, ...options });
  } catch (cause) {
    throw new ConfigError(listenFault(cause, host, port), { cause });
  }
}

/** Lets the last answers arrive, but waits for no client that has ceased to read or to send. */
export async function close(listener: Listener): Promise<void> {
  await within(LAST_ANSWERS_MS, listener.shutdown());
  listener.kill();
}

function listenFault(cause: unknown, host: string, port: number): string {
  if (cause instanceof Deno.errors.AddrInUse) return `--port "${port}": the port is in use on ${host}`;
  if (cause instanceof Deno.errors.PermissionDenied) return `--port "${port}": not allowed to use it`;
  const reason = cause instanceof Error ? cause.message : String(cause);
  if (cause instanceof Deno.errors.AddrNotAvailable || /lookup address/.test(reason)) {
    return `--host "${host}": this machine has no such address`;
  }
  if (/KeyMismatch/.test(reason)) return "--tlsKey: the key does not belong to the certificate of --tlsCert";
  if (/certificate/i.test(reason)) return "--tlsCert: the file has no certificate in PEM form";
  if (/key/i.test(reason)) return "--tlsKey: the file has no private key in PEM form";
  return `Cannot listen on ${host} port ${port}: ${reason}`;
}
