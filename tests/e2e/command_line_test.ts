/** The command line as its users meet it: through the real process, from the flags to the exit code. */
import assert from "node:assert/strict";
import { fileURLToPath, pathToFileURL } from "node:url";
import deno from "../../deno.json" with { type: "json" };
import { optionEntries } from "../../src/config/options.ts";
import { connect, type Wire, WIRES } from "../support/clients.ts";
import {
  commandLine,
  eventually,
  type Keystone,
  SCRIPTED,
  startKeystone,
  type StartOptions,
} from "../support/keystone.ts";
import { ACCEPT, answer, type AnyMessage, callTool, post, request } from "../support/rpc.ts";
import { printedBy } from "../support/programs.ts";

const SECRET = "s3cret-0f-the-user";
/** That of util-linux. */
const hasScript = Deno.build.os === "linux" && await printedBy("script", "--version") !== undefined;

// --- refused, and nothing started ---

interface Refusal {
  what: string;
  flags: readonly string[];
  /** How the one line begins: the flag and its value, then what is wrong with it. */
  says: string;
}

const REFUSALS: readonly Refusal[] = [
  {
    what: "a port that is no number",
    flags: ["--stdio", "cat", "--port", "abc"],
    says: '--port "abc": expected a whole number from 0 to 65535',
  },
  {
    what: "a time that is no time",
    flags: ["--stdio", "cat", "--sessionTimeout", "never"],
    says: '--sessionTimeout "never": expected a time',
  },
  {
    what: "a size that is no size",
    flags: ["--stdio", "cat", "--max-body-size=4x"],
    says: '--maxBodySize "4x": expected a size',
  },
  {
    what: "a count below one",
    flags: ["--stdio", "cat", "--maxSessions", "0"],
    says: '--maxSessions "0": expected a whole number of at least 1',
  },
  {
    what: "a name that is none of the known ones",
    flags: ["--stdio", "cat", "--logLevel", "loud"],
    says: '--logLevel "loud": expected debug, info, warn, error or none',
  },
  {
    what: "a bad regular expression in --cors",
    flags: ["--stdio", "cat", "--cors", "/(/"],
    says: '--cors "/(/": expected a regular expression',
  },
  {
    what: "an address of another machine",
    flags: ["--stdio", "cat", "--port", "0", "--host", "203.0.113.7", "--unauthenticated"],
    says: '--host "203.0.113.7": this machine has no such address',
  },
  {
    what: "a command in --stdio that does not exist",
    flags: ["--stdio", "no-such-program --flag"],
    says: '--stdio: command "no-such-program" not found',
  },
  {
    what: "a command after -- that does not exist",
    flags: ["--", "./no-such-program"],
    says: '--: command "./no-such-program" not found',
  },
  {
    what: "a --cwd that does not exist",
    flags: ["--stdio", "cat", "--cwd", "no-such-folder"],
    says: '--cwd "no-such-folder": there is no such folder',
  },
  {
    what: "a --cwd that is a file",
    flags: ["--stdio", "cat", "--cwd", Deno.execPath()],
    says: `--cwd ${JSON.stringify(Deno.execPath())}: there is no such folder`,
  },
  {
    what: "a --cwd below a file",
    flags: ["--stdio", "cat", "--cwd", `${Deno.execPath()}/below`],
    says: `--cwd ${JSON.stringify(`${Deno.execPath()}/below`)}: there is no such folder`,
  },
  {
    what: "an --env without a name",
    flags: ["--stdio", "cat", "--env", `=${SECRET}`],
    says: "--env: expected KEY=VALUE",
  },
  {
    what: "an unknown flag, and names the nearest known one",
    flags: ["--stdio", "cat", "--outputTransprot", "ws"],
    says: "--outputTransprot: unknown flag, did you mean --outputTransport?",
  },
  {
    what: "an unknown flag that is like no other",
    flags: ["--stdio", "cat", "--bogus=1"],
    says: "--bogus: unknown flag, see --help",
  },
  { what: "a line without a server", flags: ["--port", "0"], says: "No server given: expected --stdio" },
];

for (const { what, flags, says } of REFUSALS) {
  Deno.test(`keystone refuses ${what}`, async () => {
    const line = await refusal(flags);
    assert(line.startsWith(`keystone: ${says}`), line);
  });
}

