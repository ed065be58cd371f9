import assert from "node:assert/strict";
import { ConfigError } from "../core/errors.ts";
import type { RawOptions } from "./options.ts";
import { resolve, type ResolvedConfig } from "./resolve.ts";

function config(raw: RawOptions = {}): ResolvedConfig {
  return resolve({ stdio: "some-server", ...raw }, []).config;
}

function refusal(raw: RawOptions, argv: readonly string[] = []): string {
  try {
    resolve(raw, argv);
  } catch (error) {
    assert(error instanceof ConfigError);
    assert.doesNotMatch(error.message, /\n/);
    return error.message;
  }
  throw new assert.AssertionError({ message: "Accepted" });
}

Deno.test("resolve fills in every default and leaves out what has none", () => {
  assert.deepEqual(config(), {
    command: { flag: "--stdio", program: "some-server", args: [], shell: false, label: "some-server" },
    env: {},
    transports: ["streamableHttp", "sse", "ws"],
    host: "127.0.0.1",
    port: 8000,
    baseUrl: "",
    ssePath: "/sse",
    messagePath: "/message",
    streamableHttpPath: "/mcp",
    wsPath: "/ws",
    healthEndpoints: [],
    allowedHosts: [],
    allowedOrigins: [],
    headers: [],
    stateful: false,
    sessionTimeoutMs: 1_800_000,
    protocolVersion: "2025-11-25",
    maxBodyBytes: 4 * 2 ** 20,
    maxMessageBytes: 16 * 2 ** 20,
    maxSessions: 100,
    maxOpenRequests: 1000,
    maxBufferedMessages: 1000,
    maxBufferedBytes: 64 * 2 ** 20,
    keepAliveMs: 15_000,
    startTimeoutMs: 60_000,
    stopTimeoutMs: 5000,
    shutdownTimeoutMs: 5000,
    replyMode: "auto",
    logFormat: "text",
    logLevel: "info",
  });
});

Deno.test("resolve gives optional settings when they are set", () => {
  const { cwd, tlsCert, tlsKey, requestTimeoutMs } = config({
    cwd: "/srv",
    tlsCert: "c.pem",
    tlsKey: "k.pem",
    requestTimeout: "30s",
  });
  assert.deepEqual([cwd, tlsCert, tlsKey, requestTimeoutMs], ["/srv", "c.pem", "k.pem", 30_000]);
});

Deno.test("resolve executes the words of --stdio directly", () => {
  const { command } = config({ stdio: `npx -y "some server"` });
  assert.deepEqual(command, {
    flag: "--stdio",
    program: "npx",
    args: ["-y", "some server"],
    shell: false,
    label: "npx -y some server",
  });
});

Deno.test("resolve gives a line that needs a shell to one, whole", () => {
  const { command } = config({ stdio: "cd /srv && npx server" });
  assert.deepEqual(command, {
    flag: "--stdio",
    program: "cd /srv && npx server",
    args: [],
    shell: true,
    label: "cd /srv && npx server",
  });
});

Deno.test("resolve leaves the words after -- as they are", () => {
  const { command } = resolve({}, ["npx", "$HOME", "a b", "--port"]).config;
  assert.deepEqual([command.program, command.args, command.shell], [
    "npx",
    ["$HOME", "a b", "--port"],
    false,
  ]);
});

Deno.test("resolve wants exactly one server", () => {
  assert.match(refusal({}), /^No server given: expected --stdio "command line", or -- command/);
  assert.match(refusal({ stdio: "" }), /^No server given/);
  assert.match(refusal({ stdio: "  " }), /^No server given/);
  assert.match(refusal({ stdio: "a" }, ["b"]), /^More than one server given, --stdio and a command after --/);
  assert.match(refusal({ stdio: "a", sse: "http://b" }), /^More than one server given, --stdio and --sse/);
  assert.equal(resolve({ stdio: "" }, ["b"]).config.command.program, "b");
});

Deno.test("resolve refuses a command without a program", () => {
  assert.match(refusal({}, [""]), /^-- "": expected the name of a program/);
  assert.match(refusal({ stdio: "'' a" }), /^--stdio "": expected the name of a program/);
});

Deno.test("resolve says that remote servers are not served, and does not show their URL", () => {
  for (const flag of ["sse", "streamableHttp"]) {
    const message = refusal({ [flag]: "https://me:s3cret@host/" });
    assert.match(message, new RegExp(`^--${flag}: this version serves stdio servers only`));
    assert.doesNotMatch(message, /s3cret/);
  }
});

