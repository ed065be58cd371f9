import { ConfigError } from "../core/errors.ts";
import type { Options, Transport } from "./options.ts";

/** Where the report on health is, whatever else is configured; a `--healthEndpoint` may take its place. */
const HEALTH_PATH = "/health";

interface Route {
  flag: string;
  path: string;
}

/**
 * Refuses two flags that name one path, since a path answers every method of one route. The WebSocket path may be any
 * path: an upgrade tells it apart.
 */
export function refuseSharedRoutes(options: Options, transports: readonly Transport[]): void {
  const takenBy = new Map<string, string>();
  for (const { flag, path } of servedRoutes(options, transports)) {
    const earlier = takenBy.get(path);
    if (earlier !== undefined) {
      throw new ConfigError(`${flag} ${JSON.stringify(path)}: taken by ${earlier}; expected another path`);
    }
    takenBy.set(path, flag);
  }
}

function servedRoutes(options: Options, transports: readonly Transport[]): Route[] {
  const { streamableHttpPath, ssePath, messagePath } = options;
  const healthPaths = new Set(options.healthEndpoint);
  const routes: Route[] = [];
  if (!healthPaths.has(HEALTH_PATH)) routes.push({ flag: "the health report", path: HEALTH_PATH });
  if (transports.includes("streamableHttp")) {
    routes.push({ flag: "--streamableHttpPath", path: streamableHttpPath });
  }
  if (transports.includes("sse")) {
    routes.push({ flag: "--ssePath", path: ssePath }, { flag: "--messagePath", path: messagePath });
  }
  for (const path of healthPaths) routes.push({ flag: "--healthEndpoint", path });
  return routes;
}