Deno.test("keystone tells all that is wrong at once, one line for each", async () => {
  const { code, stdout, stderr } = await runToEnd(["--stdio", "cat", "--port", "abc", "--logLevel", "loud"]);
  assert.deepEqual([code, stdout, stderr.split("\n")], [2, "", [
    'keystone: --port "abc": expected a whole number from 0 to 65535',
    'keystone: --logLevel "loud": expected debug, info, warn, error or none',
    "",
  ]]);
});

Deno.test("keystone refuses --oauth2Bearer with a stdio server, without a word of the token", async () => {
  const line = await refusal(["--stdio", "cat", "--oauth2Bearer", SECRET]);
  assert.match(line, /^keystone: --oauth2Bearer: protects nothing with a stdio server/);
  assert.doesNotMatch(line, new RegExp(SECRET));
});

Deno.test("keystone refuses an illegal name of a header, without a word of its value", async () => {
  const line = await refusal(["--stdio", "cat", "--header", `bad name: ${SECRET}`]);
  assert.match(line, /^keystone: --header: .*"bad name" is no legal name of a header/);
  assert.doesNotMatch(line, new RegExp(SECRET));
});

Deno.test("keystone refuses a port in use", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  const line = await refusal(["--stdio", "cat", "--port", `${port}`]);
  assert.equal(
    line,
    `keystone: --port "${port}": the port is in use on 127.0.0.1; take another one, or --port 0 for a free one`,
  );
});

Deno.test("keystone refuses TLS files that are not there or that hold something else", async () => {
  await using folder = await tempFolder();
  const [missing, other] = [`${folder.path}/missing.pem`, `${folder.path}/other.pem`];
  await Deno.writeTextFile(other, "not a certificate\n");
  const cert = `${folder.path}/cert.pem`;
  await Deno.writeTextFile(cert, "-----BEGIN CERTIFICATE-----\n");
  const [noCert, noKey, noBoth, noPem] = await Promise.all([
    refusal(["--stdio", "cat", "--tlsCert", missing, "--tlsKey", other]),
    refusal(["--stdio", "cat", "--tlsCert", cert, "--tlsKey", missing]),
    refusal(["--stdio", "cat", "--tlsCert", other]),
    refusal(["--stdio", "cat", "--port", "0", "--tlsCert", other, "--tlsKey", other]),
  ]);
  assert.equal(noCert, `keystone: --tlsCert ${JSON.stringify(missing)}: there is no such file`);
  assert.equal(noKey, `keystone: --tlsKey ${JSON.stringify(missing)}: there is no such file`);
  assert.match(noBoth, /^keystone: --tlsCert ".*other\.pem": expected --tlsKey beside it/);
  assert.match(noPem, /^keystone: --tlsCert\b.*: holds no certificate in PEM form/);
});

// --- printed and done ---

Deno.test("keystone --help fits 80 columns and names every flag", async () => {
  const { code, stdout, stderr } = await runToEnd(["--help"]);
  assert.deepEqual([code, stderr], [0, ""]);
  const wide = stdout.split("\n").filter((line) => line.length > 80);
  assert.deepEqual(wide, []);
  const [, flags = ""] = stdout.split("\n\nWhat most people need:\n");
  const named = [...flags.matchAll(/^ {2}(?:-\w, )?(--\w+)/gm)].map(([, flag]) => flag);
  const keysOf = (wanted: boolean) =>
    optionEntries().filter(([, { common = false }]) => common === wanted).map(([key]) => `--${key}`);
  assert.deepEqual(named, [...keysOf(true), ...keysOf(false), "--config", "--version", "--help"]);
});

Deno.test("keystone --version prints the version", async () => {
  const { code, stdout, stderr } = await runToEnd(["--version"]);
  assert.deepEqual([code, stdout, stderr], [0, `${deno.version}\n`, ""]);
});

// --- from start to exit ---

Deno.test("keystone exits with 0 when a signal stops it", async () => {
  const codes = await Promise.all((["SIGTERM", "SIGINT"] as const).map(async (name) => {
    await using keystone = await startKeystone([], { server: SCRIPTED });
    keystone.signal(name);
    await keystone.logged(new RegExp(`Gateway is stopping reason=${name}`));
    return (await keystone.stop()).code;
  }));
  assert.deepEqual(codes, [0, 0]);
});

