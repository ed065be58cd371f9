/** Which child answers whom, how many there are, and what waits for a place: counted in the process table. */
import assert from "node:assert/strict";
import { inTime } from "../contract/deadline.ts";
import { type Begin, beginSocket, beginSse } from "../support/conversation.ts";
import { eventually, type Keystone, runKeystone, SCRIPTED, startKeystone } from "../support/keystone.ts";
import { rawRequest, sendRaw, upgradeRequest } from "../support/raw_http.ts";
import { answer, beginSession, callTool, initialize, post, request } from "../support/rpc.ts";

/** The wires whose connection is the session. */
const WIRES: readonly Begin[] = [beginSocket, beginSse];

const start = (...flags: string[]) => startKeystone(flags, { server: SCRIPTED });

async function pidIn(gateway: Keystone, session?: string): Promise<number> {
  const { result } = await answer(await post(gateway.mcp, callTool(1, "echo"), { session }));
  return result.structuredContent.pid;
}

async function end(gateway: Keystone, session: string): Promise<void> {
  const headers = { "Mcp-Session-Id": session };
  await (await fetch(gateway.mcp, { method: "DELETE", headers })).body?.cancel();
}

const count = (wanted: number) => (children: readonly number[]) => children.length === wanted;

Deno.test("--children auto gives each session a child, and stateless callers one together", async () => {
  await using stateless = await start();
  const shared = await pidIn(stateless);
  await using socket = await beginSocket(stateless);
  await socket.send(callTool(1, "echo"));
  const own = (await socket.next()).result.structuredContent.pid;
  assert.notEqual(own, shared);
  assert.equal(await pidIn(stateless), shared);
  assert.deepEqual((await stateless.children()).sort(), [shared, own].sort());
});

Deno.test("--children session gives each stateless call an initialized child of its own", async () => {
  await using gateway = await start("--children", "session");
  const called = await answer(await post(gateway.mcp, callTool(1, "seen")));
  assert.deepEqual(called.result.structuredContent.notifications, ["notifications/initialized"]);
  const [one, other] = [await pidIn(gateway), await pidIn(gateway)];
  assert.notEqual(one, other);
  await eventually(gateway.children, count(0));
});

for (const mode of ["shared", "principal"]) {
  Deno.test(`--children ${mode} gives one child to the clients of every wire while nobody authenticates`, async () => {
    await using gateway = await start("--children", mode, "--stateful");
    const session = await beginSession(gateway.mcp);
    const shared = await pidIn(gateway, session);
    for (const begin of WIRES) {
      await using client = await begin(gateway);
      await client.send(callTool(1, "echo"));
      assert.equal((await client.next()).result.structuredContent.pid, shared);
    }
    await end(gateway, session);
    assert.equal(await pidIn(gateway, await beginSession(gateway.mcp)), shared);
    assert.deepEqual(await gateway.children(), [shared]);
  });
}

Deno.test("--children request gives each request a child, which ends with the answer, with sessions and without", async () => {
  for (const flags of [[], ["--stateful"]]) {
    await using gateway = await start("--children", "request", ...flags);
    const session = flags.length > 0 ? await beginSession(gateway.mcp) : undefined;
    const pids = await Promise.all(["a", "b", "c"].map(async (id) => {
      const { result } = await answer(await post(gateway.mcp, callTool(id, "echo"), { session }));
      return result.structuredContent.pid;
    }));
    assert.equal(new Set(pids).size, 3);
    await eventually(gateway.children, count(0));
  }
});

Deno.test("--children request ends the child of a call whose client leaves", async () => {
  await using gateway = await start("--children", "request", "--replyMode", "sse");
  const response = await post(gateway.mcp, callTool(1, "hang"));
  await eventually(gateway.children, count(1));
  await response.body?.cancel();
  await eventually(gateway.children, count(0));
});

Deno.test("--prewarm has children ready before anybody comes, hands them out and replaces them", async () => {
  await using gateway = await start("--prewarm", "2", "--stateful");
  const warm = await eventually(gateway.children, count(2));
  const pids = [];
  for (let client = 0; client < 2; client++) {
    pids.push(await pidIn(gateway, await beginSession(gateway.mcp, { roots: {} })));
    await eventually(gateway.children, count(3 + client));
  }
  // Oldest first; another may have been replaced meanwhile.
  assert(warm.includes(pids[0]!));
  assert.equal(new Set(pids).size, 2);
});

Deno.test("--prewarm leaves the handshake to the client of a session", async () => {
  await using gateway = await start("--prewarm", "1", "--stateful");
  await eventually(gateway.children, count(1));
  const capabilities = { sampling: {}, roots: { listChanged: true } };
  const { result } = await answer(await post(gateway.mcp, initialize(1, "2025-06-18", capabilities)));
  assert.equal(result.protocolVersion, "2025-06-18");
  assert.deepEqual(JSON.parse(result.instructions), capabilities);
});

