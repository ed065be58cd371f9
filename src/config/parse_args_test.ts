import assert from "node:assert/strict";
import { ConfigError } from "../core/errors.ts";
import { parseArgs } from "./mod.ts";

function config(...argv: string[]) {
  const outcome = parseArgs(argv, "1.2.3");
  assert(outcome.kind === "run");
  return outcome.config;
}

Deno.test("parseArgs accepts a line that was written for supergateway", () => {
  const outcome = parseArgs([
    ...["--stdio", "npx -y @modelcontextprotocol/server-filesystem ./my-folder", "--outputTransport", "sse"],
    ...[
      "--port",
      "8000",
      "--baseUrl",
      "http://localhost:8000",
      "--ssePath",
      "/sse",
      "--messagePath",
      "/message",
    ],
    ...["--streamableHttpPath", "/mcp", "--logLevel", "info", "--cors", "*", "--healthEndpoint", "/healthz"],
    ...["--header", "X-A: b", "--stateful", "--sessionTimeout", "60000", "--protocolVersion", "2024-11-05"],
  ], "1.2.3");
  assert(outcome.kind === "run");
  const { command, transports, baseUrl, cors, healthEndpoints, sessionTimeoutMs } = outcome.config;
  assert.deepEqual(command.args, ["-y", "@modelcontextprotocol/server-filesystem", "./my-folder"]);
  assert.deepEqual([transports, baseUrl, cors, healthEndpoints, sessionTimeoutMs], [
    ["sse"],
    "http://localhost:8000",
    "*",
    ["/healthz"],
    60_000,
  ]);
  assert.equal(outcome.warnings.length, 2);
});

Deno.test("parseArgs serves the same for --stdio=line as for --stdio line", () => {
  assert.deepEqual(config("--stdio=npx server"), config("--stdio", "npx server"));
});

Deno.test("parseArgs gives everything after -- to the server, flags and further dashes included", () => {
  const { command, port } = config("--port", "9000", "--", "npx", "--port", "1", "--", "--help");
  assert.equal(port, 9000);
  assert.deepEqual([command.program, ...command.args], ["npx", "--port", "1", "--", "--help"]);
});

Deno.test("parseArgs ends a greedy list at --", () => {
  const { command, healthEndpoints } = config("--healthEndpoint", "/a", "--", "server");
  assert.deepEqual([healthEndpoints, command.program], [["/a"], "server"]);
});

Deno.test("parseArgs answers --version and --help with texts that end without a newline", () => {
  assert.deepEqual(parseArgs(["--version"], "1.2.3"), { kind: "version", text: "1.2.3" });
  const help = parseArgs(["--help"], "1.2.3");
  assert(help.kind === "help" && /\S$/.test(help.text));
});

Deno.test("parseArgs throws ConfigError for every wrong line, with one line and without a secret", () => {
  const lines = [
    [],
    ["--"],
    ["server"],
    ["--bogus=s3cret"],
    ["--stdio", "x", "--port", "abc"],
    ["--stdio", "x 's3cret"],
    ["--stdio", "x", "--header", "s3cret"],
    ["--stdio", "x", "--oauth2Bearer", "s3cret"],
    ["--stdio", "x", "--oauth2Bearer"],
    ["--stdio", "x", "--env", "s3cret"],
    ["--stdio", "x", "--", "s3cret"],
    ["--sse", "https://s3cret@host"],
  ];
  for (const argv of lines) {
    assert.throws(() => parseArgs(argv, "1.2.3"), (error: unknown) => {
      assert(error instanceof ConfigError, argv.join(" "));
      assert.match(error.message, /^[^\n]+$/);
      assert.doesNotMatch(error.message, /s3cret/);
      return true;
    });
  }
});
