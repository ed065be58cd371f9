import assert from "node:assert/strict";
import { REDACTED } from "../base/redact.ts";
import { parseOverride, type ServerKind } from "./parse_override.ts";

const OVERRIDES: readonly [ServerKind, unknown, object][] = [
  ["command", {}, {}],
  ["command", { args: ["--level", "debug"], env: { KEY: "v", EMPTY: "", GONE: null } }, {
    args: ["--level", "debug"],
    env: { KEY: "v", EMPTY: "", GONE: null },
  }],
  ["command", { args: null, env: null }, { args: null, env: null }],
  ["remote", { headers: { "X-Key": "v", Cookie: null } }, { headers: { "x-key": "v", cookie: null } }],
  ["remote", { headers: null }, { headers: null }],
  ["remote", { bearer: "t0ken" }, { headers: { authorization: "Bearer t0ken" } }],
  ["remote", { bearer: null }, { headers: { authorization: null } }],
  ["remote", { bearer: "t0ken", headers: { "X-Key": "v" } }, {
    headers: { "x-key": "v", authorization: "Bearer t0ken" },
  }],
];

for (const [kind, given, override] of OVERRIDES) {
  Deno.test(`parseOverride takes ${JSON.stringify(given)} for a ${kind}`, () => {
    assert.deepEqual(parseOverride(given, kind), { override });
  });
}

const ANY = "expected any of args, env, headers and bearer";
const FIXED = `cannot be changed while the server is served: ${ANY}`;
const OWN = "is set by Keystone itself, for each message or connection";
const HIDDEN = "[REDACTED] stands for a secret that is not shown: expected the secret itself";
const NO_COMMAND = "this server is a remote, which is not started here: expected headers or bearer";

const REFUSED: readonly [ServerKind, unknown, string[]][] = [
  ...[null, "x", 7, ["args"]].map((given): [ServerKind, unknown, string[]] => [
    "command",
    given,
    [`${ANY}, in a JSON object`],
  ]),
  ["command", { command: "rm", cwd: "/", port: 1, ssePath: "/x", transport: "ws", argz: [] }, [
    `command: ${FIXED}`,
    `cwd: ${FIXED}`,
    `port: ${FIXED}`,
    `ssePath: ${FIXED}`,
    `transport: ${FIXED}`,
    `argz: no setting: ${ANY}`,
  ]],
  ["remote", { url: "http://a", args: [], env: {} }, [
    `url: ${FIXED}`,
    `args: ${NO_COMMAND}`,
    `env: ${NO_COMMAND}`,
  ]],
  ["command", { headers: {}, bearer: "t" }, [
    "headers: this server is a command, which is told no headers: expected args or env",
    "bearer: this server is a command, which is told no headers: expected args or env",
  ]],
  ["command", { args: "-v", env: ["A=1"] }, [
    "args: expected a list of texts, or null",
    "env: expected an object of texts by name, or null",
  ]],
  ["command", { args: ["a", 1, "b\0c", REDACTED] }, [
    "args[1]: expected a text",
    "args[2]: expected a text without NUL",
    `args[3]: ${HIDDEN}`,
  ]],
  ["command", { env: { "": "a", "SECRET=s3cret": "x", NUMBER: 1, NUL: "a\0", TOKEN: REDACTED } }, [
    "env.: expected the name of a variable, without = and NUL",
    "env.SECRET…: expected the name of a variable, without = and NUL",
    "env.NUMBER: expected a text, or null to take it away",
    "env.NUL: expected a text without NUL",
    `env.TOKEN: ${HIDDEN}`,
  ]],
  ["remote", { headers: { "X Y": "s3cret", A: "a\r\nB: s3cret", B: "", C: 1, D: REDACTED } }, [
    "headers.X…: expected the name of a header",
    "headers.A: expected a value that a header may carry",
    "headers.B: expected a value that a header may carry",
    "headers.C: expected a text, or null to take it away",
    `headers.D: ${HIDDEN}`,
  ]],
  ...[
    "Host",
    "content-length",
    "Transfer-Encoding",
    "Connection",
    "Mcp-Session-Id",
    "Sec-WebSocket-Key",
    "TE",
  ]
    .map((name): [ServerKind, unknown, string[]] => [
      "remote",
      { headers: { [name]: "x" } },
      [`headers.${name}: ${OWN}`],
    ]),
  ["remote", { headers: { "X-A": "1", "x-a": "2" } }, [
    "headers.x-a: given twice: names of headers have no case",
  ]],
  ["remote", { bearer: "two words" }, ["bearer: expected one token without spaces, or null"]],
  ["remote", { bearer: 7 }, ["bearer: expected one token without spaces, or null"]],
  ["remote", { bearer: REDACTED }, [`bearer: ${HIDDEN}`]],
  ...[{ AUTHORIZATION: "Basic x" }, { authorization: null }, null].map((
    headers,
  ): [ServerKind, unknown, string[]] => [
    "remote",
    { bearer: "t", headers },
    ["bearer: it is the header Authorization, which headers has beside it: expected one of the two"],
  ]),
];

for (const [kind, given, problems] of REFUSED) {
  Deno.test(`parseOverride refuses ${JSON.stringify(given)} for a ${kind}, and names all that is wrong`, () => {
    const parsed = parseOverride(given, kind);
    assert.deepEqual(parsed, { problems });
    assert.doesNotMatch(JSON.stringify(parsed), /s3cret/);
  });
}

Deno.test("parseOverride makes an own variable of any name, __proto__ too", () => {
  const parsed = parseOverride(JSON.parse('{"env": {"__proto__": "x"}}'), "command");
  assert("override" in parsed);
  assert.deepEqual(Object.entries(parsed.override.env ?? {}), [["__proto__", "x"]]);
});
