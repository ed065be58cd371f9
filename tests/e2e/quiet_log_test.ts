/** The log has one record for what happened once, and no warning where all is well. */
import assert from "node:assert/strict";
import { EVERYTHING, SCRIPTED, startKeystone } from "../support/keystone.ts";
import { answer, beginSession, callTool, post } from "../support/rpc.ts";

/** Lines at warn and error. */
function alarms(log: string): string[] {
  return log.split("\n").filter((line) => /^\S+ (WRN|ERR) /.test(line));
}

/** What is told of a call is the call's own record. */
function crashRecords(log: string): string[] {
  return alarms(log).filter((line) => !/^\S+ WRN Call failed/.test(line));
}

Deno.test("a child that crashes at its start is one record", async () => {
  const server = ["sh", "-c", "echo no licence >&2; exit 3"];
  await using keystone = await startKeystone(["--restartMaxDelay", "1ms"], { server });
  const { error } = await answer(await post(keystone.mcp, callTool(1, "echo")));
  assert.equal(error.message, "The MCP server exited with code 3");
  await keystone.stop();
  const [record = "", ...more] = crashRecords(keystone.stderr());
  assert.deepEqual(more, []);
  assert.match(record, /ERR Child ended by itself, before it said anything session=shared pid=\d+ .*code=3/);
  assert.match(record, /stderr=\["no licence"\]/);
});

for (const stateful of [true, false]) {
  Deno.test(`a child that crashes under a call is one record, and comes back, ${stateful ? "with" : "without"} a session`, async () => {
    await using keystone = await startKeystone(stateful ? ["--stateful"] : [], { server: SCRIPTED });
    const session = stateful ? await beginSession(keystone.mcp) : undefined;
    const { error } = await answer(await post(keystone.mcp, callTool(1, "exit", { code: 3 }), { session }));
    assert.match(error.message, /exited with code 3/);
    const { result } = await answer(await post(keystone.mcp, callTool(2, "echo"), { session }));
    assert(result);
    await keystone.stop();
    const [record = "", ...more] = crashRecords(keystone.stderr());
    assert.deepEqual(more, []);
    assert.match(record, /ERR Child ended by itself session=\S+ pid=\d+ .*code=3/);
  });
}

Deno.test("the example of the README is served without a warning", async () => {
  await using keystone = await startKeystone([], { server: EVERYTHING });
  const { result } = await answer(await post(keystone.mcp, callTool(1, "echo", { message: "hello" })));
  assert.equal(result.content[0].text, "Echo: hello");
  await keystone.stop();
  assert.deepEqual(alarms(keystone.stderr()), []);
});

Deno.test("a list that changes at the start of a shared server is no trouble", async () => {
  await using keystone = await startKeystone(["--logLevel", "debug"], { server: SCRIPTED });
  const changed = { jsonrpc: "2.0", method: "notifications/tools/list_changed" };
  await (await post(keystone.mcp, callTool(1, "notify", { messages: [changed] }))).body?.cancel();
  await keystone.logged(
    /DBG Message dropped session=shared direction=down reason="nobody is there who has seen the list"/,
  );
  assert.deepEqual(alarms(keystone.stderr()), []);
});
