/** What each route refuses, with which status, and that nothing internal shows in any refusal. */
import assert from "node:assert/strict";
import { beginSocket, beginSse, inTime, openSse } from "../support/conversation.ts";
import { eventually, type Keystone, SCRIPTED, SMALL_MODERN, startKeystone } from "../support/keystone.ts";
import { rawRequest, upgradeRequest } from "../support/raw_http.ts";
import {
  ACCEPT,
  allMessages,
  answer,
  beginSession,
  callTool,
  initialize,
  post,
  request,
} from "../support/rpc.ts";

/** A page that --cors lets in: each answer has to be readable for it. */
const ORIGIN = "https://app.example";
const MAX_BODY = 64 * 1024;
const FLAGS = ["--cors", ORIGIN, "--maxBodySize", "64k"];

interface Refusal {
  /** Ends the sentence "… refuses". */
  what: string;
  ask(): Promise<Response>;
  status: number;
  code?: number;
  id?: unknown;
  /** Of the error, where it has more than words. */
  data?: unknown;
  allow?: string;
}

interface PostOptions {
  session?: string | undefined;
  headers?: Record<string, string>;
}

const send = (url: string, body: unknown, { session, headers }: PostOptions = {}) =>
  post(url, body, { session, headers: { Origin: ORIGIN, ...headers } });

/** Without a body; with one, it comes in chunks of unknown number. */
function ask(url: string, method: string, headers: Record<string, string> = {}, body?: string) {
  const init = { method, headers: { Origin: ORIGIN, ...headers } };
  return fetch(url, body === undefined ? init : { ...init, body: new Blob([body]).stream() });
}

async function assertRefused(response: Response, { status, code = -32000, id = null, data, allow }: Refusal) {
  assert.equal(response.status, status);
  assert.equal(response.headers.get("content-type"), "application/json");
  assert.equal(response.headers.get("access-control-allow-origin"), ORIGIN);
  assert.equal(response.headers.get("allow"), allow ?? null);
  assertNoBanner(response.headers);
  const { error, ...rest } = await response.json();
  assert.deepEqual(rest, { jsonrpc: "2.0", id });
  assert.deepEqual(Object.keys(error), ["code", "message", ...data === undefined ? [] : ["data"]]);
  assert.equal(error.code, code, error.message);
  assert.deepEqual(error.data, data);
  assertTellsNothing(error.message);
}

function assertNoBanner(headers: Headers): void {
  for (const name of ["server", "x-powered-by", "via", "x-runtime"]) {
    assert.equal(headers.get(name), null, name);
  }
  assert.doesNotMatch(JSON.stringify([...headers]), /hono|deno|express|node\.js/i);
}