Deno.test("keystone exits with 0 when its stdin is closed", async () => {
  await using keystone = spawn(["--stdio", "cat", "--port", "0"]);
  await Promise.all([until(keystone.stdout, BANNER_END), keystone.stderr.cancel()]);
  await keystone.stdin.close();
  assert.equal(await exitCode(keystone), 0);
});

Deno.test("keystone exits with 1 and one line when it fails by no fault of its user", async () => {
  // There is no search for the command without the PATH.
  const entry = ["--deny-env=PATH", MAIN];
  const { code, stdout, stderr } = await runToEnd(["--stdio", "cat", "--port", "0"], { entry });
  assert.equal(code, 1);
  assert.equal(stdout, "");
  assert.match(stderr, /^keystone: failed: .*\bPATH\b.*\n$/);
});

Deno.test("keystone's banner names each URL and holds a client configuration", async () => {
  await using keystone = await startKeystone([], { server: SCRIPTED });
  const wires = Object.fromEntries(
    [...keystone.stdout.matchAll(/^ {2}(\w.*?) {2,}(\S+)$/gm)].map(([, wire, url]) => [wire, url]),
  );
  assert.deepEqual(Object.keys(wires), [...WIRES]);
  for (const wire of WIRES) await ping(keystone, wire);
  const { mcpServers } = clientConfig(keystone);
  assert.deepEqual(Object.values(mcpServers), [{ type: "http", url: keystone.mcp }]);
});

Deno.test("--outputTransport limits what is served, in camelCase and in kebab-case", async () => {
  const [http, others] = await Promise.all([
    startKeystone(["--outputTransport=streamableHttp"], { server: SCRIPTED }),
    startKeystone(["--output-transport", "ws", "--output-transport", "sse"], { server: SCRIPTED }),
  ]);
  await using _http = http;
  await using _others = others;
  assert.deepEqual([http.sse, http.ws, others.mcp], ["", "", ""]);
  assert.deepEqual(await Promise.all([http, others].map(statuses)), [
    { "/mcp": 405, "/sse": 404, "/message": 404, "/ws": 404 },
    { "/mcp": 404, "/sse": 200, "/message": 405, "/ws": 426 },
  ]);
  await Promise.all([ping(http, "Streamable HTTP"), ping(others, "SSE"), ping(others, "WebSocket")]);
  assert.deepEqual(Object.values(clientConfig(others).mcpServers), [{ type: "ws", url: others.ws }]);
});

Deno.test("--watch without a file to watch is warned of", async () => {
  await using keystone = await startKeystone(["--watch"], { server: SCRIPTED });
  await keystone.logged(/\bWRN\b.*--watch has no effect: there is no configuration file/);
});

Deno.test("--header with a stdio server is warned of and reaches no client", async () => {
  const flags = ["--header", `X-Leak: ${SECRET}`, "--healthEndpoint", "/ok"];
  await using keystone = await startKeystone(flags, { server: SCRIPTED });
  await keystone.logged(/\bWRN\b.*--header has no effect with a stdio server/);
  const { port } = keystone;
  const heads = await Promise.all([
    head(port, { line: "GET /ok" }),
    head(port, { line: "GET /health" }),
    head(port, { line: "GET /sse" }),
    head(port, {
      line: "POST /mcp",
      headers: { ...JSON_POST, "Content-Length": `${LIST.length}` },
      body: LIST,
    }),
    head(port, { line: "GET /ws", headers: UPGRADE }),
  ]);
  assert.deepEqual(heads.map((text) => text.split(" ")[1]), ["200", "200", "200", "200", "101"]);
  const text = [...heads, keystone.stdout, keystone.stderr()].join("\n");
  assert.doesNotMatch(text, new RegExp(`x-leak|${SECRET}`, "i"));
});

Deno.test("--host ::1 serves IPv6", { ignore: !hasIpv6() }, async () => {
  await using keystone = await startKeystone(["--host", "::1"], { server: SCRIPTED });
  assert.equal(keystone.mcp, `http://[::1]:${keystone.port}/mcp`);
  await Promise.all(WIRES.map((wire) => ping(keystone, wire)));
  await assert.rejects(fetch(`http://127.0.0.1:${keystone.port}/health`), TypeError);
});

