/** One process that holds more servers than one: each has its own routes, children, sessions and health. */
import assert from "node:assert/strict";
import { App } from "../../src/app.ts";
import type { Config, ServerConfig } from "../../src/config/config.ts";
import { ConfigError, StoppingError } from "../../src/core/errors.ts";
import type { RawOptions } from "../../src/config/options.ts";
import { type Recorder, recorder } from "../support/recorder.ts";
import { resolved } from "../support/config.ts";
import { eventually, SCRIPTED } from "../support/keystone.ts";
import { answer, beginSession, callTool, initialize, messagesOf, post } from "../support/rpc.ts";
import { rawRequest } from "../support/raw_http.ts";
import { SMALL } from "../support/small_server.ts";

const COMMON = { children: "session", stateful: "true", port: "0", logLevel: "none" };
const BROKEN = ["/bin/sh", "-c", "exit 3"];

interface Line {
  readonly argv: readonly string[];
  readonly options?: RawOptions;
}

function serverOf({ argv, options }: Line): ServerConfig {
  const [server] = resolved({ ...COMMON, ...options }, { argv: [...argv] }).config.servers.values();
  assert(server);
  return server;
}

function configOf(lines: Readonly<Record<string, Line>>, options: RawOptions = {}): Config {
  const servers = Object.entries(lines).map(([name, line]) => [name, serverOf(line)] as const);
  const { process } = resolved({ ...COMMON, ...options }, { argv: SMALL }).config;
  return { process, servers: new Map(servers) };
}

interface Rig extends AsyncDisposable {
  readonly app: App;
  readonly told: Recorder["told"];
  /** By the name of a server: where it is reached over Streamable HTTP. */
  url(name: string): string;
  get(path: string, headers?: HeadersInit): Promise<Response>;
}

function serving(config: Config): Rig {
  const { emit, told } = recorder();
  const app = new App(config, { version: "1.2.3", sinks: [emit] });
  const url = (name: string) => app.announced.find((one) => one.name === name)?.endpoints[0]?.url ?? "";
  const origin = () => new URL(app.announced.flatMap(({ endpoints }) => endpoints)[0]!.url).origin;
  return {
    ...{ app, told, url },
    get: (path, headers = {}) => fetch(origin() + path, { headers }),
    [Symbol.asyncDispose]: () => app.stop("the test is over"),
  };
}

/** The pid of the child that answers in this session. */
async function pidOf(url: string, session: string): Promise<number> {
  const { result } = await answer(await post(url, callTool(7, "echo"), { session }));
  return result.structuredContent.pid;
}

async function statusOf(url: string, session: string): Promise<number> {
  const response = await post(url, callTool(8, "echo"), { session });
  await response.body?.cancel();
  return response.status;
}

const small: Line = { argv: SMALL };

Deno.test("App starts each server of the configuration, and stops all of them", async () => {
  const options = { children: "shared" };
  const config = configOf({ one: { argv: SCRIPTED, options }, two: { argv: SCRIPTED, options } });
  const { emit, told } = recorder();
  const app = new App(config, { version: "1.2.3", sinks: [emit] });
  await eventually(() => Promise.resolve(told("child.ready").length), (ready) => ready === 2);
  const pids = told("child.started").map(({ pid }) => pid);
  assert.equal(new Set(pids).size, 2);
  assert.deepEqual(told("child.started").map(({ backend }) => backend).sort(), ["one", "two"]);
  assert.deepEqual(app.openCalls(), []);
  assert.equal(typeof app.idleSince, "number");
  await app.stop("the test is over");
  assert.deepEqual(told("child.exited").map(({ pid, expected }) => [pid, expected]).sort(), [
    ...pids.map((pid) => [pid, true]).sort(),
  ]);
  assert.equal(told("gateway.stopped").length, 1);
});

Deno.test("App has the routes of each server below its name, and none at the root", async () => {
  await using rig = serving(configOf({ one: small, two: small }));
  const [one, two] = [rig.url("one"), rig.url("two")];
  assert.deepEqual([one, two].map((url) => new URL(url).pathname), ["/one/mcp", "/two/mcp"]);
  const [inOne, inTwo] = [await beginSession(one), await beginSession(two)];
  assert.notEqual(await pidOf(one, inOne), await pidOf(two, inTwo));
  // A session is one server's alone.
  assert.equal(await statusOf(two, inOne), 404);
  const events = await rig.get("/two/sse", { Accept: "text/event-stream" });
  const reader = events.body!.pipeThrough(new TextDecoderStream()).getReader();
  assert.match((await reader.read()).value ?? "", /data: \/two\/message\?sessionId=/);
  await reader.cancel();
  for (const path of ["/mcp", "/sse", "/three/mcp"]) {
    const { status, body } = await rig.get(path);
    await body?.cancel();
    assert.equal(status, 404, path);
  }
});

