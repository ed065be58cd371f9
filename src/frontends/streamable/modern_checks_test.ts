import assert from "node:assert/strict";
import { RequestError, RpcCode } from "../../core/errors.ts";
import { MetaKey } from "../../core/mcp/request_meta.ts";
import type { JsonRpcRequest, Params } from "../../core/message/jsonrpc.ts";
import { type AnnotatedTools, checkModern } from "./modern_checks.ts";

const REVISION = "2026-07-28";
const META = { [MetaKey.revision]: REVISION, [MetaKey.capabilities]: {} };
const { headerMismatch, invalidParams, unsupportedRevision, methodNotFound } = RpcCode;

type Headers = Readonly<Record<string, string>>;

function message(method: string, params: Params = {}, meta: Params | undefined = META): JsonRpcRequest {
  return { jsonrpc: "2.0", id: 7, method, params: { ...params, ...meta && { _meta: meta } } };
}

function posted(headers: Headers): Request {
  return new Request("http://localhost/mcp", { method: "POST", headers });
}

/** As a client that keeps to the protocol sends them. */
function headersOf({ method, params }: JsonRpcRequest, more: Headers = {}): Headers {
  const name = params?.name ?? params?.uri;
  const named = typeof name === "string" && { "Mcp-Name": name };
  return { "MCP-Protocol-Version": REVISION, "Mcp-Method": method, ...named, ...more };
}

function refused(headers: Headers, body: JsonRpcRequest, tools?: AnnotatedTools): RequestError {
  try {
    checkModern(posted(headers), body, tools);
  } catch (error) {
    assert(error instanceof RequestError, `${error}`);
    assert.equal(error.requestId, 7);
    return error;
  }
  assert.fail(`It was let in: ${JSON.stringify([headers, body])}`);
}

function without(headers: Headers, ...names: string[]): Headers {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name)));
}

Deno.test("checkModern lets in what says the same in headers and body, and says what that is", () => {
  const client = { name: "c", version: "1" };
  const meta = { ...META, [MetaKey.client]: client, [MetaKey.logLevel]: "info" };
  const call = message("tools/call", { name: "echo" }, meta);
  assert.deepEqual(checkModern(posted(headersOf(call)), call), {
    ...{ revision: REVISION, capabilities: {}, client, logLevel: "info" },
  });
  const others = [
    message("tools/list"),
    message("server/discover"),
    message("prompts/get", { name: "greet" }),
    message("resources/read", { uri: "file:///projects/myapp/config.json" }),
    message("vendor/anything", { name: "x" }),
  ];
  for (const other of others) checkModern(posted(headersOf(other)), other);
});

Deno.test("checkModern refuses a request that does not say of itself what it must, naming the key", () => {
  const cases: [Params | undefined, string, string][] = [
    [undefined, "_meta", "missing"],
    [{ [MetaKey.capabilities]: {} }, MetaKey.revision, "missing"],
    [{ [MetaKey.revision]: REVISION }, MetaKey.capabilities, "missing"],
    [{ ...META, [MetaKey.revision]: 7 }, MetaKey.revision, "not a string"],
  ];
  for (const [meta, key, problem] of cases) {
    const body = { ...message("server/discover"), params: { ...meta && { _meta: meta } } };
    // Whatever its headers say.
    for (const headers of [headersOf(body), {}, { "Mcp-Method": "tools/list" }]) {
      const error = refused(headers, body);
      assert.deepEqual([error.status, error.code, error.data], [400, invalidParams, { key, problem }]);
      assert.match(error.message, new RegExp(`^Invalid params: .*${key}"?\\]? is ${problem}$`));
    }
  }
});

Deno.test("checkModern refuses a revision that is not served, and says which are", () => {
  for (const requested of ["v999.0.0", "2025-11-25", ""]) {
    const body = message("server/discover", {}, { ...META, [MetaKey.revision]: requested });
    for (const headers of [{ ...headersOf(body), "MCP-Protocol-Version": requested }, {}]) {
      const error = refused(headers, body);
      assert.deepEqual([error.status, error.code], [400, unsupportedRevision]);
      assert.deepEqual(error.data, { supported: [REVISION], requested });
    }
  }
  const long = message("tools/list", {}, { ...META, [MetaKey.revision]: "9".repeat(1_000_000) });
  assert(JSON.stringify(refused({}, long).data).length < 300);
});

