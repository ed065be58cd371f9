/** How programs that speak MCP write down a server: each in a file of its own, and in words of its own. */

/** A server that is started, or one that is called. */
export type Entry =
  | { readonly kind: "command"; readonly words: readonly string[]; readonly env?: Variables }
  | {
    readonly kind: "url";
    readonly wire: "http" | "sse";
    readonly url: string;
    readonly headers?: Readonly<Record<string, string>>;
  };

type Variables = Readonly<Record<string, string>>;

interface ClientForm {
  /** As its users call it. */
  readonly title: string;
  /** Where the text belongs. */
  readonly place: (os: typeof Deno.build.os) => string;
  /** What its servers stand below. */
  readonly key: "mcpServers" | "servers";
  /** Whether it says of each server what kind that is. */
  readonly typed: boolean;
  /** Whether it calls a server on the network by itself. */
  readonly callsUrls: boolean;
}

/** As their documentation has it: code.claude.com/docs/en/mcp, modelcontextprotocol.io/docs/develop/connect-local-servers, code.visualstudio.com/docs/copilot/reference/mcp-configuration, cursor.com/docs/context/mcp. */
export const CLIENTS = {
  "claude-desktop": {
    title: "Claude Desktop",
    place: (os) =>
      os === "windows"
        ? "%APPDATA%\\Claude\\claude_desktop_config.json"
        : os === "darwin"
        ? "~/Library/Application Support/Claude/claude_desktop_config.json"
        : "~/.config/Claude/claude_desktop_config.json",
    key: "mcpServers",
    typed: false,
    callsUrls: false,
  },
  "claude-code": {
    title: "Claude Code",
    place: () => ".mcp.json in the project",
    key: "mcpServers",
    typed: true,
    callsUrls: true,
  },
  "vscode": {
    title: "VS Code",
    place: () => ".vscode/mcp.json in the workspace",
    key: "servers",
    typed: true,
    callsUrls: true,
  },
  "cursor": {
    title: "Cursor",
    place: () => ".cursor/mcp.json in the project, or ~/.cursor/mcp.json",
    key: "mcpServers",
    typed: false,
    callsUrls: true,
  },
} satisfies Readonly<Record<string, ClientForm>>;

export type ClientName = keyof typeof CLIENTS;

export function isClientName(name: string): name is ClientName {
  return Object.hasOwn(CLIENTS, name);
}

/** The text that stands in its file, of servers by name. */
export function configurationFor(client: ClientName, servers: ReadonlyMap<string, Entry>): string {
  const { key, typed } = CLIENTS[client];
  const entries = [...servers].map(([name, entry]) => [name, written(entry, typed)] as const);
  return `${JSON.stringify({ [key]: Object.fromEntries(entries) }, undefined, 2)}\n`;
}

function written(entry: Entry, typed: boolean) {
  if (entry.kind === "url") {
    const { wire, url, headers } = entry;
    return { ...typed && { type: wire }, url, ...headers && { headers } };
  }
  const { words: [command, ...args], env } = entry;
  return { ...typed && { type: "stdio" }, command, args, ...env && { env } };
}