Deno.test("--prewarm with --children request has initialized children ready, one for each call", async () => {
  await using gateway = await start("--prewarm", "2", "--children", "request", "--logLevel", "debug");
  const warm = await eventually(gateway.children, count(2));
  await eventually(() => Promise.resolve(gateway.stderr()), (log) => log.split("Child answers").length === 3);
  const pid = await pidIn(gateway);
  assert(warm.includes(pid));
  await eventually(gateway.children, (children) => children.length === 2 && !children.includes(pid));
});

Deno.test("--prewarm starts the shared child as well", async () => {
  await using gateway = await start("--prewarm", "1", "--outputTransport", "streamableHttp");
  const [warm] = await eventually(gateway.children, count(1));
  assert.equal(await pidIn(gateway), warm);
});

Deno.test("--prewarm replaces a warm child that was killed", async () => {
  await using gateway = await start("--prewarm", "1", "--stateful");
  const [first] = await eventually(gateway.children, count(1));
  Deno.kill(first!, "SIGKILL");
  await eventually(gateway.children, (children) => children.length === 1 && children[0] !== first);
  assert.equal(typeof await pidIn(gateway, await beginSession(gateway.mcp)), "number");
});

Deno.test("--prewarm starts nothing when the port is taken", async () => {
  await using gateway = await start();
  const taken = ["--port", `${gateway.port}`, "--prewarm", "3", "--stateful"];
  const { code, stderr } = await runKeystone(taken, { server: SCRIPTED });
  assert.equal(code, 2);
  assert.doesNotMatch(stderr, /Child started/);
});

Deno.test("--maxChildren: a client waits for a child's place, and gets it", async () => {
  await using gateway = await start("--stateful", "--maxChildren", "1", "--queueTimeout", "1m");
  const first = await beginSession(gateway.mcp);
  const second = beginSession(gateway.mcp);
  await gateway.logged(/Session opened[^]*Session opened/);
  assert.equal((await gateway.children()).length, 1);
  await end(gateway, first);
  assert.equal(typeof await pidIn(gateway, await inTime(second, "session")), "number");
  await eventually(gateway.children, count(1));
});

Deno.test("--maxChildren: nobody waits longer than --queueTimeout, and hears 503 with Retry-After", async () => {
  await using gateway = await start("--stateful", "--maxChildren", "1", "--queueTimeout", "100ms");
  const first = await beginSession(gateway.mcp);
  const refused = await post(gateway.mcp, initialize("late"));
  assert.equal(refused.status, 503);
  assert.match(refused.headers.get("retry-after") ?? "", /^\d+$/);
  const error = { code: -32000, message: "Too many server processes: the limit is 1" };
  assert.deepEqual(await refused.json(), { jsonrpc: "2.0", id: "late", error });
  assert.equal(refused.headers.get("mcp-session-id"), null);
  assert.equal(typeof await pidIn(gateway, first), "number");
});

Deno.test("--maxChildren: a stateless call that waits in vain for the shared child hears 503 too, however long it waited", async () => {
  // Longer than the silence after which an answer becomes a stream, whose status is said by then.
  await using gateway = await start("--maxChildren", "1", "--queueTimeout", "3s");
  await using holder = await beginSocket(gateway);
  const refused = await post(gateway.mcp, callTool("late", "echo"));
  assert.equal(refused.status, 503);
  assert.match(refused.headers.get("retry-after") ?? "", /^\d+$/);
  assert.equal((await refused.json()).error.message, "Too many server processes: the limit is 1");
  await holder.send(request(1, "ping"));
  assert.deepEqual((await holder.next()).result, {});
});

Deno.test("--maxChildren bounds the children of --children request, stateless calls too", async () => {
  const flags = ["--children", "request", "--maxChildren", "2", "--queueTimeout", "1m"];
  await using gateway = await start(...flags);
  const answers = await Promise.all(Array.from({ length: 8 }, () => pidIn(gateway)));
  assert.equal(new Set(answers).size, 8);
  await using hasty = await start(
    ...flags,
    "--maxChildren",
    "1",
    "--queueTimeout",
    "1ms",
    "--replyMode",
    "sse",
  );
  const open = await post(hasty.mcp, callTool(1, "hang"));
  await eventually(hasty.children, count(1));
  assert.equal((await answer(await post(hasty.mcp, callTool(2, "echo")))).error.code, -32000);
  await open.body?.cancel();
});

