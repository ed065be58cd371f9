/** The HTTP server: routes, the policies in front of them, the listening socket and its orderly end. */
import { Hono, type MiddlewareHandler } from "hono";
import { ConfigError, GatewayError, RequestError, toResponse } from "./core/errors.ts";
import type { Sink } from "./core/events.ts";
import { within } from "./core/waiting.ts";
import { isUpgrade } from "./frontends/websocket.ts";

/** Answers are complete by then and small, so whoever reads has them in a moment. */
const LAST_ANSWERS_MS = 1_000;

/** Answers a request, or throws GatewayError. */
export type Handler = (request: Request) => Response | Promise<Response>;

export interface Routes {
  /** By path; a path may be named once. */
  readonly http: ReadonlyMap<string, Handler>;
  /** WebSocket upgrades by path; such a path may be an HTTP route as well. */
  readonly upgrades: ReadonlyMap<string, Handler>;
}

export interface ServerOptions {
  readonly routes: Routes;
  /** Runs first, on every route. Throws RequestError 403. */
  readonly guard: (request: Request) => void;
  readonly cors?: MiddlewareHandler | undefined;
  readonly emit: Sink;
}

/** The whole HTTP face as one function, which tests call without a socket. */
export function httpHandler({ routes, guard, cors, emit }: ServerOptions): Handler {
  const refused = (request: Request, error: unknown): Response => {
    const response = toResponse(error);
    const { method } = request;
    const reason = error instanceof Error ? error.message : String(error);
    if (!(error instanceof GatewayError)) emit({ type: "fault", where: "http", error });
    emit({ type: "http.refused", method, route: pathOf(request), status: response.status, reason });
    return response;
  };
  const orRefused = async (handler: Handler, request: Request): Promise<Response> => {
    try {
      return await handler(request);
    } catch (error) {
      return refused(request, error);
    }
  };
  const app = new Hono({ strict: false });
  if (cors) app.use(cors);
  for (const [path, handler] of routes.http) app.all(path, (context) => handler(context.req.raw));
  app.notFound((context) => refused(context.req.raw, new RequestError("Not found", { status: 404 })));
  app.onError((error, context) => refused(context.req.raw, error));
  const upgrades = new Map([...routes.upgrades].map(([path, handler]) => [withoutSlash(path), handler]));
  return (request) => {
    try {
      guard(request);
      // Outside of Hono: middleware that copies a response would break the upgrade.
      const upgrade = isUpgrade(request) && upgrades.get(withoutSlash(pathOf(request)));
      return upgrade ? orRefused(upgrade, request) : app.fetch(request);
    } catch (error) {
      return refused(request, error);
    }
  };
}

/** The Host header is part of a request's URL, and a malformed one makes it one that no parser takes. */
function pathOf({ url }: Request): string {
  return URL.parse(url)?.pathname ?? url;
}

/** As Hono has it for the other routes: a slash at the end changes nothing. */
function withoutSlash(path: string): string {
  return path.replace(/(?<=.)\/$/, "");
}

export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  /** PEM texts: HTTPS with HTTP/2 by ALPN. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
}

/** Throws ConfigError when the address cannot be bound or certificate and key do not fit. */
export function listen(handler: Handler, { host, port, tls }: ListenOptions): Deno.HttpServer<Deno.NetAddr> {
  try {
    return Deno.serve({
      hostname: host.replace(/^\[(.*)\]$/, "$1"),
      port,
      ...tls,
      // Says nothing: the banner is ours.
      onListen: () => {},
      // Of a body that was broken off, too: whoever did that has told of it.
      onError: (error) => toResponse(error),
    }, handler);
  } catch (cause) {
    throw new ConfigError(listenFault(cause, host, port), { cause });
  }
}

/** Lets the last answers arrive, but waits for no client that has ceased to read or to send. */
export async function close(server: Deno.HttpServer): Promise<void> {
  await within(LAST_ANSWERS_MS, server.shutdown());
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
