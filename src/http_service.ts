/** The front door: every request and every upgrade goes through the same policies to its route. */
import type { Caller, Openness } from "./core/caller.ts";
import { RequestError } from "./core/errors.ts";
import { behind, type HttpPolicy } from "./core/http_policy.ts";
import type { Below, Handler, Route, UpgradeHandler } from "./frontends/frontend.ts";
import { isUpgrade, notUpgraded } from "./frontends/websocket.ts";
import type { Service } from "./listener/service.ts";
import type { Upgrade } from "./wire/upgrade.ts";
import { lastPart, routeOf, withoutSlash } from "./wire/request_path.ts";

interface HttpServiceOptions {
  readonly routes: readonly Route[];
  /** The first one is the outermost. What they and the routes throw, one of them has to make an answer of. */
  readonly policies: readonly HttpPolicy[];
}

/** The whole HTTP face, which tests call without a socket. */
export function httpService({ routes, policies }: HttpServiceOptions): Service {
  const byPath = answersByPath(routes);
  const answersTo = (request: Request): Answers => {
    const route = routeOf(request);
    const known = byPath.get(route);
    if (known) return known;
    const above = byPath.get(lastPart(route)[0]);
    return above?.below && above.http ? { http: above.http } : NOTHING;
  };
  const answer = behind<Response>(policies, (request, caller) => {
    const answers = answersTo(request);
    if (answers.upgrade && isUpgrade(request)) throw tooLate(caller);
    return httpOf(answers, request)(request, caller);
  });
  const upgrade = behind<Upgrade>(policies, (request, caller) => {
    const { upgrade } = answersTo(request);
    if (!upgrade) throw notFound();
    return upgrade(request, caller);
  });
  return {
    request(request, caller) {
      // Before any policy refuses it, and tells so in the log.
      nameRoute(byPath, request, caller);
      const { openness } = answersTo(request);
      if (openness) caller.foundOpen(openness);
      return answer(request, caller);
    },
    upgrade(request, caller) {
      if (!answersTo(request).upgrade || !isUpgrade(request)) return undefined;
      return upgrade(request, caller);
    },
  };
}

/** What there is on one path. */
interface Answers {
  readonly http?: Handler;
  /** Of `http`: an upgrade is never open. */
  readonly openness?: Openness | undefined;
  readonly upgrade?: UpgradeHandler;
  /** That `http` answers one level below as well. */
  readonly below?: Below;
}

const NOTHING: Answers = {};

type ByPath = ReadonlyMap<string, Answers>;

function nameRoute(byPath: ByPath, request: Request, caller: Caller): void {
  const route = routeOf(request);
  if (byPath.has(route)) return;
  const [parent] = lastPart(route);
  const { below } = byPath.get(parent) ?? NOTHING;
  if (below) caller.foundBelow(parent, below);
}

function answersByPath(routes: readonly Route[]): ByPath {
  const byPath = new Map<string, Answers>();
  for (const route of routes) {
    const path = withoutSlash(route.path);
    byPath.set(path, both(byPath.get(path), route));
  }
  return byPath;
}

/** Of two that answer alike the first one counts, but for who names a session of the other one. */
function both(first: Answers | undefined, route: Route): Answers {
  if ("upgrade" in route) return { upgrade: route.upgrade, ...first };
  const { http, owns, below, open } = route;
  const before = first?.http;
  if (!before) return { ...first, http, openness: open, ...below && { below } };
  if (!owns) return first;
  // Whoever names a session has to be its owner.
  return {
    ...first,
    openness: undefined,
    http: (request, caller) => (owns(request, caller) ? http : before)(request, caller),
  };
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