Deno.test("resolve names the flag, the value and what is allowed", () => {
  const stdio = "x";
  assert.equal(refusal({ stdio, port: "abc" }), '--port "abc": expected a whole number from 0 to 65535');
  assert.equal(
    refusal({ stdio, logLevel: "loud" }),
    '--logLevel "loud": expected debug, info, warn, error or none',
  );
  assert.equal(
    refusal({ stdio, cors: ["*", "/[/"] }),
    '--cors "/[/": expected a regular expression between the slashes',
  );
  assert.match(refusal({ stdio, sessionTimeout: "0" }), /^--sessionTimeout "0": expected a time from 1ms/);
  assert.match(
    refusal({ stdio, protocolVersion: "2026-07-28" }),
    /^--protocolVersion "2026-07-28": expected 2024-11-05, /,
  );
  assert.match(refusal({ stdio, wsPath: "a\nb" }), /^--wsPath "a\\nb": expected a path/);
  assert.match(refusal({ stdio, wsPath: "x".repeat(500) }), /^--wsPath "x{79}…: expected a path/);
});

Deno.test("resolve shows the place of a secret value in its list and not the value", () => {
  const stdio = "x";
  assert.match(refusal({ stdio, env: ["A=1", "s3cret"] }), /^--env \(value 2\): expected KEY=VALUE/);
  assert.match(
    refusal({ stdio, header: ["bad name: s3cret"] }),
    /^--header: expected "Name: value", but "bad name" is/,
  );
  assert.doesNotMatch(refusal({ stdio, header: ["s3cret"] }), /s3cret/);
});

Deno.test("resolve refuses --oauth2Bearer and says what keeps clients out instead", () => {
  const message = refusal({ stdio: "x", oauth2Bearer: "s3cret" });
  assert.match(message, /^--oauth2Bearer: protects nothing with a stdio server/);
  assert.match(message, /--host .*reverse proxy/);
  assert.doesNotMatch(message, /s3cret/);
});

Deno.test("resolve takes each transport once", () => {
  assert.deepEqual(config({ outputTransport: ["ws", "sse", "ws"] }).transports, ["ws", "sse"]);
});

Deno.test("resolve says that stdio to stdio is not supported, and what is", () => {
  assert.match(
    refusal({ stdio: "x", outputTransport: ["stdio"] }),
    /over stdio yet; expected streamableHttp, sse or ws$/,
  );
  assert.match(
    refusal({ stdio: "x", outputTransport: ["http"] }),
    /"http": expected streamableHttp, sse or ws$/,
  );
  assert.match(refusal({ stdio: "x", outputTransport: [] }), /expected streamableHttp, sse or ws$/);
});

Deno.test("resolve wants a certificate and its key together", () => {
  assert.equal(
    refusal({ stdio: "x", tlsCert: "c.pem" }),
    '--tlsCert "c.pem": expected --tlsKey beside it, since HTTPS needs both',
  );
  assert.match(refusal({ stdio: "x", tlsKey: "k.pem" }), /^--tlsKey "k.pem": expected --tlsCert/);
});

Deno.test("resolve turns a star among the CORS origins into any origin", () => {
  assert.equal(config({ cors: ["https://a.example", "*"] }).cors, "*");
  assert.deepEqual(config({ cors: ["https://a.example", "/b/"] }).cors, ["https://a.example", /b/]);
});

Deno.test("resolve keeps the last of two equal headers, whatever their case", () => {
  const { headers } = config({ header: ["A: 1", "B: 2", "a: 3"] });
  assert.deepEqual(headers, [["a", "3"], ["B", "2"]]);
});

Deno.test("resolve makes the server's environment of pairs, and the last wins", () => {
  const { env } = config({ env: ["A=1", "__proto__=x", "A=2"] });
  assert.deepEqual(Object.entries(env), [["A", "2"], ["__proto__", "x"]]);
});

Deno.test("resolve warns of flags that have no effect", () => {
  const { warnings } = resolve({
    stdio: "x",
    stateful: "true",
    outputTransport: ["sse"],
    header: ["A: s3cret"],
  }, []);
  assert.deepEqual(warnings, [
    "--stateful has no effect without the streamableHttp transport",
    "--header has no effect with a stdio server: headers are for remote servers",
  ]);
  assert.deepEqual(resolve({ stdio: "x", stateful: "true" }, []).warnings, []);
});

Deno.test("resolve refuses two routes on one path", () => {
  assert.match(refusal({ stdio: "x", ssePath: "/mcp" }), /^--ssePath "\/mcp": taken by --streamableHttpPath/);
});
