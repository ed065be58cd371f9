/** MCP's Streamable HTTP, revisions 2025-03-26 to 2025-11-25, with sessions or without. */
import type { AsyncHandler, Frontend } from "../frontend.ts";
import { type SessionHandler, stateful, type StatefulOptions } from "./stateful.ts";
import { stateless, type StatelessOptions } from "./stateless.ts";

export interface StreamableOptions extends StatefulOptions, StatelessOptions {
  readonly stateful: boolean;
}

interface StreamablePaths {
  readonly streamableHttpPath: string;
}

export interface StreamableFrontendOptions extends StreamableOptions, StreamablePaths {}

export const streamableFrontend = {
  name: "streamableHttp",
  wire: "streamableHttp",
  httpPaths: ["streamableHttpPath"],
  routes(options) {
    const http = streamable(options);
    return [{ path: options.streamableHttpPath, http, ...http.owns && { owns: http.owns } }];
  },
  endpoint: ({ streamableHttpPath }, base) => ({
    label: "Streamable HTTP",
    type: "http",
    url: base + streamableHttpPath,
  }),
} as const satisfies Frontend<StreamableFrontendOptions, StreamablePaths>;

/** Answers every method of the MCP endpoint; refusals are thrown as GatewayError or answered with the request's id. */
export function streamable(options: StreamableOptions): AsyncHandler & Partial<SessionHandler> {
  return options.stateful ? stateful(options) : stateless(options);
}
