import assert from "node:assert/strict";
import { parsedOptions } from "../../tests/support/config.ts";
import { fetchedFirst } from "./package_runner.ts";
import { readServer } from "./server_input.ts";

function fetchedBy(line: string): string | undefined {
  const server = readServer(parsedOptions({ stdio: line }), { argv: [] });
  assert.equal(server.kind, "command");
  return server.kind === "command" ? fetchedFirst(server) : undefined;
}

Deno.test("fetchedFirst knows what fetches a server before it runs, wherever that is and whatever runs it", () => {
  const cases: [string, string | undefined][] = [
    ["npx -y @modelcontextprotocol/server-everything", "npx may be fetching the package"],
    ["/usr/local/bin/uvx some-server", "uvx may be fetching the package"],
    ["npx.cmd -y some-server", "npx may be fetching the package"],
    ["npx -y some-server > /dev/null", "npx may be fetching the package"],
    ["npm exec some-server", "npm may be fetching the package"],
    ["uv run server.py", "uv may be fetching the packages"],
    ["docker run -i --rm mcp/fetch", "docker may be fetching the image"],
    ["deno run -A npm:some-server", "deno may be fetching the modules"],
    ["deno run -A server.ts", undefined],
    ["docker exec -i box server", undefined],
    ["npm start", undefined],
    ["node server.js npx", undefined],
    ["./npx-like-thing", undefined],
  ];
  for (const [line, fetched] of cases) assert.equal(fetchedBy(line), fetched, line);
});
