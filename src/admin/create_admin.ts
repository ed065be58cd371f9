/** The routes of the admin endpoint, the guard in front of them, and the record of each call. */
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { Caller } from "../core/caller.ts";
import { ConfigError, GatewayError, RequestError, TooLargeError } from "../core/errors.ts";
import type { Sink } from "../core/events.ts";
import type { AdminContext, AdminEnv, AdminRoutes } from "./admin_env.ts";
import { configRoutes } from "./config_routes.ts";
import { EventFeed } from "./event_feed.ts";
import { guard, type GuardOptions } from "./guard.ts";
import type { AdminTarget } from "./target.ts";

/** An override with some large headers has room; nothing here is larger. */
const MAX_BODY_BYTES = 256 * 1024;

interface AdminOptions extends GuardOptions {
  readonly emit: Sink;
  /** What else is served, by the path that it stands under. */
  readonly mounts?: Readonly<Record<string, AdminRoutes>>;
}

export interface Admin {
  request(request: Request, caller: Caller): Promise<Response>;
  /** Ends what is still being told. */
  close(): void;
}

/** The whole endpoint, which tests call without a socket. */
export function createAdmin(target: AdminTarget, options: AdminOptions): Admin {
  const { emit, mounts = {} } = options;
  const feed = new EventFeed(target, emit);
  const app = new Hono<AdminEnv>();
  app.use(recorded(emit), guard(options), bodyLimit({ maxSize: MAX_BODY_BYTES, onError: refuseBody }));
  app.route("/", routesOf(target, feed)).route("/config", configRoutes(target));
  for (const [path, routes] of Object.entries(mounts)) app.route(path, routes);
  app.notFound(({ req }) =>
    answer(new RequestError(`There is no ${req.method} ${req.path}`, { status: 404 }))
  );
  app.onError((error) => answer(translated(error, emit)));
  return {
    request: async (request, caller) => await app.fetch(request, { caller }),
    close: () => feed.close(),
  };
}

function routesOf(target: AdminTarget, feed: EventFeed): AdminRoutes {
  return new Hono<AdminEnv>()
    .get("/status", (context) => context.json(target.status()))
    .get("/events", ({ req, env }) => {
      // Its stream would have no reader.
      if (req.method === "HEAD") throw new RequestError("HEAD has no events: use GET", { status: 405 });
      return feed.open(env.caller);
    })
    .post("/reload", async (context) => {
      if (!target.reload) throw cannotReload();
      const outcome = await target.reload();
      context.set("changed", `configuration: ${JSON.stringify(outcome)}`);
      return context.json(outcome, outcome.kind === "applied" ? 200 : 422);
    })
    .post("/stop", (context) => {
      context.set("changed", "the gateway stops");
      target.stop("POST /stop of the admin endpoint");
      return context.json({ stopping: true }, 202);
    });
}

/** Every call becomes an event. Of those with a wrong token that come in masses none does. */
function recorded(emit: Sink) {
  return async (context: AdminContext, next: () => Promise<void>): Promise<void> => {
    await next();
    const { req: { method, path }, res: { status }, error } = context;
    if (status === 429) return;
    const changed = context.get("changed");
    const reason = error instanceof GatewayError ? error.logged : undefined;
    emit({
      ...{ type: "admin.called", method, path, status },
      ...changed !== undefined && { changed },
      ...reason !== undefined && { reason },
    });
  };
}

function cannotReload(): RequestError {
  return new RequestError(
    'This gateway has no configuration that can be taken anew; "keystone restart" starts it anew',
    { status: 501 },
  );
}

function refuseBody(): never {
  throw new TooLargeError(`The body is larger than ${MAX_BODY_BYTES} bytes`);
}

/** What is no GatewayError is a fault of ours, and has no details. */
function translated(error: unknown, emit: Sink): GatewayError {
  if (error instanceof ConfigError) return new RequestError(error.message, { cause: error });
  if (error instanceof GatewayError) return error;
  emit({ type: "fault", where: "admin", error });
  return new GatewayError("Internal error");
}

function answer({ message: error, status, headers }: GatewayError): Response {
  return Response.json({ error }, { status, headers });
}
