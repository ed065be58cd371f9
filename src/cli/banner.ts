/** What a user sees at the start: the URLs, and a client configuration to paste. */
import type { App, Endpoint } from "../app.ts";

export interface BannerOptions {
  readonly version: string;
  /** The server's command, shortened. */
  readonly server: string;
}

export function banner({ endpoints }: App, { version, server }: BannerOptions): string {
  const width = Math.max(...endpoints.map(({ label }) => label.length));
  const urls = endpoints.map(({ label, url }) => `  ${label.padEnd(width)}  ${url}`);
  return [
    `Keystone ${version} serves ${server}`,
    ...urls,
    "",
    "For the configuration of an MCP client:",
    clientConfig(endpoints, nameOf(server)),
    "",
  ].join("\n");
}

function clientConfig([preferred]: readonly Endpoint[], name: string): string {
  const type = { "Streamable HTTP": "http", SSE: "sse", WebSocket: "ws" }[preferred?.label ?? ""];
  return JSON.stringify({ mcpServers: { [name]: { type, url: preferred?.url } } }, undefined, 2);
}

/** "npx -y @scope/server-files@1.2 /tmp" is "server-files": the first word that is neither launcher nor flag. */
function nameOf(server: string): string {
  const launchers = /^(npx|bunx|uvx|uv|node|deno|bun|python3?|pipx|run|docker|sh|exec|tool|dlx|pnpm|yarn)$/;
  const words = server.split(/\s+/).map((word) => word.replace(/.*\//, ""));
  const word = words.find((word) =>
    !launchers.test(word) && /^[\w.@:-]+$/.test(word) && !word.startsWith("-")
  );
  return word?.replace(/^npm:/, "").replace(/@.*$/, "").replace(/\.\w+$/, "") || "keystone";
}