Deno.test("checkModern refuses standard headers that are missing or say something else, whatever their case", () => {
  const call = message("tools/call", { name: "echo" });
  const right = headersOf(call);
  const cases: [Headers, string][] = [
    [
      without(right, "MCP-Protocol-Version"),
      'MCP-Protocol-Version header is missing, and protocolVersion in _meta of the body is "2026-07-28"',
    ],
    [without(right, "Mcp-Method"), 'Mcp-Method header is missing, and method of the body is "tools/call"'],
    [without(right, "Mcp-Name"), 'Mcp-Name header is missing, and params.name of the body is "echo"'],
    [
      { ...right, "MCP-Protocol-Version": "2025-11-25" },
      'MCP-Protocol-Version header value is "2025-11-25", and protocolVersion in _meta of the body is "2026-07-28"',
    ],
    [
      { ...right, "Mcp-Method": "TOOLS/CALL" },
      'Mcp-Method header value is "TOOLS/CALL", and method of the body is "tools/call"',
    ],
    [
      { ...right, "Mcp-Name": "Echo" },
      'Mcp-Name header value is "Echo", and params.name of the body is "echo"',
    ],
    [{ ...right, "Mcp-Name": "=?base64?ZWNobw?=" }, 'Mcp-Name header value "=?base64?ZWNobw?=" is not valid'],
    [{ ...right, "Mcp-Name": "" }, 'Mcp-Name header value is "", and params.name of the body is "echo"'],
  ];
  for (const [headers, what] of cases) {
    const error = refused(headers, call);
    assert.deepEqual([error.status, error.code, error.message], [
      400,
      headerMismatch,
      `Header mismatch: ${what}`,
    ]);
  }
  const read = message("resources/read", { uri: "file:///a" });
  assert.match(
    refused(without(headersOf(read), "Mcp-Name"), read).message,
    /params.uri of the body is "file:\/\/\/a"$/,
  );
});

Deno.test("checkModern takes names of headers in any case, white space around a value, and what is encoded", () => {
  const call = message("tools/call", { name: "wetter_münchen" });
  const encoded = "=?base64?d2V0dGVyX23DvG5jaGVu?=";
  checkModern(
    posted({ "mcp-protocol-version": REVISION, "MCP-METHOD": "tools/call", "mcp-name": encoded }),
    call,
  );
  const echo = message("tools/call", { name: "echo" });
  checkModern(posted({ ...headersOf(echo), "Mcp-Name": "  echo\t" }), echo);
  checkModern(posted({ ...headersOf(echo), "Mcp-Name": "=?base64?ZWNobw==?=" }), echo);
});

Deno.test("checkModern refuses a header that comes twice, or says what the body does not", () => {
  const call = message("tools/call", { name: "echo" });
  const twice = posted(headersOf(call));
  twice.headers.append("Mcp-Name", "echo");
  assert.throws(
    () => checkModern(twice, call),
    /^RequestError: Header mismatch: Mcp-Name header value is "echo, echo"/,
  );
  const nameless = message("tools/call");
  const { message: text } = refused({ ...headersOf(nameless), "Mcp-Name": "echo" }, nameless);
  assert.equal(text, 'Header mismatch: Mcp-Name header value is "echo", and the body has no params.name');
  // What is wrong with such a body is for the server to say.
  checkModern(posted(headersOf(nameless)), nameless);
});

Deno.test("checkModern refuses for the first thing that is wrong, in the order of the official SDK", () => {
  const other = { ...META, [MetaKey.revision]: "v999.0.0" };
  const unserved = message("tools/call", { name: "echo" }, other);
  const call = message("tools/call", { name: "echo" });
  const cases: [Headers, JsonRpcRequest, number, RegExp][] = [
    [
      { "MCP-Protocol-Version": REVISION, "Mcp-Method": "x" },
      unserved,
      headerMismatch,
      /MCP-Protocol-Version header value/,
    ],
    [{ "Mcp-Method": "x" }, unserved, headerMismatch, /Mcp-Method header value/],
    [{ "Mcp-Name": "x" }, unserved, unsupportedRevision, /v999/],
    [{ "Mcp-Method": "x" }, call, headerMismatch, /Mcp-Method header value/],
    [{ "Mcp-Name": "x" }, call, headerMismatch, /MCP-Protocol-Version header is missing/],
    [{ "MCP-Protocol-Version": REVISION }, call, headerMismatch, /Mcp-Method header is missing/],
    [{}, message("ping"), headerMismatch, /MCP-Protocol-Version header is missing/],
  ];
  for (const [headers, body, code, text] of cases) {
    const error = refused(headers, body);
    assert.equal(error.code, code);
    assert.match(error.message, text);
  }
});