Deno.test("the banner and its configuration show an address that others can reach", async () => {
  await using keystone = await startKeystone(["--host", "0.0.0.0", "--unauthenticated"], {
    server: SCRIPTED,
  });
  const outside = Deno.networkInterfaces().find(({ family, address }) =>
    family === "IPv4" && !address.startsWith("127.")
  );
  assert.match(keystone.stdout, new RegExp(`\n  Listens on       0\\.0\\.0\\.0:${keystone.port}\n`));
  if (!outside) return;
  assert.doesNotMatch(keystone.stdout, /localhost|127\./);
  // An address needs no --allowedHost.
  await ping(keystone, "Streamable HTTP");
});

Deno.test("the banner and its configuration show the URL of --baseUrl", async () => {
  const flags = ["--baseUrl", "https://gateway.example/tools/"];
  await using keystone = await startKeystone(flags, { server: SCRIPTED });
  assert.match(
    keystone.stdout,
    new RegExp(
      "Streamable HTTP  https://gateway\\.example/tools/mcp\n  SSE              https://gateway\\.example/tools/sse\n" +
        "  WebSocket        wss://gateway\\.example/tools/ws\n  Listens on       127\\.0\\.0\\.1:\\d+\n",
    ),
  );
  const [entry] = Object.values(JSON.parse(keystone.stdout.slice(keystone.stdout.indexOf("{"))).mcpServers);
  assert.deepEqual(entry, { type: "http", url: "https://gateway.example/tools/mcp" });
});

Deno.test("--logFormat json makes the banner one line of JSON, too", async () => {
  await using keystone = await startKeystone(["--logFormat", "json"], { server: SCRIPTED });
  const { event, version, endpoints, mcpServers } = JSON.parse(keystone.stdout);
  assert.deepEqual([event, version], ["gateway.serving", deno.version]);
  assert.deepEqual(endpoints.map(({ type }: { type: string }) => type), ["http", "sse", "ws"]);
  assert.deepEqual(Object.values(mcpServers), [{ type: "http", url: keystone.mcp }]);
  await ping(keystone, "Streamable HTTP");
});

Deno.test({
  name: "the log has colours on a terminal, and none with NO_COLOR",
  ignore: !hasScript, // nothing else gives a terminal to a process
  async fn() {
    for (const [noColour, coloured] of [["", true], ["1", false]] as const) {
      const line = [
        Deno.execPath(),
        ...commandLine(["--port", "0", "--idleExit", "1ms"], { server: SCRIPTED }),
      ];
      const { stdout } = await new Deno.Command("script", {
        args: ["-qec", line.map((word) => `'${word}'`).join(" "), "/dev/null"],
        env: { NO_COLOR: noColour, TERM: "xterm" },
        stdin: "null",
      }).output();
      const output = new TextDecoder().decode(stdout);
      assert.match(output, /Gateway started/);
      assert.equal(output.includes("\x1b[32mINF\x1b[0m"), coloured, output);
    }
  },
});

// --- what the server gets ---

Deno.test("a server after -- gets its arguments untouched", async () => {
  await using folder = await tempFolder();
  const args = ["$HOME", "*", "a  b", "it's", `"`, "", "|", ";", "--port", "--", "\\"];
  const server = [...await tellingServer(folder.path), ...args];
  await using keystone = await startKeystone(["--logFormat", "json"], { server });
  assert.deepEqual(await argsOf(keystone), args);
});

Deno.test("--stdio is split as a shell splits it, and --stdio=… is the same", async () => {
  await using folder = await tempFolder();
  const line = `${quoted(await tellingServer(folder.path))} 'a  b' "c \\"d\\"" e\\ f '$HOME' ''`;
  const starts = [["--stdio", line], [`--stdio=${line}`]];
  const [apart, joined] = await Promise.all(starts.map(async (stdio) => {
    await using keystone = await startKeystone([...stdio, "--log-format=json"]);
    const args = await argsOf(keystone);
    return { args, banner: keystone.stdout.replaceAll(`:${keystone.port}/`, ":0/") };
  }));
  assert.deepEqual(apart?.args, ["a  b", 'c "d"', "e f", "$HOME", ""]);
  assert.deepEqual(joined, apart);
});