Deno.test("App lists its servers at the root, for a program and for a person", async () => {
  await using rig = serving(configOf({ one: small, "<b>": small }));
  const listed = await (await rig.get("/")).json();
  assert.deepEqual(Object.keys(listed.servers), ["one", "<b>"]);
  assert.equal(listed.servers.one.endpoints[0].url, rig.url("one"));
  const page = await rig.get("/", { Accept: "text/html,*/*" });
  assert.match(page.headers.get("content-type") ?? "", /^text\/html/);
  assert.match(page.headers.get("content-security-policy") ?? "", /default-src 'none'/);
  const text = await page.text();
  assert(text.includes(rig.url("one")));
  assert(text.includes("&lt;b&gt;") && !text.includes("<b>"));
});

Deno.test("App serves the others where a server cannot be started, and says so", async () => {
  const options = { children: "shared", crashLimit: "1" };
  await using rig = serving(configOf({ good: small, bad: { argv: BROKEN, options } }));
  const failing = async () => (await (await rig.get("/health")).json()).servers.bad.status;
  await eventually(failing, (status) => status !== "ok");
  const whole = await rig.get("/health");
  const { status, servers } = await whole.json();
  assert.deepEqual([whole.status, status, servers.good.status], [200, "degraded", "ok"]);
  const alone = await rig.get("/bad/health");
  assert.equal(alone.status, 503);
  await alone.body?.cancel();
  assert.equal((await (await rig.get("/good/health")).json()).status, "ok");
  await pidOf(rig.url("good"), await beginSession(rig.url("good")));
});

Deno.test("App.apply opens what is new and closes what is gone, and leaves all others alone", async () => {
  await using rig = serving(configOf({ kept: small, changed: small, removed: small }));
  const urls = ["kept", "changed", "removed"].map(rig.url);
  const [kept = "", changed = "", removed = ""] = urls;
  const sessions = await Promise.all(urls.map((url) => beginSession(url)));
  const [inKept = "", inChanged = "", inRemoved = ""] = sessions;
  const pid = await pidOf(kept, inKept);
  await Promise.all([pidOf(changed, inChanged), pidOf(removed, inRemoved)]);
  const changes = rig.app.apply(configOf({
    kept: small,
    changed: { argv: SMALL, options: { maxSessions: "5" } },
    added: small,
  }));
  assert.deepEqual(changes, { added: ["added"], changed: ["changed"], removed: ["removed"], later: [] });
  assert.deepEqual(rig.told("config.applied").length, 1);
  assert.equal(await pidOf(kept, inKept), pid);
  // Whoever is on the way out refuses, and then there is nobody.
  assert.match(
    `${await statusOf(changed, inChanged)} ${await statusOf(removed, inRemoved)}`,
    /^(404|503) (404|503)$/,
  );
  for (const name of ["changed", "added"]) await pidOf(rig.url(name), await beginSession(rig.url(name)));
  assert.deepEqual(Object.keys((await (await rig.get("/")).json()).servers), ["kept", "changed", "added"]);
  await eventually(() => Promise.resolve(rig.told("child.exited").length), (ended) => ended === 2);
  assert.deepEqual(rig.told("server.stopping").map(({ backend }) => backend).sort(), ["changed", "removed"]);
});

const lost: Line = { argv: ["keystone-has-no-such-program"] };

Deno.test("App.apply changes nothing where a server that works would become one that cannot be had", async () => {
  await using rig = serving(configOf({ one: small, two: small }));
  const session = await beginSession(rig.url("one"));
  const pid = await pidOf(rig.url("one"), session);
  assert.throws(() => rig.app.apply(configOf({ one: small, fresh: small, two: lost })), ConfigError);
  assert.equal(await pidOf(rig.url("one"), session), pid);
  assert.deepEqual(rig.app.announced.map(({ name }) => name), ["one", "two"]);
  assert.deepEqual(rig.told("config.applied"), []);
});

