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

/**
 * Refuses two options that name one path, since a path answers every method of one route. The WebSocket path may be any
 * path: an upgrade tells it apart.
 */
export function sharedRoutes({ values, nameOf }: ParsedOptions, transports: readonly Transport[]): Problem[] {
  const takenBy = new Map<string, string>();
  return servedRoutes(values, transports).flatMap(({ option, path }): Problem[] => {
    const name = option === undefined ? "the health report" : nameOf(option);
    const route = withoutSlash(path);
    const earlier = takenBy.get(route);
    if (earlier === undefined) takenBy.set(route, name);
    if (option === undefined || earlier === undefined) return [];
    const text = `${name} ${JSON.stringify(path)}: taken by ${earlier}; expected another path`;
    return [{ option, text }];
  });
}

function servedRoutes(values: ParsedOptions["values"], transports: readonly Transport[]): Route[] {
  const healthPaths = new Set(values.healthEndpoint);
  const routes: Route[] = [];
  const { basePath } = values;
  if (!healthPaths.has(HEALTH_PATH)) routes.push({ path: HEALTH_PATH });
  for (const { name, httpPaths } of FRONTENDS) {
    if (!transports.includes(name)) continue;
    for (const option of httpPaths) routes.push({ option, path: basePath + values[option] });
  }
  for (const path of healthPaths) routes.push({ option: "healthEndpoint", path });
  return routes;
}
