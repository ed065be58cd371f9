import assert from "node:assert/strict";
import { serverName } from "./server_name.ts";

Deno.test("serverName finds what is run behind launchers, their subcommands and flags", () => {
  const names = {
    "npx -y @modelcontextprotocol/server-files@1.2.3 /srv": "server-files",
    "npx -y some-server@latest": "some-server",
    "uvx --from git some_server": "git",
    "uv tool run mcp-server-time": "mcp-server-time",
    "deno run -A npm:@scope/thing": "thing",
    "node /opt/tools/build/index.js --port 1": "index",
    "python3 server.py": "server",
    "/usr/local/bin/github-mcp": "github-mcp",
    "C:\\tools\\files.exe": "files",
    "C:\\nodejs\\NPX.CMD -y some-server": "some-server",
    "cmd /c npx -y some-server": "some-server",
  };
  for (const [line, name] of Object.entries(names)) assert.equal(serverName(line.split(" ")), name, line);
});

Deno.test("serverName has a name where the command has none", () => {
  for (const words of [[], [""], ["npx"], ["npx", "-y", "a b"], ["sh", "-c"]]) {
    assert.equal(serverName(words), "keystone");
  }
});