Deno.test("--stdio goes through a shell when the line needs one", async () => {
  await using folder = await tempFolder();
  const line = `${quoted(await tellingServer(folder.path))} "$WORDS" $WORDS | cat`;
  const flags = ["--stdio", line, "--logFormat", "json"];
  await using keystone = await startKeystone(flags, { env: { WORDS: "two words" } });
  assert.deepEqual(await argsOf(keystone), ["two words", "two", "words"]);
});

Deno.test("--env and --cwd reach the server", async () => {
  await using folder = await tempFolder();
  const flags = ["--env", "PLAIN=1", "--env", "ODD=a=b c", "--env", "EMPTY=", "--cwd", folder.path];
  await using keystone = await startKeystone(flags, { server: SCRIPTED, env: { PLAIN: "0", KEPT: "kept" } });
  const names = ["PLAIN", "ODD", "EMPTY", "KEPT"];
  const values = await Promise.all(names.map((name) => tool(keystone, "env", { name })));
  assert.deepEqual(values.map(({ value }) => value), ["1", "a=b c", "", "kept"]);
  assert.equal(await Deno.realPath(values[0].cwd), await Deno.realPath(folder.path));
});

// --- the log ---

Deno.test("no message body is in the log at info", async () => {
  const flags = ["--env", `MARKER=result-${SECRET}`];
  const keystone = await startKeystone(flags, { server: SCRIPTED });
  await using _keystone = keystone;
  for (const wire of WIRES) {
    await using connected = await connect(keystone, wire);
    const args = { name: "MARKER", note: `argument-${SECRET}` };
    const result = await connected.client.callTool({ name: "env", arguments: args });
    assert.deepEqual(result.structuredContent, { value: `result-${SECRET}`, cwd: Deno.cwd() });
  }
  const refused = await post(keystone.mcp, `{"jsonrpc": "2.0", ${SECRET}`);
  assert.equal(refused.status, 400);
  await refused.body?.cancel();
  await keystone.stop();
  assert.match(keystone.stderr(), /Request refused/);
  assert.doesNotMatch(keystone.stderr(), new RegExp(SECRET));
});

for (const format of ["text", "json"]) {
  Deno.test(`message bodies are in the ${format} log at debug, without what is secret by its name`, async () => {
    const flags = ["--logLevel", "debug", "--logFormat", format, "--env", "MARKER=from the server"];
    await using keystone = await startKeystone(flags, { server: SCRIPTED });
    const data = { token: SECRET, hint: "in a notification" };
    const told = { jsonrpc: "2.0", method: "notifications/message", params: { level: "info", data } };
    await tool(keystone, "sleep", { ms: 0, apiKey: SECRET, deep: [{ password: SECRET }], note: "in a call" });
    await tool(keystone, "notify", { messages: [told] });
    await tool(keystone, "env", { name: "MARKER" });
    await keystone.stop();
    const log = keystone.stderr();
    for (const shown of ["in a call", "in a notification", "from the server", "[REDACTED]"]) {
      assert(log.includes(shown), `${shown} is not in\n${log}`);
    }
    assert.doesNotMatch(log, new RegExp(SECRET));
  });
}

Deno.test("--log-format json writes one JSON object a line", async () => {
  const flags = ["--log-format", "json", "--log-level", "debug", "--header", "A: b"];
  const keystone = await startKeystone(flags, { server: SCRIPTED });
  await using _keystone = keystone;
  await tool(keystone, "say", { text: 'a line with "quotes", \\ and \u001b[31mcolour' });
  await keystone.logged(/Child says/);
  await keystone.stop();
  const records: AnyMessage[] = keystone.stderr().trimEnd().split("\n").map((line) => JSON.parse(line));
  for (const { level, event, "@timestamp": time } of records) {
    assert.match(level, /^(DEBUG|INFO|WARN|ERROR)$/);
    assert.equal(typeof event, "string");
    assert(Math.abs(Date.now() - Date.parse(time)) < 60_000);
  }
  const said = records.find(({ event }) => event === "child.stderr");
  assert.equal(said.line, 'a line with "quotes", \\ and \u001b[31mcolour');
  assert.deepEqual(records.at(-1).event, "gateway.stopped");
});

