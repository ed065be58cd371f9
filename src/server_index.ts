/** What `/` tells where several servers are served: which there are, and where; for a person or a program. */
import { html } from "hono/html";
import type { Caller } from "./core/caller.ts";
import type { Handler } from "./frontends/frontend.ts";
import type { Endpoint } from "./frontends/mod.ts";
import { getOnly } from "./health_report.ts";

/** A server in the list. */
export interface Listed {
  readonly name: string;
  readonly description?: string | undefined;
  /** The preferred one first. */
  readonly endpoints: readonly Endpoint[];
}

export function serverIndex(listed: (request: Request, caller: Caller) => readonly Listed[]): Handler {
  return getOnly((request, caller) => {
    const servers = listed(request, caller);
    return wantsPage(request.headers) ? pageOf(servers) : Response.json(documentOf(servers));
  });
}

/** A browser names HTML; a program that names nothing gets JSON. */
function wantsPage(headers: Headers): boolean {
  return /\btext\/html\b/i.test(headers.get("accept") ?? "");
}

function documentOf(listed: readonly Listed[]) {
  const entries = listed.map(({ name, ...rest }) => [name, rest] as const);
  return { service: "keystone", servers: Object.fromEntries(entries) };
}

/** Nothing but text: no script and nothing from elsewhere may run in it. */
const HEADERS = {
  "Content-Type": "text/html; charset=utf-8",
  "Content-Security-Policy":
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
};

function pageOf(listed: readonly Listed[]): Response {
  const page = html`
    <!DOCTYPE html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width">
        <title>Keystone</title>
      </head>
      <body>
    <h1>MCP servers</h1>
    ${listed.map(sectionOf)}
      </body>
    </html>
  `;
  return new Response(String(page), { headers: HEADERS });
}

function sectionOf({ name, description, endpoints }: Listed) {
  const rows = endpoints.map(({ label, url }) =>
    html`
      <dt>${label}</dt>
      <dd><code>${url}</code></dd>
    `
  );
  return html`<h2>${name}</h2>${
    description === undefined ? "" : html`<p>${description}</p>`
  }<dl>${rows}</dl>`;
}