Deno.test("--maxSessions ends the longest idle session to make room, and none that is in use", async () => {
  const flags = ["--stateful", "--maxSessions", "3", "--evictAfter", "0ms", "--queueTimeout", "1m"];
  await using gateway = await start(...flags);
  const [idle, listening, calling] = [
    await beginSession(gateway.mcp),
    await beginSession(gateway.mcp),
    await beginSession(gateway.mcp),
  ];
  const headers = { "Mcp-Session-Id": listening!, Accept: "text/event-stream" };
  const stream = await fetch(gateway.mcp, { headers });
  const call = post(gateway.mcp, callTool(1, "sleep", { ms: 1500 }), { session: calling });
  await eventually(gateway.children, count(3));
  await inTime(beginSession(gateway.mcp), "room");
  const evicted = await post(gateway.mcp, request(2, "ping"), { session: idle });
  assert.deepEqual([evicted.status, (await evicted.json()).error.message], [404, "Session not found"]);
  assert.equal((await answer(await call)).result.structuredContent.slept, 1500);
  for (const session of [listening, calling]) {
    assert.deepEqual((await answer(await post(gateway.mcp, request(2, "ping"), { session }))).result, {});
  }
  await stream.body?.cancel();
});

Deno.test("--maxSessions leaves sessions alone that were in use within --evictAfter", async () => {
  await using gateway = await start("--stateful", "--maxSessions", "1", "--queueTimeout", "100ms");
  const session = await beginSession(gateway.mcp);
  const refused = await post(gateway.mcp, initialize("late"));
  assert.equal(refused.status, 503);
  assert.equal((await refused.json()).error.message, "Too many sessions: the limit is 1");
  assert.equal(typeof await pidIn(gateway, session), "number");
});

Deno.test("--maxSessions lets every wire wait for a place", async () => {
  await using gateway = await start("--stateful", "--maxSessions", "1", "--queueTimeout", "1m");
  let session = await beginSession(gateway.mcp);
  for (const begin of WIRES) {
    const waiting = begin(gateway);
    await end(gateway, session);
    await using client = await inTime(waiting, "session");
    await client.send(request(1, "ping"));
    assert.deepEqual((await client.next()).result, {});
    await client[Symbol.asyncDispose]();
    session = await inTime(beginSession(gateway.mcp), "session");
  }
});

Deno.test("--maxSessions gives the place of a client that left while it waited to the next, on every wire", async () => {
  await using gateway = await start("--stateful", "--maxSessions", "1", "--queueTimeout", "1m");
  const first = await beginSession(gateway.mcp);
  const body = JSON.stringify(initialize(1));
  const headers = { Accept: "application/json, text/event-stream", "Content-Type": "application/json" };
  const leaving = [
    { method: "POST", path: "/mcp", headers, body },
    { path: "/sse", headers },
    upgradeRequest("/ws"),
  ];
  // What is asked on a connection of its own is answered once those before it have been looked at.
  const lookedAt = async () => {
    using health = await rawRequest(gateway.port, { path: "/health" });
    assert.equal(health.status, 200);
  };
  const left = [];
  for (const request of leaving) left.push(await sendRaw(gateway.port, request));
  await lookedAt();
  for (const connection of left) connection.close();
  await lookedAt();
  const waiting = beginSession(gateway.mcp);
  await end(gateway, first);
  const session = await inTime(waiting, "session");
  assert.equal(typeof await pidIn(gateway, session), "number");
  assert.doesNotMatch(gateway.stderr(), /Deno\.serve/);
  await eventually(gateway.children, count(1));
});

Deno.test("--maxChildren takes a child that nobody uses yet for whoever needs its place", async () => {
  await using gateway = await start("--prewarm", "2", "--maxChildren", "3", "--queueTimeout", "1m");
  const warm = await eventually(gateway.children, count(3));
  // The shared one was started ahead as well.
  const shared = await pidIn(gateway);
  assert(warm.includes(shared));
  const clients = [];
  for (let client = 0; client < 2; client++) clients.push(await beginSocket(gateway));
  await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
  await eventually(gateway.children, count(3));
  assert.equal(typeof await pidIn(gateway), "number");
});

Deno.test("--maxChildren leaves sessions alone that hold no child", async () => {
  const flags = ["--stateful", "--children", "request", "--maxChildren", "1", "--evictAfter", "10m"];
  await using gateway = await startKeystone([...flags, "--queueTimeout", "1500ms"], {
    server: SCRIPTED,
    leapMs: 600_000,
  });
  const idle = await beginSession(gateway.mcp);
  const busy = await beginSession(gateway.mcp);
  await eventually(gateway.children, count(0));
  // From here on both may be ended to make room.
  await gateway.leap();
  const call = post(gateway.mcp, callTool(1, "sleep", { ms: 8000 }), { session: busy });
  await eventually(gateway.children, count(1));
  const refused = await answer(await post(gateway.mcp, callTool(2, "echo"), { session: busy }));
  assert.equal(refused.error.message, "Too many server processes: the limit is 1");
  assert.equal((await answer(await call)).result.structuredContent.slept, 8000);
  await eventually(gateway.children, count(0));
  assert.equal(typeof await pidIn(gateway, idle), "number");
  await gateway.logged(/Too many server processes/);
});
