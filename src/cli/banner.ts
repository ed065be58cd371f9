/** What a user sees at the start: the URLs, and a client configuration to paste. */
import type { App } from "../app.ts";
import type { ServerInput } from "../config/mod.ts";

export interface BannerOptions {
  readonly version: string;
  readonly server: ServerInput;
}

export function banner({ endpoints, bound }: App, { version, server }: BannerOptions): string {
  const lines = [
    ...endpoints.map(({ label, url }) => [label, url] as const),
    ...bound === undefined ? [] : [["Listens on", bound] as const],
  ];
  const width = Math.max(...lines.map(([label]) => label.length));
  const [preferred] = endpoints;
  const entry = { type: preferred?.type, url: preferred?.url };
  return [
    `Keystone ${version} serves ${server.label}`,
    ...lines.map(([label, value]) => `  ${label.padEnd(width)}  ${value}`),
    "",
    "For the configuration of an MCP client:",
    JSON.stringify({ mcpServers: { [server.name]: entry } }, undefined, 2),
    "",
  ].join("\n");
}
