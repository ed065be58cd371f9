import { ConfigError } from "../core/errors.ts";
import type { Options, Transport } from "./options.ts";

/** Where the report on health is, whatever else is configured; a `--healthEndpoint` may take its place. */
const HEALTH_PATH = "/health";

interface Route {
  flag: string;
  path: string;
  methods: readonly string[];
}

/**
 * Refuses two flags that give one path to the same method. The WebSocket path may be any path, since an upgrade tells
 * it apart.
 */
export function refuseSharedRoutes(options: Options, transports: readonly Transport[]): void {
  const routes = servedRoutes(options, transports);
  routes.forEach((route, index) => {
    const earlier = routes.slice(0, index).find((other) => overlap(route, other));
    if (earlier !== undefined) throw new ConfigError(explain(route, earlier));
  });
}

function servedRoutes(options: Options, transports: readonly Transport[]): Route[] {
  const healthPaths = new Set(options.healthEndpoint);
  const routes: Route[] = [];
  if (!healthPaths.has(HEALTH_PATH)) {
    routes.push({ flag: "the health report", path: HEALTH_PATH, methods: ["GET"] });
  }
  if (transports.includes("streamableHttp")) {
    const path = options.streamableHttpPath;
    routes.push({ flag: "--streamableHttpPath", path, methods: ["GET", "POST", "DELETE"] });
  }
  if (transports.includes("sse")) {
    routes.push({ flag: "--ssePath", path: options.ssePath, methods: ["GET"] });
    routes.push({ flag: "--messagePath", path: options.messagePath, methods: ["POST"] });
  }
  for (const path of healthPaths) routes.push({ flag: "--healthEndpoint", path, methods: ["GET"] });
  return routes;
}

function overlap(one: Route, other: Route): boolean {
  return one.path === other.path && one.methods.some((method) => other.methods.includes(method));
}

function explain(route: Route, earlier: Route): string {
  const shared = route.methods.find((method) => earlier.methods.includes(method));
  const path = JSON.stringify(route.path);
  return `${route.flag} ${path}: taken by ${earlier.flag}, which answers ${shared} there; expected another path`;
}
