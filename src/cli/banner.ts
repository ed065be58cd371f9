/** What a user sees at the start: the URLs, and a client configuration to paste. */
import type { Announced, App } from "../app.ts";
import type { AuthKind } from "../auth/authenticator.ts";
import type { LogFormat } from "../observe/log.ts";

interface BannerOptions {
  readonly version: string;
  /** That of the log: who reads it by a program reads this, too. */
  readonly format: LogFormat;
  /** How callers prove who they are; none where anybody may call. */
  readonly authKinds?: readonly AuthKind[];
}

/**
 * What stands for a secret that whoever copies the configuration has. What is signed is another for each request, and
 * clients get a token of an issuer by themselves.
 */
const YOURS: Readonly<Partial<Record<AuthKind, string>>> = {
  apiKey: "Bearer YOUR_KEY",
  bearer: "Bearer YOUR_TOKEN",
  basic: "Basic YOUR_NAME:PASSWORD_IN_BASE64",
};

type Shown = Pick<App, "announced" | "bound" | "redirects" | "certificate">;

export function banner(app: Shown, options: BannerOptions): string {
  return options.format === "json" ? jsonBanner(app, options) : textBanner(app, options);
}

function jsonBanner(shown: Shown, { version, authKinds = [] }: BannerOptions): string {
  const { announced, bound, redirects, certificate } = shown;
  const event = "gateway.serving";
  const message = titleOf(announced, version);
  return JSON.stringify({
    event,
    message,
    version,
    ...servedIn(announced),
    ...{ bound, redirects, certificate },
    ...authKinds.length > 0 && { auth: authKinds },
    ...configuration(announced, authKinds),
  });
}

/** What one server is, or each of several. */
function servedIn(announced: readonly Announced[]) {
  const [only, ...others] = announced;
  if (only && others.length === 0) return { server: only.label, endpoints: only.endpoints };
  const entries = announced.map(({ name, label, endpoints }) =>
    [name, { server: label, endpoints }] as const
  );
  return { servers: Object.fromEntries(entries) };
}

function textBanner(app: Shown, { version, authKinds = [] }: BannerOptions): string {
  const { announced, bound } = app;
  const shown = announced.length > 1 ? announced.flatMap(sectionOf) : announced.flatMap(linesOf);
  const lines: Line[] = [
    ...shown,
    ...bound === undefined ? [] : [["Listens on", bound] as const],
    ...encryption(app),
    ...authKinds.length === 0 ? [] : [["Lets in by", authKinds.join(", ")] as const],
  ];
  const width = Math.max(...lines.map(([label]) => label.length));
  return [
    titleOf(announced, version),
    ...lines.map(([label, value]) => `  ${label.padEnd(width)}  ${value}`.trimEnd()),
    "",
    "For the configuration of an MCP client:",
    JSON.stringify(configuration(announced, authKinds), undefined, 2),
    "",
  ].join("\n");
}

/** Who is to trust a certificate that nobody vouches for compares it by this. */
function encryption({ certificate, redirects }: Shown): Line[] {
  return [
    ...redirects === undefined ? [] : [["Redirects", redirects] as const],
    ...certificate?.selfSigned ? [["Certificate", `SHA-256 ${certificate.fingerprint}`] as const] : [],
  ];
}

type Line = readonly [label: string, value: string];

function sectionOf(server: Announced): Line[] {
  return [[server.name, server.label], ...linesOf(server).map(([label, url]): Line => [`  ${label}`, url])];
}

function linesOf({ endpoints }: Announced): Line[] {
  return endpoints.map(({ label, url }) => [label, url]);
}

function titleOf(announced: readonly Announced[], version: string): string {
  const [only, ...others] = announced;
  return `Keystone ${version} serves ${
    only && others.length === 0 ? only.label : `${announced.length} servers`
  }`;
}

/** What stands in the `Authorization` of a client in place of its own secret; undefined where none stands there. */
export function proofForClients(authKinds: readonly AuthKind[]): string | undefined {
  return authKinds.flatMap((kind) => YOURS[kind] ?? [])[0];
}

function configuration(announced: readonly Announced[], authKinds: readonly AuthKind[]) {
  const yours = proofForClients(authKinds);
  const headers = yours !== undefined && { headers: { Authorization: yours } };
  const servers = announced.map(({ name, endpoints: [preferred] }) =>
    [name, { type: preferred?.type, url: preferred?.url, ...headers }] as const
  );
  return { mcpServers: Object.fromEntries(servers) };
}