Deno.test("App serves the others where a server cannot be had at all, and has it once it can", async () => {
  const folder = await Deno.makeTempDir();
  const program = `${folder}/later`;
  const later: Line = { argv: [program] };
  await using rig = serving(configOf({ good: small, later, lost }));
  await pidOf(rig.url("good"), await beginSession(rig.url("good")));
  const { servers } = await (await rig.get("/health")).json();
  assert.deepEqual([servers.good.status, servers.later.status, servers.lost.status], [
    "ok",
    "failed",
    "failed",
  ]);
  const { health } = rig.app;
  assert.deepEqual([health.status, health.serving], ["degraded", true]);
  assert.match(health.reason ?? "", /^later: .*; lost: .*not found/);
  const refused = await post(rig.url("lost"), initialize(1));
  assert.match(await refused.text(), /The MCP server could not be started/);
  const session = await beginSession(rig.url("good"));
  assert.deepEqual(rig.app.apply(configOf({ good: small, later, lost })).changed, []);
  await Deno.writeTextFile(program, `#!/bin/sh\n${SMALL[2]}`, { mode: 0o755 });
  assert.deepEqual(rig.app.apply(configOf({ good: small, later, lost })).changed, ["later"]);
  await pidOf(rig.url("later"), await beginSession(rig.url("later")));
  await pidOf(rig.url("good"), session);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("App is not made where its only server cannot be had", () => {
  assert.throws(() => new App(configOf({ lost }), { version: "1", sinks: [] }), ConfigError);
});

Deno.test("App.apply leaves no server alone that cannot be had", async () => {
  await using rig = serving(configOf({ good: small, lost }));
  assert.throws(() => rig.app.apply(configOf({ lost })), ConfigError);
  assert.deepEqual(rig.app.announced.map(({ name }) => name), ["good", "lost"]);
});

Deno.test("App.apply calls a remote anew whose token is another one in the same file", async () => {
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, "first");
  const options = { outputTransport: ["streamableHttp"], oauth2BearerFile: file };
  const remote: Line = { argv: [], options: { ...options, streamableHttp: "http://127.0.0.1:9/mcp" } };
  await using rig = serving(configOf({ remote, other: small }));
  assert.deepEqual(rig.app.apply(configOf({ remote, other: small })).changed, []);
  await Deno.writeTextFile(file, "second");
  assert.deepEqual(rig.app.apply(configOf({ remote, other: small })).changed, ["remote"]);
  await (await rig.get("/health")).body?.cancel();
  await Deno.remove(file);
});

Deno.test("App.apply lets an open call of a server that is gone finish", async () => {
  const slow: Line = { argv: SCRIPTED };
  await using rig = serving(configOf({ gone: slow, other: small }));
  const session = await beginSession(rig.url("gone"));
  const call = post(rig.url("gone"), callTool(1, "sleep", { ms: 300 }), { session });
  await eventually(() => Promise.resolve(rig.app.openCalls().length), (open) => open === 1);
  rig.app.apply(configOf({ other: small, more: small }));
  const { result, error } = await answer(await call);
  assert(result, JSON.stringify(error));
});

for (const [what, next] of [["gone", { other: small, more: small }], ["changed", undefined]] as const) {
  Deno.test(`App.apply lets clients of a server that is ${what} still say what its open calls wait for`, async () => {
    const asking: Line = { argv: SCRIPTED, options: { maxSessions: "7" } };
    await using rig = serving(configOf({ server: { argv: SCRIPTED }, other: small }));
    const url = rig.url("server");
    const session = await beginSession(url, { sampling: {} });
    const call = await post(
      url,
      callTool(1, "ask", { id: "q", method: "sampling/createMessage", params: {} }),
      {
        session,
      },
    );
    const messages = messagesOf(call);
    const { value: question } = await messages.next();
    assert.equal(question.method, "sampling/createMessage");
    rig.app.apply(configOf(next ?? { server: asking, other: small }));
    const replied = await post(url, { jsonrpc: "2.0", id: question.id, result: { said: 7 } }, { session });
    assert.equal(replied.status, 202);
    await replied.body?.cancel();
    let answered = (await messages.next()).value;
    while (answered.id !== 1) answered = (await messages.next()).value;
    assert.deepEqual(answered.result.structuredContent.reply.result, { said: 7 });
    await messages.return(undefined);
    // Nobody new comes to it.
    if (!next) await beginSession(url);
    else assert.match(`${await statusOf(url, "unknown")}`, /^(404|503)$/);
  });
}

Deno.test("App.apply keeps what the Host check rests on, and what cannot change while it runs", async () => {
  await using rig = serving(configOf({ one: small, two: small }, { host: "0.0.0.0", unauthenticated: true }));
  const seen = async () => {
    const { port } = new URL(rig.url("one"));
    using answer = await rawRequest(Number(port), { path: "/health", headers: { Host: "192.168.7.7" } });
    return answer.status;
  };
  assert.equal(await seen(), 200);
  const { later } = rig.app.apply(
    configOf({ one: small, two: small }, { host: "127.0.0.1", healthEndpoint: ["/ok"] }),
  );
  assert.deepEqual(later, ["listen", "clients"]);
  assert.equal(await seen(), 200);
  const { status, body } = await rig.get("/ok");
  await body?.cancel();
  assert.equal(status, 404);
});

Deno.test("App.apply starts nothing any more once the app stops", async () => {
  const rig = serving(configOf({ one: small, two: small }));
  const stopped = rig.app.stop("the test is over");
  assert.throws(() => rig.app.apply(configOf({ one: small, two: small, three: small })), StoppingError);
  await stopped;
  assert.equal(rig.told("gateway.stopped").length, 1);
});

Deno.test("App.apply says of a server that cannot be reached here that it has to wait for the next start", async () => {
  await using rig = serving(configOf({ one: small, two: small }));
  const stdin: Line = { argv: SMALL, options: { outputTransport: ["stdio"] } };
  const { added, later } = rig.app.apply(configOf({ one: small, two: small, stdin }));
  assert.deepEqual([added, later], [[], ["stdin"]]);
});

Deno.test("App leaves nothing behind where its port is taken", async () => {
  await using rig = serving(configOf({ one: small }));
  const { port } = new URL(rig.url("one"));
  const again = configOf({ one: small, two: small }, { port, slowRequest: "1s" });
  assert.throws(() => new App(again, { version: "1", sinks: [] }), ConfigError);
});

Deno.test("App.apply takes other origins at once, and says what has to wait for the next start", async () => {
  await using rig = serving(configOf({ one: small, two: small }));
  const from = async () => {
    const { status, body } = await rig.get("/health", { Origin: "https://app.example" });
    await body?.cancel();
    return status;
  };
  assert.equal(await from(), 403);
  const { later } = rig.app.apply(
    configOf({ one: small, two: small }, { allowedOrigin: ["https://app.example"], maxHeaderSize: "32k" }),
  );
  assert.equal(await from(), 200);
  assert.deepEqual(later, ["listen"]);
});

Deno.test("App.apply leaves a server that others join, or leave alone, to who found it where it was", async () => {
  await using rig = serving(configOf({ one: small }));
  const at = (path: string) => new URL(path, rig.url("one")).href;
  assert.equal(new URL(rig.url("one")).pathname, "/mcp");
  const session = await beginSession(at("/mcp"));
  const pid = await pidOf(at("/mcp"), session);
  const joined = rig.app.apply(configOf({ one: small, two: small }));
  assert.deepEqual(joined, { added: ["two"], changed: [], removed: [], later: [] });
  assert.equal(new URL(rig.url("one")).pathname, "/one/mcp");
  assert.deepEqual(Object.keys((await (await rig.get("/health")).json()).servers), ["one", "two"]);
  const second = await beginSession(at("/two/mcp"));
  const other = await pidOf(at("/two/mcp"), second);
  for (const path of ["/mcp", "/one/mcp"]) assert.equal(await pidOf(at(path), session), pid, path);
  assert.equal(await statusOf(at("/one/mcp"), second), 404);
  rig.app.apply(configOf({ two: small }));
  assert.equal(new URL(rig.url("two")).pathname, "/mcp");
  const away = (path: string) => new URL(path, rig.url("two")).href;
  for (const path of ["/mcp", "/two/mcp"]) assert.equal(await pidOf(away(path), second), other, path);
  const health = async (path: string) => (await (await rig.get(path)).json()).servers;
  assert.deepEqual([await health("/two/health"), await health("/health")], [undefined, undefined]);
  await eventually(() => statusOf(away("/one/mcp"), session), (status) => status === 404);
  assert.equal(await statusOf(away("/mcp"), session), 404);
});

Deno.test("App.apply has what a server becomes found where it was, but no other server hidden by that", async () => {
  const odd: Line = { argv: SMALL, options: { streamableHttpPath: "/two/mcp" } };
  await using rig = serving(configOf({ one: odd }));
  const at = (path: string) => new URL(path, rig.url("one")).href;
  const named = async (path: string) => {
    await beginSession(at(path));
    const [opened] = rig.told("session.opened").slice(-1);
    return opened && "backend" in opened ? opened.backend : undefined;
  };
  rig.app.apply(configOf({ one: odd, two: small }));
  assert.deepEqual([await named("/one/two/mcp"), await named("/two/mcp")], ["one", "two"]);
  await using other = serving(configOf({ one: small }));
  const root = other.url("one");
  other.app.apply(configOf({ one: small, two: small }));
  const changed = { ...small, options: { maxSessions: "5" } };
  assert.deepEqual(other.app.apply(configOf({ one: changed, two: small })).changed, ["one"]);
  for (const url of [root, other.url("one")]) await beginSession(url);
  other.app.apply(configOf({ two: small }));
  other.app.apply(configOf({ one: small, two: small }));
  assert.equal(new URL(root).pathname, "/mcp");
  const session = await beginSession(root);
  assert.equal(await statusOf(other.url("two"), session), 200);
  assert.equal(await statusOf(other.url("one"), session), 404);
});

Deno.test("App.apply lets sockets stay open when another server joins, and when it leaves", async () => {
  const line: Line = { argv: SMALL, options: { outputTransport: ["ws"] } };
  await using rig = serving(configOf({ one: line }));
  const socket = new WebSocket(rig.url("one"), "mcp");
  await new Promise((resolve) => socket.addEventListener("open", resolve, { once: true }));
  const say = async (message: object) => {
    const answered = new Promise<MessageEvent>((resolve) =>
      socket.addEventListener("message", resolve, { once: true })
    );
    socket.send(JSON.stringify(message));
    return JSON.parse((await answered).data);
  };
  await say(initialize(0));
  const pid = async () => (await say(callTool(1, "echo"))).result.structuredContent.pid;
  const first = await pid();
  rig.app.apply(configOf({ one: line, two: small }));
  assert.equal(await pid(), first);
  rig.app.apply(configOf({ one: line }));
  assert.equal(await pid(), first);
  const closed = new Promise((resolve) => socket.addEventListener("close", resolve, { once: true }));
  socket.close();
  await closed;
});

Deno.test("App.apply lets clients of SSE go on where they came, and tells new ones the paths that they took", async () => {
  await using rig = serving(configOf({ one: { ...small, options: { outputTransport: ["sse"] } } }));
  const at = (path: string) => new URL(path, rig.url("one")).href;
  const streams = [await openSse(at("/sse")), await openSse(at("/sse/mine"))];
  rig.app.apply(configOf({ one: { ...small, options: { outputTransport: ["sse"] } }, two: small }));
  streams.push(await openSse(at("/sse")), await openSse(at("/one/sse")), await openSse(at("/one/sse/ours")));
  const told = streams.map(({ endpoint }) => endpoint.replace(/=.*/, "=…"));
  assert.deepEqual(told, [
    ...["/message?sessionId=…", "/message/mine", "/message?sessionId=…"],
    ...["/one/message?sessionId=…", "/one/message/ours"],
  ]);
  for (const { endpoint } of streams) {
    const { status, body } = await post(at(endpoint), initialize(0));
    await body?.cancel();
    assert.equal(status, 202, endpoint);
  }
  for (const { stream } of streams) await stream.cancel();
});

Deno.test("App.apply names a server in events as long as there are others", async () => {
  await using rig = serving(configOf({ one: small }));
  const named = () =>
    rig.told("session.opened").map((event) => "backend" in event ? event.backend : undefined);
  await beginSession(rig.url("one"));
  rig.app.apply(configOf({ one: small, two: small }));
  await beginSession(rig.url("one"));
  rig.app.apply(configOf({ one: small }));
  await beginSession(rig.url("one"));
  assert.deepEqual(named(), [undefined, "one", undefined]);
});

/** A stream of SSE and what its first event names. */
async function openSse(url: string) {
  const { body } = await fetch(url);
  assert(body);
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("\n\n")) text += (await reader.read()).value ?? assert.fail(text);
  return { endpoint: /^data: (.*)$/m.exec(text)?.[1] ?? "", stream: reader };
}
