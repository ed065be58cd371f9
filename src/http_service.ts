/** The front door: every request and every upgrade goes through the same policies to its route. */
import type { Caller } from "./core/caller.ts";
import { RequestError } from "./core/errors.ts";
import { behind, type HttpPolicy } from "./core/http_policy.ts";
import type { Handler, Route, UpgradeHandler } from "./frontends/frontend.ts";
import { isUpgrade, notUpgraded } from "./frontends/websocket.ts";
import type { Service } from "./listener/service.ts";
import type { Upgrade } from "./wire/upgrade.ts";
import { lastPart, routeOf, withoutSlash } from "./wire/request_path.ts";

interface HttpServiceOptions {
  /** Of two that answer the same on one path the first one counts. */
  readonly routes: readonly Route[];
  /** The first one is the outermost. What they and the routes throw, one of them has to make an answer of. */
  readonly policies: readonly HttpPolicy[];
}

/** The whole HTTP face, which tests call without a socket. */
export function httpService({ routes, policies }: HttpServiceOptions): Service {
  const byPath = answersByPath(routes);
  const below = answersBelow(routes);
  const answersTo = (request: Request, caller?: Caller): Answers => {
    const route = routeOf(request);
    const known = byPath.get(route);
    if (known) return known;
    const [parent] = lastPart(route);
    const found = below.get(parent);
    if (found) caller?.foundBelow(parent, found.part);
    return found ?? NOTHING;
  };
  const upgrade = behind<Upgrade>(policies, (request, caller) => {
    const { upgrade } = answersTo(request);
    if (!upgrade) throw notFound();
    return upgrade(request, caller);
  });
  return {
    request: behind<Response>(policies, (request, caller) => {
      const answers = answersTo(request, caller);
      if (answers.upgrade && isUpgrade(request)) throw tooLate(caller);
      return httpOf(answers, request)(request, caller);
    }),
    upgrade(request, caller) {
      if (!answersTo(request).upgrade || !isUpgrade(request)) return undefined;
      return upgrade(request, caller);
    },
  };
}

/** What there is on one path. */
interface Answers {
  readonly http?: Handler;
  readonly upgrade?: UpgradeHandler;
}

const NOTHING: Answers = {};

function answersByPath(routes: readonly Route[]): ReadonlyMap<string, Answers> {
  const byPath = new Map<string, Answers>();
  for (const route of routes) {
    const path = withoutSlash(route.path);
    byPath.set(path, { ...route, ...byPath.get(path) });
  }
  return byPath;
}

interface AnswersBelow {
  readonly http: Handler;
  readonly part: string;
}

function answersBelow(routes: readonly Route[]): ReadonlyMap<string, AnswersBelow> {
  const found = routes.flatMap((route) =>
    "http" in route && route.below
      ? [[withoutSlash(route.path), { http: route.http, part: route.below }] as const]
      : []
  );
  return new Map(found.toReversed());
}

function httpOf({ http, upgrade }: Answers, request: Request): Handler {
  if (http) return http;
  throw upgrade ? notUpgraded(request) : notFound();
}

function notFound(): RequestError {
  return new RequestError("Not found", { status: 404 });
}

/**
 * The runtime has the connection by then, and would take frames of any size. A client that keeps connections in a pool
 * takes another one when one of them has ended under a request that may be repeated (RFC 9110, section 9.2.2).
 */
function tooLate(caller: Caller): RequestError {
  caller.drop("the handshake of a WebSocket came after other requests");
  return new RequestError("Bad Request: a WebSocket needs a connection of its own");
}
