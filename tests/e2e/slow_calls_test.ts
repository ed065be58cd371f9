/** A call that hangs, times out, fails or is slow is told of, with all that is needed to look for it, and no body. */
import assert from "node:assert/strict";
import { type Keystone, SCRIPTED, startKeystone } from "../support/keystone.ts";
import { answer, type AnyMessage, beginSession, callTool, post } from "../support/rpc.ts";

const SECRET = "s3cret-of-the-body";
/** Reads everything and says nothing. */
const SILENT = ["sh", "-c", "cat >/dev/null"];

/** The line of a call that is told of, for a session of its own or the shared child. */
async function told(keystone: Keystone, line: RegExp): Promise<string> {
  await keystone.logged(line);
  return keystone.stderr().split("\n").find((text) => line.test(text)) ?? "";
}

function call(keystone: Keystone, tool: string, args: Record<string, unknown> = {}, session?: string) {
  const leaving = new AbortController();
  const message = callTool("c-1", tool, { ...args, note: SECRET });
  const response = post(keystone.mcp, message, { session, signal: leaving.signal });
  response.catch(() => {});
  return { response, leave: () => leaving.abort() };
}

async function health(keystone: Keystone): Promise<AnyMessage> {
  return await (await fetch(`http://127.0.0.1:${keystone.port}/health`)).json();
}

for (const stateful of [true, false]) {
  Deno.test(`a call that hangs is in the log, in /health and in what a signal prints, ${stateful ? "with" : "without"} a session`, async () => {
    const flags = ["--slowRequest", "200ms", "--shutdownTimeout", "0", ...stateful ? ["--stateful"] : []];
    await using keystone = await startKeystone(flags, { server: SCRIPTED });
    const session = stateful ? await beginSession(keystone.mcp) : undefined;
    const hanging = call(keystone, "hang", {}, session);
    const line = await told(keystone, /WRN Call takes long, and is still open.* tool=hang/);
    const [child] = await keystone.children();
    assert.match(line, /\/health.* session=[0-9a-f]{8} id=c-1 method=tools\/call tool=hang ageMs=\d/);
    assert(line.includes(` pid=${child}`), line);

    const { openCalls, calls: [open] } = await health(keystone);
    const { seconds, session: shown, ...rest } = open;
    assert.deepEqual([openCalls, rest], [1, { method: "tools/call", tool: "hang", id: "c-1", pid: child }]);
    assert(seconds >= 0.2 && shown.length === 8);
    if (session) assert(session.startsWith(shown) && line.includes(`session=${shown}`));

    keystone.signal("SIGUSR2");
    await keystone.logged(
      /^Open calls: 1\n {2}\d+\.\d s {2}session="[0-9a-f]{8}" method="tools\/call" tool="hang"/m,
    );
    assert.doesNotMatch(keystone.stderr(), /Debugger listening/);
    hanging.leave();
    await told(keystone, /INF Session closed|Call (failed|took long)|Gateway/);
    await keystone.stop();
    assert.doesNotMatch(keystone.stderr(), new RegExp(SECRET));
  });
}

Deno.test("a call that times out has a line at warn that says how to see more", async () => {
  await using keystone = await startKeystone(["--requestTimeout", "200ms"], { server: SCRIPTED });
  assert.match((await answer(await call(keystone, "hang").response)).error.message, /--requestTimeout/);
  const line = await told(keystone, /WRN Call timed out; --logLevel debug shows its messages/);
  assert.match(
    line,
    /session=\S+ direction=up id=c-1 method=tools\/call tool=hang reason=".*" outcome=timeout/,
  );
  assert.match(line, / durationMs=\d+.* pid=\d+$/);
});

Deno.test("a call that fails with its server has a line with the child that it died with", async () => {
  await using keystone = await startKeystone(["--stateful", "--restart", "never"], { server: SCRIPTED });
  const session = await beginSession(keystone.mcp);
  const [child] = await keystone.children();
  await (await call(keystone, "exit", { code: 3 }, session).response).body?.cancel();
  const line = await told(keystone, /WRN Call failed; --logLevel debug/);
  assert.match(line, /tool=exit reason="The MCP server exited with code 3" outcome=failed/);
  assert(line.endsWith(` pid=${child}`), line);
});

Deno.test("a call that is slow or answered with an error has a line at info", async () => {
  await using keystone = await startKeystone(["--slowRequest", "100ms"], { server: SCRIPTED });
  await (await call(keystone, "sleep", { ms: 150 }).response).body?.cancel();
  await told(keystone, /INF Call took long session=.* tool=sleep outcome=result durationMs=/);
  await (await post(keystone.mcp, { jsonrpc: "2.0", id: 2, method: "no/such" })).body?.cancel();
  await told(
    keystone,
    /INF Call was answered with an error session=.* method=no\/such code=-32601 outcome=error/,
  );
});

Deno.test("a handshake that is not answered names --startTimeout, is logged, and degrades /health", async () => {
  await using keystone = await startKeystone(["--startTimeout", "300ms"], { server: SILENT });
  const { error } = await answer(await call(keystone, "echo").response);
  assert.equal(error.message, "The MCP server did not answer initialize within 300ms (--startTimeout)");
  await told(keystone, /ERR Server did not answer the handshake in time session=shared .*--startTimeout/);
  const { status, reason } = await health(keystone);
  assert.deepEqual([status, reason], ["degraded", error.message]);
});
