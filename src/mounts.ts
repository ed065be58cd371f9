/** Where the wires of one server are served: its routes, and the URLs that lead to them. */
import { hasToolScopes, toolCheck } from "./auth/scopes/scopes.ts";
import type { ServerConfig } from "./config/mod.ts";
import { memoryEventStore } from "./core/event_store.ts";
import type { Sink } from "./core/events.ts";
import type { Accounts } from "./core/unread.ts";
import type { Bodies } from "./frontends/bodies.ts";
import { type Endpoint, type FrontendOptions, FRONTENDS, type Route } from "./frontends/mod.ts";
import type { RoutesAt } from "./frontends/frontend.ts";
import type { ClientSettings, Paths } from "./frontends/options.ts";
import type { MetadataUrl } from "./auth/protected_resource.ts";
import { withCallerHeaders } from "./overrides/caller_headers.ts";
import type { ServedServer } from "./served_server.ts";

export type { Endpoint };

/** A server as clients of the network find it; `prefix` is what stands before its paths: that of all, and `/name` among others. */
export interface Mount {
  /** The same sessions are found below each prefix. */
  routes(prefix: string): readonly Route[];
  /** The preferred one first; `base` is what stands before all paths. */
  endpoints(base: string, prefix: string): Endpoint[];
}

interface MountOptions extends ClientSettings {
  readonly bodies: Bodies;
  readonly unread: Accounts;
  /** What clients put before the paths. */
  readonly publicBase: FrontendOptions["publicBase"];
  /** What tells clients where they are granted more. */
  readonly metadataUrl: MetadataUrl;
}

/** Each cell of the matrix meets the same gateway. */
export function mount(server: ServedServer, options: MountOptions): Mount {
  const { gateway: { accept, stopping, refuseFull }, config, emit } = server;
  const { eventStore, eventLimits } = config;
  const frontends = config.transports.flatMap((name) => FRONTENDS.filter((wire) => wire.name === name));
  const pathsBelow = (prefix: string) => below(prefix, config.paths);
  const served = {
    ...{ ...config, ...options },
    ...{ accept, stopping, refuseFull, emit },
    crowded: () => server.crowded,
    permit: permitOf(config, options, emit),
    events: eventStore === "memory" ? memoryEventStore(eventLimits) : undefined,
  };
  const wires = frontends.map((frontend): RoutesAt<Paths> => frontend.serve(served));
  return {
    routes: (prefix) => withCallerHeaders(wires.flatMap((routesAt) => routesAt(pathsBelow(prefix))), config),
    endpoints: (base, prefix) => frontends.map((frontend) => frontend.endpoint(pathsBelow(prefix), base)),
  };
}

/** Undefined where each caller may call each tool. */
function permitOf(
  { requiredScopes, maxUriChars }: ServerConfig,
  { metadataUrl }: MountOptions,
  emit: Sink,
): FrontendOptions["permit"] {
  if (!hasToolScopes(requiredScopes)) return undefined;
  const check = toolCheck(requiredScopes, { maxChars: maxUriChars, emit });
  return (messages, request, caller) => {
    const url = metadataUrl(request, caller);
    for (const { message } of messages) check(message, caller, url);
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