/** No stack, no path, no address of a module. */
function assertTellsNothing(text: string): void {
  assert.doesNotMatch(text, /\n|\bat \w+ ?\(|\.[jt]s\b|file:|(^|[\s"'(])\/\w+\//);
}

async function check(t: Deno.TestContext, refusals: readonly Refusal[]): Promise<void> {
  for (const refusal of refusals) {
    await t.step(`${refusal.status} for ${refusal.what}`, async () => {
      await assertRefused(await refusal.ask(), refusal);
    });
  }
}

/** What every route that takes messages refuses by looking at the body and its headers alone. */
function badPosts(url: string, options: PostOptions = {}): Refusal[] {
  const headers = { ...options.headers, ...options.session && { "Mcp-Session-Id": options.session } };
  const refusal = (what: string, body: unknown, expected: { code: number; id?: unknown }): Refusal => ({
    what,
    ask: () => send(url, body, options),
    status: 400,
    ...expected,
  });
  const typed = (type: string): Refusal => ({
    what: `Content-Type ${JSON.stringify(type)}`,
    ask: () => send(url, request(1, "ping"), { headers: { ...headers, "Content-Type": type } }),
    status: 415,
  });
  const twice = [request("twice", "ping"), request("twice", "ping")];
  return [
    refusal("a body that is not JSON", '{"jsonrpc":"2.0","id":1,', { code: -32700 }),
    refusal("an empty body", "", { code: -32700 }),
    refusal("an object that is no message", { foo: 1 }, { code: -32600 }),
    refusal("another version of JSON-RPC", { jsonrpc: "1.0", id: 1, method: "ping" }, { code: -32600 }),
    refusal("null as an id", { jsonrpc: "2.0", id: null, method: "ping" }, { code: -32600 }),
    refusal("a number", "123", { code: -32600 }),
    refusal("an empty batch", [], { code: -32600 }),
    refusal("a batch with something that is no message", [request(1, "ping"), 1], { code: -32600 }),
    refusal("an id twice in a batch", twice, { code: -32600 }),
    refusal("initialize in a batch", [initialize(1), request(2, "ping")], { code: -32600 }),
    ...["text/plain", "application/jsonp", "multipart/form-data; boundary=x", ""].map(typed),
    {
      what: "a body over the limit, its length announced",
      ask: () => send(url, padded(MAX_BODY + 1), options),
      status: 413,
    },
    {
      what: "a body over the limit, in chunks",
      ask: () => ask(url, "POST", { ...jsonHeaders, ...headers }, padded(MAX_BODY + 1)),
      status: 413,
    },
  ];
}

const jsonHeaders = { "Content-Type": "application/json", Accept: ACCEPT };

/** A ping of exactly so many bytes. */
function padded(bytes: number): string {
  const text = JSON.stringify(request("padded", "ping"));
  return text + " ".repeat(bytes - text.length);
}

/** Bodies up to the limit, announced and in chunks; settles with the statuses. */
async function atTheLimit(url: string, headers: Record<string, string> = {}): Promise<number[]> {
  const statuses = [];
  for (const bytes of [MAX_BODY - 1, MAX_BODY]) {
    const announced = await send(url, padded(bytes), { headers });
    statuses.push(announced.status);
    await announced.body?.cancel();
    const chunked = await ask(url, "POST", { ...jsonHeaders, ...headers }, padded(bytes));
    statuses.push(chunked.status);
    await chunked.body?.cancel();
  }
  return statuses;
}

function badVersions(url: string, session?: string): Refusal[] {
  const named = (version: string) => ({
    what: `MCP-Protocol-Version ${JSON.stringify(version)}`,
    id: 1,
    ask: () => send(url, request(1, "ping"), { session, headers: { "MCP-Protocol-Version": version } }),
    status: 400,
  });
  const unsaid = { code: -32602, data: { key: "_meta", problem: "missing" } };
  return [...["1999-01-01", "", "latest"].map(named), { ...named("2026-07-28"), ...unsaid }];
}

function badMethods(url: string, allow: string): Refusal[] {
  const allowed = allow.split(", ");
  return ["GET", "POST", "PUT", "PATCH", "DELETE", "QUERY"].filter((method) => !allowed.includes(method))
    .map((method) => ({ what: method, ask: () => ask(url, method), status: 405, allow }));
}

function badAccepts(url: string, session?: string): Refusal[] {
  return ["application/json", "text/event-stream", "text/html, image/png"].map((Accept) => ({
    what: `POST that accepts ${Accept}`,
    ask: () => send(url, initialize(1), { session, headers: { Accept } }),
    status: 406,
  }));
}

Deno.test("/mcp with sessions refuses what is wrong, and the session that was named lives on", async (t) => {
  await using gateway = await startKeystone(["--stateful", ...FLAGS], { server: SCRIPTED });
  const { mcp } = gateway;
  const session = await beginSession(mcp);
  const named = { "Mcp-Session-Id": session };
  const stream = { Accept: "text/event-stream" };
  const unknown = { "Mcp-Session-Id": "00000000-0000-4000-8000-000000000000" };
  const ended = { "Mcp-Session-Id": await beginSession(mcp) };
  await (await ask(mcp, "DELETE", ended)).body?.cancel();
  await check(t, [
    ...badPosts(mcp, { session }),
    ...badVersions(mcp, session),
    ...badMethods(mcp, "GET, POST, DELETE"),
    ...badAccepts(mcp, session),
    {
      what: "GET that accepts JSON",
      ask: () => ask(mcp, "GET", { ...named, Accept: "application/json" }),
      status: 406,
    },
    { what: "POST without a session", ask: () => send(mcp, request(1, "ping")), status: 400, id: 1 },
    { what: "GET without a session", ask: () => ask(mcp, "GET", stream), status: 400 },
    { what: "DELETE without a session", ask: () => ask(mcp, "DELETE"), status: 400 },
    ...Object.entries({ unknown, ended }).flatMap(([kind, headers]): Refusal[] => [
      {
        what: `POST of an ${kind} session`,
        ask: () => send(mcp, request("x", "ping"), { headers }),
        status: 404,
        code: -32001,
        id: "x",
      },
      {
        what: `POST of a notification of an ${kind} session`,
        ask: () => send(mcp, { jsonrpc: "2.0", method: "notifications/initialized" }, { headers }),
        status: 404,
        code: -32001,
      },
      {
        what: `initialize in an ${kind} session`,
        ask: () => send(mcp, initialize(1), { headers }),
        status: 404,
        code: -32001,
        id: 1,
      },
      {
        what: `GET of an ${kind} session`,
        ask: () => ask(mcp, "GET", { ...headers, ...stream }),
        status: 404,
        code: -32001,
      },
      {
        what: `DELETE of an ${kind} session`,
        ask: () => ask(mcp, "DELETE", headers),
        status: 404,
        code: -32001,
      },
    ]),
    ...["GET", "DELETE"].map((method) => ({
      what: `${method} with an unsupported version`,
      ask: () => ask(mcp, method, { ...named, ...stream, "MCP-Protocol-Version": "2026-07-28" }),
      status: 400,
    })),
    {
      what: "a second initialize",
      ask: () => send(mcp, initialize(1), { session }),
      status: 400,
      code: -32600,
      id: 1,
    },
  ]);
  assert.deepEqual(await atTheLimit(mcp, named), [200, 200, 200, 200]);
  for (const version of ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"]) {
    const headers = { "MCP-Protocol-Version": version, "Content-Type": "application/json; charset=utf-8" };
    const { result } = await answer(await send(mcp, callTool(1, "seen"), { session, headers }));
    assert.deepEqual(result.structuredContent.cancelled, []);
  }
  // One child for the session; none was started for anything that was refused.
  assert.equal((await eventually(() => gateway.children(), (children) => children.length <= 1)).length, 1);
});

Deno.test("/mcp without sessions refuses what is wrong", async (t) => {
  await using gateway = await startKeystone(FLAGS, { server: SCRIPTED });
  const { mcp } = gateway;
  await check(t, [
    ...badPosts(mcp),
    ...badVersions(mcp),
    ...badMethods(mcp, "POST"),
    ...badAccepts(mcp),
  ]);
  assert.deepEqual(await gateway.children(), []);
  assert.deepEqual(await atTheLimit(mcp), [200, 200, 200, 200]);
  const body = JSON.stringify(request(1, "ping"));
  const json = { "Content-Type": "application/json" };
  using undemanding = await rawRequest(gateway.port, { method: "POST", path: "/mcp", headers: json, body });
  using untyped = await rawRequest(gateway.port, {
    method: "POST",
    path: "/mcp",
    headers: { Accept: ACCEPT },
    body,
  });
  assert.deepEqual([undemanding.status, untyped.status], [200, 415]);
  const spelled = { Accept: "Text/Event-Stream;q=0.5, Application/JSON", "Content-Type": "Application/JSON" };
  assert.deepEqual((await answer(await send(mcp, request(1, "ping"), { headers: spelled }))).result, {});
  // There are no sessions, so there is none that could be unknown.
  const { result } = await answer(await send(mcp, request(1, "ping"), { session: "whatever" }));
  assert.deepEqual(result, {});
});

Deno.test("/sse and /message refuse what is wrong, and the session that was named lives on", async (t) => {
  await using gateway = await startKeystone(FLAGS, { server: SCRIPTED });
  await using client = await beginSse(gateway);
  const message = `http://127.0.0.1:${gateway.port}/message`;
  const refusal = (what: string, query: string, status: number, code?: number): Refusal => ({
    what,
    ask: () => send(message + query, request(1, "ping")),
    status,
    ...code !== undefined && { code },
  });
  await check(t, [
    ...badMethods(gateway.sse, "GET"),
    ...badMethods(message, "POST"),
    refusal("POST without a session", "", 400),
    refusal("POST of an unknown session", "?sessionId=00000000-0000-4000-8000-000000000000", 404, -32001),
    ...badPosts(client.endpoint),
  ]);
  assert.deepEqual(await atTheLimit(client.endpoint), [202, 202, 202, 202]);
  for (let pings = 0; pings < 4; pings++) assert.equal((await client.next()).id, "padded");
  await client.send(callTool("after", "echo"));
  assert.equal((await client.next()).id, "after");
});

Deno.test("/ws and paths that lead nowhere refuse what is wrong", async (t) => {
  await using gateway = await startKeystone([...FLAGS, "--healthEndpoint", "/ok"], { server: SCRIPTED });
  const base = `http://127.0.0.1:${gateway.port}`;
  await check(t, [
    { what: "a plain GET", ask: () => ask(`${base}/ws`, "GET"), status: 426 },
    ...badMethods(`${base}/ws`, "GET"),
    ...badMethods(`${base}/health`, "GET, HEAD"),
    ...badMethods(`${base}/ok`, "GET, HEAD"),
    ...["/", "/nope", "/mcp/x", "/favicon.ico", "//evil.example/", "/%2e%2e/etc/passwd"]
      .flatMap((path) =>
        ["GET", "POST"].map((method) => ({
          what: `${method} ${path}`,
          ask: () => ask(base + path, method),
          status: 404,
        }))
      ),
  ]);
  const plain = await ask(`${base}/ws`, "GET");
  assert.equal(plain.headers.get("upgrade"), "websocket");
  await plain.body?.cancel();
  // An upgrade without its key, and one at a route of another wire.
  using broken = await rawRequest(gateway.port, { path: "/ws", headers: { Upgrade: "websocket" } });
  using lost = await rawRequest(gateway.port, upgradeRequest("/nope"));
  assert.deepEqual([broken.status, lost.status], [400, 404]);
  for (const { body } of [broken, lost]) assert.equal(JSON.parse(body).error.code, -32000);
  // HEAD has no body, and else the answer of GET.
  const head = await ask(`${base}/mcp`, "HEAD");
  assert.deepEqual([head.status, head.headers.get("allow"), await head.text()], [405, "POST", ""]);
  assert.deepEqual(await gateway.children(), []);
});

Deno.test("a slash at the end of a path changes nothing", async () => {
  await using gateway = await startKeystone(FLAGS, { server: SCRIPTED });
  const statuses = async (slash: string) => {
    const base = `http://127.0.0.1:${gateway.port}`;
    const plain = ["/mcp", "/message", "/ws", "/health", "/nope"].map(async (path) => {
      using answered = await rawRequest(gateway.port, { path: path + slash });
      return answered.status;
    });
    const upgrades = ["/ws", "/message"].map(async (path) => {
      using answered = await rawRequest(gateway.port, upgradeRequest(path + slash));
      return answered.status;
    });
    const posted = await send(`${base}/mcp${slash}`, request(1, "ping"));
    await posted.body?.cancel();
    return [...await Promise.all([...plain, ...upgrades]), posted.status];
  };
  assert.deepEqual(await statuses(""), [405, 405, 426, 200, 404, 101, 101, 200]);
  assert.deepEqual(await statuses("/"), await statuses(""));
});

Deno.test("--cors answers the preflight of every route", async () => {
  await using gateway = await startKeystone(FLAGS, { server: SCRIPTED });
  for (const path of ["/mcp", "/sse", "/message", "/health"]) {
    const response = await ask(`http://127.0.0.1:${gateway.port}${path}`, "OPTIONS", {
      "Access-Control-Request-Method": "POST",
      "Access-Control-Request-Headers": "content-type,mcp-session-id,mcp-protocol-version",
    });
    assert.deepEqual([response.status, await response.text()], [204, ""]);
    const header = (name: string) => response.headers.get(`access-control-${name}`);
    assert.equal(header("allow-origin"), ORIGIN);
    assert.equal(header("allow-headers"), "content-type,mcp-session-id,mcp-protocol-version");
    assert.match(header("allow-methods") ?? "", /GET,POST,DELETE/);
  }
  const page = await send(gateway.mcp, initialize(1));
  assert.match(page.headers.get("access-control-expose-headers") ?? "", /Mcp-Session-Id/i);
  assertNoBanner(page.headers);
  await page.body?.cancel();
});

const PREFIX = "io.modelcontextprotocol/";
const [REVISION, CAPABILITIES] = [`${PREFIX}protocolVersion`, `${PREFIX}clientCapabilities`];
const MODERN_META = { [REVISION]: "2026-07-28", [CAPABILITIES]: {} };

interface ModernRefusal extends Omit<Refusal, "ask"> {
  /** `tools/call` where none is told. */
  method?: string;
  params?: Record<string, unknown>;
  headers?: Record<string, string>;
}

/** A POST of 2026-07-28 that is right but for what is told. */
function modern(url: string, { method = "tools/call", params, headers, ...refusal }: ModernRefusal): Refusal {
  const repeated = {
    "MCP-Protocol-Version": "2026-07-28",
    "Mcp-Method": method,
    ...method === "tools/call" && { "Mcp-Name": "echo" },
  };
  const body = request("m", method, {
    ...method === "tools/call" && { name: "echo" },
    _meta: MODERN_META,
    ...params,
  });
  return { ...refusal, id: "m", ask: () => send(url, body, { headers: { ...repeated, ...headers } }) };
}

function badModernPosts(url: string): Refusal[] {
  const unsaid = (what: string, key: string, _meta?: unknown, problem = "missing"): ModernRefusal => ({
    ...{ what, params: { _meta }, status: 400, code: -32602, data: { key, problem } },
  });
  const mismatch = (what: string, headers: Record<string, string>): ModernRefusal => ({
    ...{ what, headers, status: 400, code: -32020 },
  });
  const unserved = {
    ...{
      headers: { "MCP-Protocol-Version": "2099-01-01" },
      params: { _meta: { ...MODERN_META } },
      status: 400,
    },
    ...{ code: -32022, data: { supported: ["2026-07-28"], requested: "2099-01-01" } },
  };
  unserved.params._meta[REVISION] = "2099-01-01";
  const gone = ["initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"];
  const refusals: ModernRefusal[] = [
    unsaid("no _meta", "_meta"),
    unsaid("a _meta without a revision", REVISION, { [CAPABILITIES]: {} }),
    unsaid("a _meta without capabilities", CAPABILITIES, { [REVISION]: "2026-07-28" }),
    unsaid(
      "capabilities of a kind of their own",
      CAPABILITIES,
      { ...MODERN_META, [CAPABILITIES]: [] },
      "not an object",
    ),
    mismatch("another revision in the header", { "MCP-Protocol-Version": "2025-11-25" }),
    mismatch("another method in the header", { "Mcp-Method": "tools/list" }),
    mismatch("another name in the header", { "Mcp-Name": "other" }),
    mismatch("a name that is not spelled as a header has it", { "Mcp-Name": "=?base64?####?=" }),
    { what: "a revision that nobody speaks", ...unserved },
    ...[...gone, "no/such"].map((method) => ({ what: method, method, status: 404, code: -32601 })),
  ];
  const plain = (what: string, body: unknown): Refusal => ({
    ...{ what, status: 400, code: -32600 },
    ask: () => send(url, body, { headers: { "MCP-Protocol-Version": "2026-07-28" } }),
  });
  return [
    ...refusals.map((refusal) => modern(url, refusal)),
    plain("a batch", [request(1, "tools/list", { _meta: MODERN_META })]),
    plain("a response", { jsonrpc: "2.0", id: 1, result: {} }),
  ];
}

for (const flags of [[], ["--stateful"]]) {
  Deno.test(`/mcp refuses what is wrong of 2026-07-28 ${flags}`, async (t) => {
    await using gateway = await startKeystone([...flags, ...FLAGS], { server: SCRIPTED });
    await check(t, badModernPosts(gateway.mcp));
    assert.doesNotMatch(gateway.stderr(), /Internal fault/);
  });
}

Deno.test("/mcp refuses with 400 a call for which a server needs what its client does not declare", async () => {
  await using gateway = await startKeystone(FLAGS, { server: SMALL_MODERN });
  const data = { requiredCapabilities: { elicitation: { form: {} } } };
  const refusal = modern(gateway.mcp, {
    what: "a call whose client cannot be asked",
    ...{ status: 400, code: -32021, data },
    ...{ params: { name: "ask", _meta: MODERN_META }, headers: { "Mcp-Name": "ask" } },
  });
  await assertRefused(await refusal.ask(), refusal);
});

Deno.test("--maxSessions refuses one session more on every wire, until one ends", async () => {
  await using gateway = await startKeystone(["--stateful", "--maxSessions", "2", ...FLAGS], {
    server: SCRIPTED,
  });
  const session = await beginSession(gateway.mcp);
  const socket = await beginSocket(gateway);
  const full = {
    what: "one session more",
    status: 503,
    ask: () => send(gateway.mcp, initialize("more")),
    id: "more",
  };
  const refused = await full.ask();
  assert.match(refused.headers.get("retry-after") ?? "", /^\d+$/);
  await assertRefused(refused, full);
  const stream = await ask(gateway.sse, "GET");
  assert.match(stream.headers.get("retry-after") ?? "", /^\d+$/);
  await assertRefused(stream, { ...full, id: null });
  using upgrade = await rawRequest(gateway.port, upgradeRequest("/ws"));
  assert.equal(upgrade.status, 503);
  assert.match(upgrade.headers.get("retry-after") ?? "", /^\d+$/);
  assert.match(JSON.parse(upgrade.body).error.message, /Too many sessions: the limit is 2/);
  // The sessions that are there are not touched.
  assert.deepEqual((await answer(await send(gateway.mcp, request(1, "ping"), { session }))).result, {});
  await socket[Symbol.asyncDispose]();
  await inTime(gateway.logged(/Session closed/), "log entry");
  await using next = await beginSse(gateway);
  await next.send(request(1, "ping"));
  assert.deepEqual((await next.next()).result, {});
  assert.doesNotMatch(gateway.stderr(), /Internal fault/);
});

Deno.test("a gateway that is stopping refuses new work with 503 on every route, and finishes the old", async () => {
  await using gateway = await startKeystone(["--stateful", ...FLAGS], { server: SCRIPTED });
  const session = await beginSession(gateway.mcp, { sampling: {} });
  await using client = await openSse(gateway);
  const asked = request("s", "sampling/createMessage", {});
  const open = await send(gateway.mcp, callTool("open", "ask", asked), { session });
  gateway.signal("SIGTERM");
  await inTime(gateway.logged(/Gateway is stopping/), "log entry");
  const stopping = (what: string, id: unknown, ask: () => Promise<Response>) => ({
    what,
    id,
    ask,
    status: 503,
  });
  const refusals = [
    stopping("a new session", 1, () => send(gateway.mcp, initialize(1))),
    stopping("a new request", 2, () => send(gateway.mcp, request(2, "ping"), { session })),
    stopping("a new event stream", null, () => ask(gateway.sse, "GET")),
    stopping("a new request by SSE", 3, () => send(client.endpoint, request(3, "ping"))),
  ];
  for (const refusal of refusals) {
    const response = await refusal.ask();
    assert.match(response.headers.get("retry-after") ?? "", /^\d+$/, refusal.what);
    await assertRefused(response, refusal);
  }
  using upgrade = await rawRequest(gateway.port, upgradeRequest("/ws"));
  assert.equal(upgrade.status, 503);
  const health = await fetch(`http://127.0.0.1:${gateway.port}/health`);
  assert.deepEqual([health.status, (await health.json()).status], [503, "stopping"]);
  // The reply to a request of the server belongs to an open call and still passes.
  await (await send(gateway.mcp, { jsonrpc: "2.0", id: "s", result: {} }, { session })).body?.cancel();
  assert.equal((await allMessages(open)).at(-1).id, "open");
  assert.equal((await gateway.status).code, 0);
  assert.doesNotMatch(gateway.stderr(), /Internal fault/);
});

const foreign = [
  { Host: "evil.example" },
  { Host: "evil.example:8000" },
  { Host: "localhost.evil.example" },
  { Host: "127.0.0.1.evil.example" },
  { Origin: "http://evil.example" },
  { Origin: "https://evil.example:8000" },
  { Origin: "http://localhost.evil.example" },
  { Origin: "null" },
  { Origin: "" },
  { Origin: "tauri://localhost" },
  { Host: "evil.example", Origin: "http://evil.example" },
];
/** RFC 9112 §3.2: no host at all. */
const malformed = ["evil.example@127.0.0.1", "not a host", "[", "127.0.0.1:99999", ""].map((Host) => ({
  Host,
}));

Deno.test("a foreign Host or Origin is refused with 403 on every route, a Host that is none with 400, upgrades included", async (t) => {
  await using gateway = await startKeystone(["--stateful", "--healthEndpoint", "/ok"], { server: SCRIPTED });
  const cases: [status: number, headers: Record<string, string>][] = [
    ...foreign.map((headers): [number, Record<string, string>] => [403, { ...headers }]),
    ...malformed.map((headers): [number, Record<string, string>] => [400, headers]),
  ];
  for (const [status, headers] of cases) {
    await t.step(`${status} for ${JSON.stringify(headers)}`, async () => {
      const requests = [
        ...["/mcp", "/sse", "/health", "/ok", "/ws", "/nope"].map((path) => ({ path, headers })),
        {
          method: "POST",
          path: "/mcp",
          headers: { ...jsonHeaders, ...headers },
          body: JSON.stringify(initialize()),
        },
        { method: "POST", path: "/message", headers: { ...jsonHeaders, ...headers }, body: "{}" },
        { method: "DELETE", path: "/mcp", headers },
        { method: "OPTIONS", path: "/mcp", headers },
        upgradeRequest("/ws", headers),
        upgradeRequest("/message", headers),
      ];
      for (const request of requests) {
        using refused = await rawRequest(gateway.port, request);
        const where = `${request.path} ${JSON.stringify(request.headers)}`;
        assert.equal(refused.status, status, where);
        assertNoBanner(refused.headers);
        assert.equal(refused.headers.get("access-control-allow-origin"), null);
        const { error, ...rest } = JSON.parse(refused.body);
        assert.deepEqual([rest, error.code], [{ jsonrpc: "2.0", id: null }, -32000], where);
        assertTellsNothing(error.message);
      }
    });
  }
  assert.deepEqual(await gateway.children(), []);
  assert.match(
    gateway.stderr(),
    /INF Request refused .*is not allowed; --allowedHost evil\.example lets it in/,
  );
  assert.match(
    gateway.stderr(),
    /is not allowed; --allowedOrigin https?:\/\/evil\.example lets it in, and --cors/,
  );
  assert.doesNotMatch(gateway.stderr(), /Internal fault|Session opened/);
});

/** The statuses of a plain request and of an upgrade. */
async function statuses(gateway: Keystone, headers: Record<string, string>): Promise<number[]> {
  using plain = await rawRequest(gateway.port, { path: "/health", headers });
  using upgrade = await rawRequest(gateway.port, upgradeRequest("/ws", headers));
  return [plain.status, upgrade.status];
}

Deno.test("loopback names pass as Host and Origin whatever their port", async () => {
  await using gateway = await startKeystone([], { server: SCRIPTED });
  for (const name of ["localhost", "127.0.0.1", "[::1]", `localhost:${gateway.port}`, "LocalHost:1"]) {
    assert.deepEqual(await statuses(gateway, { Host: name }), [200, 101], name);
    assert.deepEqual(await statuses(gateway, { Origin: `http://${name}` }), [200, 101], name);
  }
});

Deno.test("--allowedHost, --allowedOrigin and --cors each let in what they name, and nothing else", async () => {
  const cases = [
    {
      flags: ["--allowedHost", "mcp.example", "proxy.example:8443"],
      allowed: [{ Host: "mcp.example" }, { Host: "mcp.example:81" }, { Host: "proxy.example:8443" }],
      refused: [{ Host: "proxy.example" }, { Host: "x.mcp.example" }, { Origin: "https://app.example" }],
    },
    {
      flags: ["--allowedOrigin", "https://app.example"],
      allowed: [{ Origin: "https://app.example" }],
      refused: [{ Origin: "http://app.example" }, { Origin: "https://app.example:8443" }, {
        Host: "app.example",
      }],
    },
    {
      flags: ["--cors", "https://app.example", "/^https:\\/\\/\\w+\\.good\\.example$/"],
      allowed: [{ Origin: "https://app.example" }, { Origin: "https://a.good.example" }],
      refused: [{ Origin: "https://good.example.evil.example" }, { Origin: "https://other.example" }],
    },
    { flags: ["--cors"], allowed: [{ Origin: "https://any.example" }], refused: [{ Host: "any.example" }] },
    {
      flags: ["--allowedHost", "*", "--allowedOrigin", "*"],
      allowed: [{ Host: "any.example", Origin: "https://other.example" }, { Origin: "null" }],
      refused: [],
    },
  ];
  for (const { flags, allowed, refused } of cases) {
    await using gateway = await startKeystone(flags, { server: SCRIPTED });
    for (const headers of allowed as Record<string, string>[]) {
      assert.deepEqual(await statuses(gateway, headers), [200, 101], `${flags} ${JSON.stringify(headers)}`);
    }
    for (const headers of refused as Record<string, string>[]) {
      assert.deepEqual(await statuses(gateway, headers), [403, 403], `${flags} ${JSON.stringify(headers)}`);
    }
  }
});

Deno.test("/health says degraded with 503 while the server cannot be started, and recovers", async () => {
  const folder = await Deno.makeTempDir();
  try {
    // Starts only once the file is there.
    const line = '[ -e "$0/ready" ] && shift 0 && exec "$@"; exit 3';
    const server = ["/bin/sh", "-c", line, folder, ...SCRIPTED];
    const flags = ["--healthEndpoint", "/ok", "/healthz"];
    await using gateway = await startKeystone(flags, { server });
    const get = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${gateway.port}${path}`);
      return [response.status, await response.text()] as const;
    };
    const health = async () => {
      const [code, body] = await get("/health");
      const { status, service, version, timestamp, ...more } = JSON.parse(body);
      assert.deepEqual([service, more], ["keystone", {}]);
      assert.match(version, /^\d+\.\d+\.\d+/);
      assert(Math.abs(Date.parse(timestamp) - Date.now()) < 60_000, timestamp);
      return [code, status];
    };
    assert.deepEqual(await health(), [200, "ok"]);
    const failed = await answer(await post(gateway.mcp, request(1, "ping")));
    assert.equal(failed.error.message, "The MCP server exited with code 3");
    assert.deepEqual(await health(), [503, "degraded"]);
    await Deno.writeTextFile(`${folder}/ready`, "");
    assert.deepEqual((await answer(await post(gateway.mcp, request(2, "ping")))).result, {});
    assert.deepEqual(await health(), [200, "ok"]);
    for (const path of ["/ok", "/healthz"]) assert.deepEqual(await get(path), [200, "ok"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
