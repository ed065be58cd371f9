/** Children that end by themselves: started again, given up, tried again; and the session that lives through it. */
import assert from "node:assert/strict";
import { inTime } from "../contract/deadline.ts";
import { beginSocket, beginStreamable } from "../support/conversation.ts";
import { eventually, type Keystone, SCRIPTED, startKeystone } from "../support/keystone.ts";
import { answer, beginSession, callTool, initialize, post, request } from "../support/rpc.ts";

const start = (...flags: string[]) => startKeystone(flags, { server: SCRIPTED });
const STATEFUL = ["--stateful", "--replyMode", "sse"];
/** Restarts without pauses, so that a test sees many of them soon; however slow those are, each end counts. */
const HASTY = ["--restartDelay", "1ms", "--restartMaxDelay", "1ms", "--crashWindow", "1h"];
/** A failed server is tried again after a leap, and not before. */
const PROBE = ["--crashProbe", "10m"];
const LEAP = { leapMs: 600_000 };

async function health(gateway: Keystone) {
  const response = await fetch(`http://127.0.0.1:${gateway.port}/health`);
  const { status, reason, stderr } = await response.json();
  return { code: response.status, status, reason, stderr };
}

async function theChild(gateway: Keystone, not?: number): Promise<number> {
  const [pid] = await eventually(gateway.children, (pids) => pids.length === 1 && pids[0] !== not);
  return pid!;
}

/** A server that starts only while a file is there. */
async function fragile(): Promise<
  { server: string[]; mend(): Promise<void>; [Symbol.asyncDispose](): Promise<void> }
