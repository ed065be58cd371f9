/** What is served, as OAuth sees it: each path of a server is a resource, whose metadata stand where RFC 9728 says. */
import { canonical, METADATA_PATH, metadataAnswer } from "./auth/protected_resource.ts";
import type { ProtectedResource, ProtectedResources } from "./auth/protected_resource.ts";
import { allScopes, serverScopes } from "./auth/scopes/scopes.ts";
import type { ProcessConfig, ServerConfig } from "./config/mod.ts";
import type { Caller } from "./core/caller.ts";
import type { Sink } from "./core/events.ts";
import type { Route } from "./frontends/mod.ts";
import { getOnly } from "./health_report.ts";
import { lastPart, routeOf, withoutSlash } from "./wire/request_path.ts";

/** A server on its paths. */
export interface Placed extends Pick<ServerConfig, "requiredScopes"> {
  readonly paths: readonly string[];
  /** As events name it. */
  readonly emit: Sink;
}

interface ResourcesOptions {
  /** Where several have one path, the first one has it. */
  readonly placed: readonly Placed[];
  readonly clients: Pick<ProcessConfig["clients"], "baseUrl" | "basePath">;
  /** Whose tokens are accepted and for whom they are; undefined where none are. */
  readonly jwt: ProcessConfig["jwt"] | undefined;
  /** What clients put before all paths. */
  readonly baseOf: (request: Request, caller: Caller) => string;
}

/** Undefined where it is the same for all who is let in, and nothing is to be told of it. */
export function protectedResources(options: ResourcesOptions): ProtectedResources | undefined {
  const { placed, jwt } = options;
  if (!jwt && placed.every(({ requiredScopes }) => serverScopes(requiredScopes).length === 0)) {
    return undefined;
  }
  const byPath = new Map(placed.toReversed().flatMap((one) => resourcesOf(one, options)));
  const whole = wholeOf([...byPath.values()]);
  return {
    at: (request) => byPath.get(pathIn(byPath, request)) ?? whole,
    metadataUrl: (request, caller) =>
      jwt &&
      options.baseOf(request, caller) + metadataPath(pathIn(byPath, request), options.clients.basePath),
  };
}

function resourcesOf(
  { paths, requiredScopes, emit }: Placed,
  { clients: { baseUrl } }: ResourcesOptions,
): [string, ProtectedResource][] {
  const base = /^https?:/i.test(baseUrl) ? baseUrl : undefined;
  const urls = base === undefined ? [] : [base, ...paths.map((path) => base + path)];
  const resource = { audiences: new Set(urls.map(canonical)), scopes: serverScopes(requiredScopes), emit };
  return paths.map((path) => [withoutSlash(path), resource]);
}

/** What is no server's, as the office for tickets: a token for one of several would otherwise be of use for all. */
function wholeOf(resources: readonly ProtectedResource[]): ProtectedResource {
  const each = resources.map(({ audiences }) => audiences);
  const common = each.reduce((some, others) => some.intersection(others), each[0] ?? new Set<string>());
  return { audiences: common, scopes: [], emit: () => {} };
}

/** Empty for what is no server's. One level below are sessions that clients have named. */
function pathIn(byPath: ReadonlyMap<string, unknown>, request: Request): string {
  const route = routeOf(request);
  if (byPath.has(route)) return route;
  const [parent] = lastPart(route);
  return byPath.has(parent) ? parent : "";
}

/** Below what stands before all paths, since nothing else comes through a proxy in front. */
function metadataPath(path: string, basePath: string): string {
  return basePath + METADATA_PATH + (path.startsWith(basePath) ? path.slice(basePath.length) : path);
}

/** Anybody may ask for them: where a token is to be had is asked for without one. */
export function metadataRoutes(options: ResourcesOptions): Route[] {
  const { placed, jwt, clients, baseOf } = options;
  const { issuer } = jwt ?? {};
  if (!jwt || issuer === undefined) return [];
  const named = jwt.audiences.find((audience) => /^https?:/i.test(audience));
  const route = (path: string, scopes: readonly string[]) => ({
    places: placesOf(path, clients),
    http: getOnly((request, caller) =>
      metadataAnswer({ resource: named ?? baseOf(request, caller) + path, issuer, scopes })
    ),
  });
  const all = allScopes(placed.flatMap(({ requiredScopes }) => requiredScopes));
  const each = placed.flatMap(({ paths, requiredScopes }) =>
    paths.map((path) => route(withoutSlash(path), allScopes(requiredScopes)))
  );
  return [...each, route("", all)].flatMap(({ places, http }) =>
    places.map((path) => ({ path, http, open: "anybody" as const }))
  );
}

/** RFC 9728, section 3.1: between the host and the path, as clients know it, and as a proxy passes it on. */
function placesOf(path: string, { baseUrl, basePath }: ResourcesOptions["clients"]): string[] {
  const before = withoutSlash(URL.parse(baseUrl)?.pathname ?? baseUrl).replace(/^\/$/, "");
  return [...new Set([METADATA_PATH + path, METADATA_PATH + before + path, metadataPath(path, basePath)])];
}
