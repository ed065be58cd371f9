import assert from "node:assert/strict";
import { flat, NOWHERE, parsed, refusalOf } from "../../tests/support/config.ts";
import { ConfigError } from "../core/errors.ts";
import { parseArgs, type ServerCommand } from "./mod.ts";

async function config(...argv: string[]) {
  return flat((await parsed(argv)).config);
}

async function command(...argv: string[]): Promise<ServerCommand> {
  const { server } = await config(...argv);
  assert(server.kind === "command");
  return server;
}

async function refusal(...argv: string[]): Promise<string> {
  return await refusalOf(argv);
}

Deno.test("parseArgs accepts a line that was written for supergateway", async () => {
  const outcome = await parseArgs(
    [
      ...[
        "--stdio",
        "npx -y @modelcontextprotocol/server-filesystem ./my-folder",
        "--outputTransport",
        "sse",
      ],
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
      ...[
        "--streamableHttpPath",
        "/mcp",
        "--logLevel",
        "info",
        "--cors",
        "*",
        "--healthEndpoint",
        "/healthz",
      ],
      ...["--header", "X-A: b", "--stateful", "--sessionTimeout", "60000", "--protocolVersion", "2024-11-05"],
    ],
    "1.2.3",
    NOWHERE,
  );
  assert(outcome.kind === "run");
  const { server, transports, baseUrl, cors, healthEndpoints, sessionTimeoutMs } = flat(outcome.config);
  assert(server.kind === "command");
  assert.deepEqual(server.args, ["-y", "@modelcontextprotocol/server-filesystem", "./my-folder"]);
  assert.deepEqual([transports, baseUrl, cors, healthEndpoints, sessionTimeoutMs], [
    ["sse"],
    "http://localhost:8000",
    "*",
    ["/healthz"],
    60_000,
  ]);
  assert.equal(outcome.warnings.length, 2);
});

Deno.test("parseArgs serves the same for --stdio=line as for --stdio line", async () => {
  assert.deepEqual(await config("--stdio=npx server"), await config("--stdio", "npx server"));
});

Deno.test("parseArgs gives everything after -- to the server, flags and further dashes included", async () => {
  const line = ["--port", "9000", "--", "npx", "--port", "1", "--", "--help"];
  assert.equal((await config(...line)).port, 9000);
  const { program, args } = await command(...line);
  assert.deepEqual([program, ...args], ["npx", "--port", "1", "--", "--help"]);
});

Deno.test("parseArgs ends a greedy list at --", async () => {
  const line = ["--healthEndpoint", "/a", "--", "server"];
  assert.deepEqual([(await config(...line)).healthEndpoints, (await command(...line)).program], [
    ["/a"],
    "server",
  ]);
});

Deno.test("parseArgs takes a bare URL for the server, with flags before and after it", async () => {
  const wires = { "http:": "detect", "https:": "detect", "ws:": "ws", "wss:": "ws" } as const;
  for (const [scheme, wire] of Object.entries(wires)) {
    const url = `${scheme}//host/mcp?key=1`;
    for (const line of [[url], ["--port", "1", url], [url, "--port", "1"], ["--stateful", url, "--port=1"]]) {
      const { server } = await config(...line);
      assert(server.kind === "remote");
      assert.deepEqual([server.wire, server.url.href], [wire, url]);
    }
  }
});

Deno.test("parseArgs says what became of a URL that a list of headers swallowed", async () => {
  assert.equal(
    await refusal("--header", "A: b", "https://host/s3cret"),
    '--header (value 2): expected "Name: value", but this is a URL: put it before the flag',
  );
  assert.equal((await config("https://host/mcp", "--header", "A: b", "C: d")).headers.length, 2);
});

Deno.test("parseArgs wants one URL and nothing beside it", async () => {
  const hint =
    "quote the whole line after --stdio, put the command after --, or give the URL of one remote server or a file with servers";
  assert.equal(await refusal("some-server"), `Unexpected argument "some-server": ${hint}`);
  assert.match(await refusal("https://"), /^Unexpected argument "https:\/\/": it names no host/);
  assert.match(
    await refusal("https://a/", "--", "npx"),
    /^More than one server given, a command after -- and a URL/,
  );
});

Deno.test("parseArgs answers --version and --help with texts that end without a newline", async () => {
  assert.deepEqual(await parseArgs(["--version"], "1.2.3", NOWHERE), { kind: "version", text: "1.2.3" });
  const help = await parseArgs(["--help"], "1.2.3", NOWHERE);
  assert(help.kind === "help" && /\S$/.test(help.text));
});

Deno.test("parseArgs throws ConfigError for every wrong line, with one line and without a secret", async () => {
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
    ["--sse", "ftp://s3cret@host"],
    ["--ws", "https://host/s3cret"],
    ["--streamableHttp", "s3cret"],
    ["https://host/", "http://me:s3cret@host/"],
    ["https://host/", "--oauth2Bearer", "s3cret s3cret"],
    ["https://s3cret@host/", "--sse", "https://s3cret@host/"],
  ];
  for (const argv of lines) {
    await assert.rejects(parseArgs(argv, "1.2.3", NOWHERE), (error: unknown) => {
      assert(error instanceof ConfigError, argv.join(" "));
      assert.match(error.message, /^[^\n]+$/);
      assert.doesNotMatch(error.message, /s3cret/);
      return true;
    });
  }
});