> {
  const folder = await Deno.makeTempDir();
  const line = '[ -e "$0/ready" ] || { echo "password=hunter2 no licence" >&2; exit 3; }; exec "$@"';
  return {
    server: ["/bin/sh", "-c", line, folder, ...SCRIPTED],
    mend: () => Deno.writeTextFile(`${folder}/ready`, ""),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

Deno.test("a session keeps its id through ten kills of its child, and each of 100 calls is answered once", async () => {
  await using gateway = await start("--stateful", ...HASTY);
  const session = await beginSession(gateway.mcp);
  const pids = new Set<number>();
  const outcomes = { answered: 0, lost: 0 };
  for (let call = 1; call <= 100; call++) {
    const kills = call % 10 === 0;
    const tool = kills ? callTool(call, "hang") : callTool(call, "echo", { call });
    const response = post(gateway.mcp, tool, { session });
    if (kills) Deno.kill(await theChild(gateway), "SIGKILL");
    const { id, result, error } = await answer(await response);
    assert.equal(id, call);
    if (error) {
      outcomes.lost++;
      assert.match(error.message, /^The MCP server was ended by SIGKILL: the answer is lost/);
    } else {
      outcomes.answered++;
      assert.equal(result.structuredContent.call, call);
      pids.add(result.structuredContent.pid);
    }
  }
  assert.deepEqual(outcomes, { answered: 90, lost: 10 });
  assert.equal(pids.size, 10);
  assert.deepEqual((await health(gateway)).status, "ok");
});

Deno.test("a session whose child is killed while calls run at random answers each of them once", async () => {
  // Some are killed before they are of any use, which is no reason to give this server up.
  await using gateway = await start("--stateful", ...HASTY, "--crashLimit", "100");
  const session = await beginSession(gateway.mcp);
  let running = true;
  const killing = (async () => {
    for (let last = 0, kills = 0; running && kills < 10; kills++) {
      last = await theChild(gateway, last);
      Deno.kill(last, "SIGKILL");
    }
  })();
  const calls = Array.from({ length: 100 }, async (_, at) => {
    const { id, result, error } = await answer(
      await post(gateway.mcp, callTool(at, "sleep", { ms: at * 5 }), { session }),
    );
    assert.equal(id, at);
    assert.notEqual(result === undefined, error === undefined);
  });
  await inTime(Promise.all(calls), "answers");
  running = false;
  await killing;
  await eventually(
    async () => await answer(await post(gateway.mcp, request("last", "ping"), { session })),
    ({ result }) => result !== undefined,
  );
});

Deno.test("a new child is told handshake, log level and subscriptions, before anybody asks for it", async () => {
  await using gateway = await start("--stateful");
  const session = await beginSession(gateway.mcp, { roots: {} });
  const say = async (body: unknown) => await answer(await post(gateway.mcp, body, { session }));
  await say(request(1, "logging/setLevel", { level: "debug" }));
  const first = await theChild(gateway);
  Deno.kill(first, "SIGKILL");
  await theChild(gateway, first);
  const { result } = await say(callTool(2, "seen"));
  assert.deepEqual(result.structuredContent.notifications, ["notifications/initialized"]);
});

Deno.test("--restart on-failure waits for the next request after a good end, and always does not", async () => {
  await using patient = await start(...STATEFUL);
  await using client = await beginStreamable(patient);
  await client.send(callTool(1, "exit", { code: 0 }));
  assert.match((await client.next()).error.message, /exited with code 0: the answer is lost/);
  await patient.logged(/Child ended by itself/);
  await eventually(patient.children, (pids) => pids.length === 0);
  await client.send(request(2, "ping"));
  assert.deepEqual((await client.next()).result, {});

  await using eager = await start(...STATEFUL, "--restart", "always");
  await using other = await beginStreamable(eager);
  const before = await theChild(eager);
  await other.send(callTool(1, "exit", { code: 0 }));
  await other.next();
  await theChild(eager, before);
});

Deno.test("--restart never leaves a shared server at its end, says so to every caller and in /health", async () => {
  await using gateway = await start("--restart", "never");
  await answer(await post(gateway.mcp, callTool(1, "exit", { code: 4 })));
  const { error } = await answer(await post(gateway.mcp, request(2, "ping")));
  const reason = "The MCP server exited with code 4, and is not started again (--restart never)";
  assert.equal(error.message, reason);
  assert.deepEqual(await health(gateway), { code: 503, status: "failed", reason, stderr: undefined });
  assert.deepEqual(await gateway.children(), []);
});

Deno.test("a server that keeps ending has failed: callers hear it at once, /health with its last words, and a probe finds it mended", async () => {
  await using folder = await fragile();
  const flags = [...HASTY, ...PROBE, "--crashLimit", "3"];
  await using gateway = await startKeystone(flags, { server: folder.server, ...LEAP });
  for (let call = 1; call <= 3; call++) {
    const { error } = await answer(await post(gateway.mcp, request(call, "ping")));
    assert.equal(error.message, "The MCP server exited with code 3");
  }
  const { error } = await answer(await post(gateway.mcp, request(4, "ping")));
  assert.match(
    error.message,
    /^The MCP server exited with code 3, again and again; it is tried again in (600|5\d\d) s$/,
  );
  const { stderr, ...report } = await health(gateway);
  assert.deepEqual(report, { code: 503, status: "failed", reason: "The MCP server exited with code 3" });
  // Whoever may look at health may not be meant to read secrets.
  assert.deepEqual(stderr, ["password=[REDACTED] no licence"]);
  await folder.mend();
  // Nobody asks: the probe finds out.
  await gateway.leap();
  await gateway.logged(/Server works again/);
  assert.equal((await health(gateway)).status, "ok");
  assert.deepEqual((await answer(await post(gateway.mcp, request(5, "ping")))).result, {});
});

Deno.test("a server that cannot be started for sessions has failed too", async () => {
  await using folder = await fragile();
  const flags = ["--stateful", ...HASTY, ...PROBE, "--crashLimit", "3"];
  await using gateway = await startKeystone(flags, { server: folder.server, ...LEAP });
  for (let call = 1; call <= 3; call++) {
    const refused = await post(gateway.mcp, initialize(call));
    assert.equal(refused.headers.get("mcp-session-id"), null);
    assert.match((await refused.json()).error.message, /^The MCP server exited with code 3$/);
  }
  assert.match((await answer(await post(gateway.mcp, initialize(4)))).error.message, /again and again/);
  assert.equal((await health(gateway)).status, "failed");
  await folder.mend();
  await gateway.leap();
  await gateway.logged(/Server works again/);
  assert.equal(typeof await beginSession(gateway.mcp), "string");
});

Deno.test("a session that keeps killing its child is given up alone, and comes back with the next try", async () => {
  const flags = ["--stateful", ...HASTY, ...PROBE, "--crashLimit", "2"];
  await using gateway = await startKeystone(flags, { server: SCRIPTED, ...LEAP });
  const [bad, good] = [await beginSession(gateway.mcp), await beginSession(gateway.mcp)];
  const crash = async (id: number) =>
    (await answer(await post(gateway.mcp, callTool(id, "exit", { code: 9 }), { session: bad }))).error;
  for (let id = 1; id <= 2; id++) assert.match((await crash(id)).message, /exited with code 9: the answer/);
  assert.match((await crash(3)).message, /exited with code 9, again and again/);
  // It is nobody else's concern.
  assert.deepEqual((await answer(await post(gateway.mcp, request(1, "ping"), { session: good }))).result, {});
  assert.equal((await health(gateway)).status, "ok");
  await gateway.leap();
  await eventually(
    async () => await answer(await post(gateway.mcp, request("again", "ping"), { session: bad })),
    ({ result }) => result !== undefined,
  );
});

Deno.test("a shared child that was killed is there again before the next call, with its clients' sessions", async () => {
  await using gateway = await start("--children", "shared", "--stateful");
  const session = await beginSession(gateway.mcp);
  await using socket = await beginSocket(gateway);
  const first = await theChild(gateway);
  await socket.send(callTool(1, "begin", {}, { progressToken: "p" }));
  assert.equal((await socket.next()).method, "notifications/progress");
  Deno.kill(first, "SIGKILL");
  assert.match((await socket.next()).error.message, /was ended by SIGKILL: the answer is lost/);
  await theChild(gateway, first);
  await socket.send(request(3, "ping"));
  assert.deepEqual((await socket.next()).result, {});
  assert.deepEqual((await answer(await post(gateway.mcp, request(3, "ping"), { session }))).result, {});
});

for (
  const flags of [["--children", "request"], ["--restart", "never"], ["--stateful", "--restart", "never"]]
) {
  Deno.test(`a server that keeps ending has failed with ${flags.join(" ")} too`, async () => {
    const server = [...SCRIPTED, "--crash"];
    await using gateway = await startKeystone([...flags, "--crashLimit", "3"], { server });
    const messages = [];
    for (let id = 1; id <= 5; id++) {
      messages.push((await answer(await post(gateway.mcp, initialize(id)))).error.message);
    }
    assert.equal(messages.filter((message) => message === "The MCP server exited with code 3").length, 3);
    assert.equal(messages.filter((message) => message.includes("again and again")).length, 2);
    assert.equal((await health(gateway)).status, "failed");
    await gateway.logged(/(Child started[^]*){3}/);
    assert.equal(gateway.stderr().match(/Child started/g)?.length, 3);
  });
}

Deno.test("a server that takes the handshake and ends has failed, also where each session has a child", async () => {
  const script = `read -r line; printf '%s\\n' '${INITIALIZED}'; exit 5`;
  const server = ["/bin/sh", "-c", script];
  await using gateway = await startKeystone(["--stateful", ...HASTY, "--crashLimit", "4"], { server });
  await (await post(gateway.mcp, initialize(0))).body?.cancel();
  await gateway.logged(/Server has failed/);
  const report = await eventually(() => health(gateway), ({ status }) => status === "failed");
  assert.equal(report.reason, "The MCP server exited with code 5");
});

/** In pieces that are read at once, and without an end of its own. */
const ENDLESS = "head -c 1000000 /dev/zero | tr '\\0' x; sleep 600";

for (
  const { flags, first } of [
    { flags: ["--stateful"], first: "" },
    { flags: ["--stateful"], first: "handshake" },
    { flags: ["--children", "shared"], first: "handshake" },
    { flags: ["--children", "request"], first: "" },
    { flags: ["--stateful", "--restart", "never"], first: "" },
  ]
) {
  const when = first === "" ? "at once" : "after the handshake";
  Deno.test(`a server that writes a line without end ${when} has failed with ${flags.join(" ")}`, async () => {
    const handshake = `read -r line; printf '%s\\n' '${INITIALIZED}';`;
    const server = ["/bin/sh", "-c", `${first && handshake} ${ENDLESS}`];
    const limits = ["--crashLimit", "3", "--maxMessageSize", "1kb"];
    await using gateway = await startKeystone([...flags, ...HASTY, ...PROBE, ...limits], { server });
    for (let call = 1; call <= 3; call++) await (await post(gateway.mcp, initialize(0))).text();
    const { code, reason } = await eventually(() => health(gateway), ({ status }) => status === "failed");
    assert.equal(code, 503);
    assert.match(reason, /^A line is longer than \d+ bytes \(--maxMessageSize\)$/);
  });
}

Deno.test("a gateway that stops starts no child again, and answers who waits for one", async () => {
  const flags = ["--stateful", "--restartDelay", "1h", "--restartMaxDelay", "1h", "--crashLimit", "100"];
  const script = `read -r line; printf '%s\\n' '${INITIALIZED}'; exit 5`;
  await using gateway = await startKeystone([...flags, "--shutdownTimeout", "10m"], {
    server: ["/bin/sh", "-c", script],
  });
  const session = await beginSession(gateway.mcp);
  await gateway.logged(/next try in/);
  const waiting = post(gateway.mcp, request(1, "ping"), { session });
  await eventually(
    async () => (await (await post(gateway.mcp, request(1, "ping"), { session })).json()).error?.message,
    (message) => message?.includes("still open"),
  );
  // It does not wait for what cannot be answered.
  assert.equal((await inTime(gateway.stop(), "the end of the gateway")).code, 0);
  assert.equal((await answer(await waiting)).error.message, "The gateway is shutting down");
});

const INITIALIZED = JSON.stringify({
  jsonrpc: "2.0",
  id: 0,
  result: { protocolVersion: "2025-11-25", capabilities: {}, serverInfo: { name: "x", version: "1" } },
});
