/** What a user sees at the start: the URLs, and a client configuration to paste. */
import type { App } from "../app.ts";
import type { ServerInput } from "../config/mod.ts";
import type { LogFormat } from "../observe/log.ts";

interface BannerOptions {
  readonly version: string;
  readonly server: ServerInput;
  /** That of the log: who reads it by a program reads this, too. */
  readonly format: LogFormat;
}

type Shown = Pick<App, "endpoints" | "bound">;

export function banner(app: Shown, options: BannerOptions): string {
  return options.format === "json" ? jsonBanner(app, options) : textBanner(app, options);
}

function jsonBanner({ endpoints, bound }: Shown, { version, server }: BannerOptions): string {
  const event = "gateway.serving";
  const message = `Keystone ${version} serves ${server.label}`;
  return JSON.stringify({
    event,
    message,
    version,
    server: server.label,
    endpoints,
    bound,
    ...configuration(endpoints, server),
  });
}

function textBanner({ endpoints, bound }: Shown, { version, server }: BannerOptions): string {
  const lines = [
    ...endpoints.map(({ label, url }) => [label, url] as const),
    ...bound === undefined ? [] : [["Listens on", bound] as const],
  ];
  const width = Math.max(...lines.map(([label]) => label.length));
  return [
    `Keystone ${version} serves ${server.label}`,
    ...lines.map(([label, value]) => `  ${label.padEnd(width)}  ${value}`),
    "",
    "For the configuration of an MCP client:",
    JSON.stringify(configuration(endpoints, server), undefined, 2),
    "",
  ].join("\n");
}

function configuration([preferred]: App["endpoints"], { name }: ServerInput) {
  return { mcpServers: { [name]: { type: preferred?.type, url: preferred?.url } } };
}