Deno.test("--logLevel none is silent", async () => {
  const { keystone, url } = await startSilent(["--logLevel", "none", "--header", "A: b"]);
  await using _keystone = keystone;
  const refused = await fetch(`${url}/nowhere`);
  await refused.body?.cancel();
  assert.equal(refused.status, 404);
  await tool({ mcp: `${url}/mcp` }, "say", { text: "heard by nobody" });
  await keystone.stdin.close();
  const [out, err, code] = await Promise.all([
    text(keystone.stdout),
    text(keystone.stderr),
    exitCode(keystone),
  ]);
  assert.deepEqual({ code, out, err }, { code: 0, out: "", err: "" });
});

// --- output that nobody reads ---

Deno.test("keystone serves on when the reader of its stdout is gone", async () => {
  await using keystone = spawn(["--port", "0", "--", ...SCRIPTED]);
  await keystone.stdout.cancel();
  const [log, rest] = keystone.stderr.tee();
  const [, mcp = ""] = /(http:[^"]+\/mcp)/.exec(await until(log, /Gateway started.*\n/)) ?? [];
  await tool({ mcp }, "echo");
  await keystone.stdin.close();
  const [err, code] = await Promise.all([text(rest), exitCode(keystone)]);
  assert.equal(code, 0);
  assert.match(err, /Gateway stopped\n$/);
});

Deno.test("keystone serves on when the reader of its stderr is gone", async () => {
  await using keystone = spawn(["--port", "0", "--logLevel", "debug", "--", ...SCRIPTED]);
  await keystone.stderr.cancel();
  const [, mcp = ""] = /(http:\S+\/mcp)/.exec(await until(keystone.stdout, BANNER_END)) ?? [];
  for (let id = 0; id < 3; id++) await tool({ mcp }, "say", { text: "heard by nobody" });
  await keystone.stdin.close();
  assert.equal(await exitCode(keystone), 0);
});

Deno.test("keystone stops although its log is full and nobody reads it", async () => {
  await using keystone = spawn(["--port", "0", "--", ...SCRIPTED]);
  const [, mcp = ""] = /(http:\S+\/mcp)/.exec(await until(keystone.stdout, BANNER_END)) ?? [];
  // Far more than a pipe holds.
  for (let line = 0; line < 16; line++) await tool({ mcp }, "say", { text: "x".repeat(60_000) });
  await keystone.stdin.close();
  assert.equal(await exitCode(keystone), 0);
  await keystone.stderr.cancel();
});

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));
const BANNER_END = /\n}\n/;
const JSON_POST = { "Content-Type": "application/json", Accept: ACCEPT };
const LIST = JSON.stringify(request(1, "tools/list"));
const UPGRADE = {
  Connection: "Upgrade",
  Upgrade: "websocket",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
};

/** Keystone with its pipes in the test's hands; closing its stdin stops it. */
function spawn(flags: readonly string[], options: StartOptions = {}) {
  return new Deno.Command(Deno.execPath(), {
    args: commandLine(flags, options),
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1", ...options.env },
  }).spawn();
}

/** Settles at the end even if Keystone starts to serve: its stdin is closed from the first. */
async function runToEnd(flags: readonly string[], options: StartOptions = {}) {
  await using keystone = spawn(flags, options);
  await keystone.stdin.close();
  const [stdout, stderr, code] = await Promise.all([
    text(keystone.stdout),
    text(keystone.stderr),
    exitCode(keystone),
  ]);
  return { code, stdout, stderr };
}

/** The one line that a refused command line comes to. */
async function refusal(flags: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runToEnd(flags);
  const [line = "", ...more] = stderr.split("\n");
  assert.deepEqual({ code, stdout, more }, { code: 2, stdout: "", more: [""] }, stderr);
  assert.doesNotMatch(line, /\.ts\b|\bat \S+:\d+|Error\b/);
  return line;
}

