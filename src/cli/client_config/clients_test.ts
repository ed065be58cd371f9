import assert from "node:assert/strict";
import { type ClientName, CLIENTS, configurationFor, type Entry } from "./clients.ts";

const LOCAL = { kind: "command", words: ["keystone", "https://h/mcp"], env: { A: "b" } } satisfies Entry;
const FAR: Entry = { kind: "url", wire: "http", url: "http://h/mcp", headers: { Authorization: "Bearer x" } };

Deno.test("configurationFor writes a server as each client has it", () => {
  const command = { command: "keystone", args: ["https://h/mcp"], env: { A: "b" } };
  const url = { url: "http://h/mcp", headers: { Authorization: "Bearer x" } };
  const expected: Record<ClientName, unknown> = {
    "claude-desktop": { mcpServers: { a: command, b: url } },
    "claude-code": { mcpServers: { a: { type: "stdio", ...command }, b: { type: "http", ...url } } },
    "vscode": { servers: { a: { type: "stdio", ...command }, b: { type: "http", ...url } } },
    "cursor": { mcpServers: { a: command, b: url } },
  };
  for (const [name, text] of Object.entries(expected)) {
    const written = configurationFor(name as ClientName, new Map<string, Entry>([["a", LOCAL], ["b", FAR]]));
    assert.deepEqual(JSON.parse(written), text, name);
  }
});

Deno.test("each client has a place for it on every system", () => {
  for (const { title, place } of Object.values(CLIENTS)) {
    for (const os of ["linux", "darwin", "windows"] as const) assert(place(os).length > 5, title);
  }
});
