/** Where the wires of one server are served: its routes, and the URLs that lead to them. */
import { memoryEventStore } from "./core/event_store.ts";
import type { Accounts } from "./core/unread.ts";
import type { Bodies } from "./frontends/bodies.ts";
import { type Endpoint, FRONTENDS, type Route } from "./frontends/mod.ts";
import type { SseFrontendOptions } from "./frontends/sse.ts";
import type { ClientSettings, Paths } from "./frontends/options.ts";
import { withCallerHeaders } from "./overrides/caller_headers.ts";
import type { ServedServer } from "./served_server.ts";

export type { Endpoint };

/** A server as clients of the network find it. */
export interface Mount {
  readonly routes: readonly Route[];
  /** The preferred one first; `base` is what stands before all paths. */
  endpoints(base: string): Endpoint[];
}

interface MountOptions extends ClientSettings {
  /** What stands before the paths of this server alone: empty, or `/name`. */
  readonly prefix: string;
  readonly bodies: Bodies;
  readonly unread: Accounts;
  /** What clients put before the paths. */
  readonly publicBase: SseFrontendOptions["publicBase"];
}

/** Each cell of the matrix meets the same gateway. */
export function mount(server: ServedServer, { prefix, ...options }: MountOptions): Mount {
  const { gateway: { accept, stopping, refuseFull }, config, emit } = server;
  const { eventStore, eventLimits } = config;
  const frontends = config.transports.flatMap((name) => FRONTENDS.filter((wire) => wire.name === name));
  const paths = below(prefix, config.paths);
  const served = {
    ...{ ...config, ...options, ...paths },
    ...{ accept, stopping, refuseFull, emit },
    crowded: () => server.crowded,
    events: eventStore === "memory" ? memoryEventStore(eventLimits) : undefined,
  };
  return {
    routes: withCallerHeaders(
      frontends.flatMap((frontend): readonly Route[] => frontend.routes(served)),
      config,
    ),
    endpoints: (base) => frontends.map((frontend) => frontend.endpoint(paths, base)),
  };
}

function below(prefix: string, paths: Paths): Paths {
  const { streamableHttpPath, ssePath, messagePath, wsPath } = paths;
  return {
    streamableHttpPath: prefix + streamableHttpPath,
    ssePath: prefix + ssePath,
    messagePath: prefix + messagePath,
    wsPath: prefix + wsPath,
  };
}
