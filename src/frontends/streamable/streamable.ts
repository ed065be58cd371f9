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

export const streamableFrontend = {
  name: "streamableHttp",
  wire: "streamableHttp",
  httpPaths: ["streamableHttpPath"],
  serve(options) {
    const http = streamable(options);
    const { owns } = http;
    return ({ streamableHttpPath: path }) => [{ path, http, ...owns && { owns } }];
  },
  endpoint: ({ streamableHttpPath }, base) => ({
    label: "Streamable HTTP",
    type: "http",
    url: base + streamableHttpPath,
  }),
} as const satisfies Frontend<StreamableOptions, StreamablePaths>;

/** Answers every method of the MCP endpoint; refusals are thrown as GatewayError or answered with the request's id. */
export function streamable(options: StreamableOptions): AsyncHandler & Partial<SessionHandler> {
  return options.stateful ? stateful(options) : stateless(options);
}