/** Without a banner the port must be known before: one that was free a moment ago, unless another program is faster. */
async function startSilent(flags: readonly string[], attempts = 3) {
  const port = freePort();
  const keystone = spawn([...flags, "--port", `${port}`, "--", ...SCRIPTED]);
  let ended = false;
  keystone.status.then(() => ended = true);
  await eventually(async () => ended || await accepts(port), Boolean);
  if (!ended) return { keystone, url: `http://127.0.0.1:${port}` };
  await keystone.stdin.abort();
  const [, fault] = await Promise.all([text(keystone.stdout), text(keystone.stderr)]);
  if (attempts > 1) return startSilent(flags, attempts - 1);
  throw new Error(`Keystone did not start:\n${fault}`);
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

async function accepts(port: number): Promise<boolean> {
  try {
    using _connection = await Deno.connect({ hostname: "127.0.0.1", port });
    return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
    return false;
  }
}

function hasIpv6(): boolean {
  try {
    using _listener = Deno.listen({ hostname: "::1", port: 0 });
    return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrNotAvailable)) throw error;
    return false;
  }
}

/** The exit code; whoever does not stop is killed, so that the test fails and does not hang. */
async function exitCode(keystone: Deno.ChildProcess): Promise<number> {
  const timer = setTimeout(() => keystone.kill("SIGKILL"), 20_000);
  const { code } = await keystone.status;
  clearTimeout(timer);
  return code;
}

/** Reads until the pattern is there, and no further. */
async function until(stream: ReadableStream<Uint8Array<ArrayBuffer>>, pattern: RegExp): Promise<string> {
  let seen = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    seen += chunk;
    if (pattern.test(seen)) return seen;
  }
  throw new Error(`The output ended without ${pattern}:\n${seen}`);
}

function text(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
  return new Response(stream).text();
}

async function tempFolder() {
  const path = await Deno.makeTempDir({ prefix: "keystone-" });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

async function ping(keystone: Keystone, wire: Wire): Promise<void> {
  await using connected = await connect(keystone, wire);
  await connected.client.ping();
}

/** A stateless call; gives its structured content. */
async function tool({ mcp }: Pick<Keystone, "mcp">, name: string, args: unknown = {}): Promise<AnyMessage> {
  return (await answer(await post(mcp, callTool(1, name, args)))).result.structuredContent;
}

/** A scripted server that begins with a line on stderr: its arguments, as JSON. */
async function tellingServer(folder: string): Promise<string[]> {
  const path = `${folder}/telling_server.ts`;
  const scripted = pathToFileURL(SCRIPTED.at(-1)!).href;
  await Deno.writeTextFile(path, `console.error(JSON.stringify(Deno.args)); await import("${scripted}");\n`);
  return [Deno.execPath(), "run", "-A", path];
}

/** Asks a telling server for something, and reads its arguments from a log in JSON. */
async function argsOf(keystone: Keystone): Promise<string[]> {
  assert.deepEqual(await tool(keystone, "sleep", { ms: 0 }), { slept: 0 });
  const log = await keystone.logged(/Child says.*\n/);
  const records: AnyMessage[] = log.trimEnd().split("\n").map((line) => JSON.parse(line));
  return JSON.parse(records.find(({ event }) => event === "child.stderr").line);
}

function quoted(words: readonly string[]): string {
  return words.map((word) => `'${word}'`).join(" ");
}

function clientConfig({ stdout }: Keystone): AnyMessage {
  const [, config = ""] = stdout.split("For the configuration of an MCP client:\n");
  return JSON.parse(config);
}

/** What a GET of each route answers. */
async function statuses({ port }: Keystone): Promise<Record<string, number>> {
  const paths = ["/mcp", "/sse", "/message", "/ws"];
  const entries = await Promise.all(paths.map(async (path) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    await response.body?.cancel();
    return [path, response.status] as const;
  }));
  return Object.fromEntries(entries);
}

interface RawRequest {
  /** Method and path. */
  line: string;
  headers?: Record<string, string>;
  body?: string;
}

/** The status line and the headers of an answer, as they are on the wire. */
async function head(port: number, { line, headers = {}, body = "" }: RawRequest): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const fields = { Host: `127.0.0.1:${port}`, ...headers };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  const writer = connection.writable.getWriter();
  await writer.write(new TextEncoder().encode(`${line} HTTP/1.1\r\n${lines.join("")}\r\n${body}`));
  writer.releaseLock();
  const answered = await until(connection.readable, /\r\n\r\n/);
  return answered.slice(0, answered.indexOf("\r\n\r\n"));
}
