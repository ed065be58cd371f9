/** What a user sees at the start: the URLs, and a client configuration to paste. */
import type { App } from "../app.ts";
import type { ServerInput } from "../config/mod.ts";

export interface BannerOptions {
  readonly version: string;
  readonly server: ServerInput;
}

export function banner({ endpoints }: App, { version, server }: BannerOptions): string {
  const width = Math.max(...endpoints.map(({ label }) => label.length));
  const urls = endpoints.map(({ label, url }) => `  ${label.padEnd(width)}  ${url}`);
  const [preferred] = endpoints;
  const entry = { type: preferred?.type, url: preferred?.url };
  return [
    `Keystone ${version} serves ${server.label}`,
    ...urls,
    "",
    "For the configuration of an MCP client:",
    JSON.stringify({ mcpServers: { [server.name]: entry } }, undefined, 2),
    "",
  ].join("\n");
}
