import { FRONTENDS } from "../frontends/mod.ts";
import type { Transport } from "../frontends/options.ts";
import { withoutSlash } from "../wire/request_path.ts";
import type { OptionKey } from "./options.ts";
import type { ParsedOptions, Problem } from "./problem.ts";

/** Where the report on health is, whatever else is configured; a `healthEndpoint` may take its place. */
const HEALTH_PATH = "/health";

interface Route {
  /** That names the path; undefined for the health report. */
  option?: OptionKey;
  path: string;
}

/** Which wires of a server are served, and what stands in front of their paths. */
interface Mounted {
  readonly transports: readonly Transport[];
  readonly prefix: string;
}

/**
 * Refuses two options that name one path, since a path answers every method of one route. The WebSocket path may be any
 * path: an upgrade tells it apart.
 */
export function sharedRoutes(parsed: ParsedOptions, { transports, prefix }: Mounted): Problem[] {
  const { nameOf } = parsed;
  const takenBy = new Map<string, string>();
  return servedRoutes(parsed, { transports, prefix }).flatMap(({ option, path }): Problem[] => {
    const name = option === undefined ? "the health report" : nameOf(option);
    const route = withoutSlash(path);
    const earlier = takenBy.get(route);
    if (earlier === undefined) takenBy.set(route, name);
    if (option === undefined || earlier === undefined) return [];
    const text = `${name} ${JSON.stringify(path)}: taken by ${earlier}; expected another path`;
    return [{ option, text }];
  });
}

function servedRoutes({ values }: ParsedOptions, { transports, prefix }: Mounted): Route[] {
  const healthPaths = new Set(values.healthEndpoint);
  const routes: Route[] = [];
  for (const path of new Set([HEALTH_PATH, prefix + HEALTH_PATH])) {
    if (!healthPaths.has(path)) routes.push({ path });
  }
  for (const { name, httpPaths } of FRONTENDS) {
    if (!transports.includes(name)) continue;
    for (const option of httpPaths) routes.push({ option, path: prefix + values[option] });
  }
  for (const path of healthPaths) routes.push({ option: "healthEndpoint", path });
  return routes;
}