Deno.test("checkModern knows no method that went with the handshake", () => {
  for (
    const method of ["initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"]
  ) {
    const body = message(method);
    const { status, code, message: text } = refused(headersOf(body), body);
    assert.deepEqual([status, code], [404, methodNotFound]);
    assert.equal(text, `Method not found: "${method}" (not in 2026-07-28)`);
  }
});

const TOOLS: AnnotatedTools = {
  annotationsOf: (tool) =>
    tool === "sql"
      ? [
        { header: "Region", path: ["region"], type: "string" },
        { header: "Priority", path: ["options", "priority"], type: "integer" },
      ]
      : undefined,
};

function sql(args: unknown, headers: Headers): [Headers, JsonRpcRequest] {
  const call = message("tools/call", { name: "sql", arguments: args });
  return [headersOf(call, headers), call];
}

Deno.test("checkModern compares what a tool mirrors of its arguments", () => {
  const good: [unknown, Headers][] = [
    [{ region: "us-west1" }, { "Mcp-Param-Region": "us-west1" }],
    [{ region: "Hello" }, { "MCP-PARAM-REGION": "=?base64?SGVsbG8=?=" }],
    [{ region: "SGVsbG8=" }, { "Mcp-Param-Region": "SGVsbG8=" }],
    [{ region: "=?base64?SGVsbG8=" }, { "Mcp-Param-Region": "=?base64?SGVsbG8=" }],
    [{ region: "", options: { priority: 42 } }, { "Mcp-Param-Region": "", "Mcp-Param-Priority": "42.0" }],
    [{ region: null, options: {} }, {}],
    [{ query: "x" }, { "Mcp-Param-Other": "=?base64?!?=" }],
    [undefined, {}],
    // No header may stand for these, so none is missed.
    [{ options: { priority: 2n ** 60n } }, {}],
    [{ options: { priority: 2n ** 60n } }, { "Mcp-Param-Priority": `${2n ** 60n}` }],
    [{ region: { a: 1 } }, {}],
  ];
  for (const [args, headers] of good) {
    const [all, call] = sql(args, headers);
    checkModern(posted(all), call, TOOLS);
  }
});

Deno.test("checkModern refuses what a tool mirrors of its arguments and is missing, invalid or another value", () => {
  const cases: [unknown, Headers, string][] = [
    [
      { region: "us-west1" },
      {},
      'Mcp-Param-Region header is missing, and params.arguments.region of the body is "us-west1"',
    ],
    [{ region: "" }, {}, 'Mcp-Param-Region header is missing, and params.arguments.region of the body is ""'],
    [
      { options: { priority: 0 } },
      { "Mcp-Param-Priority": "1" },
      'Mcp-Param-Priority header value is "1", and params.arguments.options.priority of the body is 0',
    ],
    ...["SGVsbG8", "SGVs!!!bG8="].map((encoded): [unknown, Headers, string] => [
      ...[{ region: "Hello" }, { "Mcp-Param-Region": `=?base64?${encoded}?=` }] as const,
      `Mcp-Param-Region header value "=?base64?${encoded}?=" is not valid`,
    ]),
    [
      { region: null },
      { "Mcp-Param-Region": "us-west1" },
      'Mcp-Param-Region header value is "us-west1", and the body has no params.arguments.region',
    ],
    [
      { region: { a: 1 } },
      { "Mcp-Param-Region": "us-west1" },
      'Mcp-Param-Region header value is "us-west1", and params.arguments.region of the body is an object',
    ],
    [
      { options: { priority: 2n ** 60n } },
      { "Mcp-Param-Priority": "1" },
      `Mcp-Param-Priority header value is "1", and params.arguments.options.priority of the body is ${
        2n ** 60n
      }`,
    ],
  ];
  for (const [args, headers, what] of cases) {
    const error = refused(...sql(args, headers), TOOLS);
    assert.deepEqual([error.status, error.code, error.message], [
      400,
      headerMismatch,
      `Header mismatch: ${what}`,
    ]);
  }
});

Deno.test("checkModern leaves arguments alone where nothing is known of the tool", () => {
  const [headers, call] = sql({ region: "us-west1" }, { "Mcp-Param-Region": "other" });
  checkModern(posted(headers), call);
  checkModern(posted(headers), call, { annotationsOf: () => undefined });
});

Deno.test("checkModern echoes no more than the beginning of a value, and nothing that leaves its line", () => {
  const call = message("tools/call", { name: `a\n${"x".repeat(100_000)}` });
  const { message: text } = refused(
    { ...headersOf(message("tools/call")), "Mcp-Name": "y".repeat(5_000) },
    call,
  );
  assert(text.length < 400 && !text.includes("\n"), text);
});
