/** A stateless call that has a child for itself: what that child says is for nobody else. */
import assert from "node:assert/strict";
import { inTime } from "../contract/deadline.ts";
import { CONFORMANCE, SCRIPTED, startKeystone } from "../support/keystone.ts";
import { allMessages, answer, type AnyMessage, callTool, initialize, post, request } from "../support/rpc.ts";

const OWN_CHILD: Readonly<Record<string, readonly string[]>> = {
  "--children request": ["--children", "request"],
  "--children session": ["--children", "session"],
  "--children request, started ahead": ["--children", "request", "--prewarm", "1"],
};

const notification = (method: string, params: unknown = {}) => ({ jsonrpc: "2.0", method, params });
/** One of each kind, and none that says whose it is. */
const SAID = [
  notification("notifications/tools/list_changed"),
  notification("notifications/message", { level: "debug", data: "log" }),
  notification("notifications/resources/updated", { uri: "a:b" }),
  notification("notifications/elicitation/complete", { elicitationId: "e" }),
  notification("vendor/anything", { a: 1 }),
];

for (const [name, flags] of Object.entries(OWN_CHILD)) {
  Deno.test(`${name}: a stateless call hears all that its child says`, async () => {
    await using gateway = await startKeystone(flags, { server: SCRIPTED });
    const call = post(gateway.mcp, callTool("c", "notify", { messages: SAID })).then(allMessages);
    const messages = await inTime(call, "The answer");
    assert.deepEqual(messages.slice(0, -1), SAID);
    assert.deepEqual(messages.at(-1).result.structuredContent, { sent: SAID.length });
  });

  Deno.test(`${name}: a stateless call about the log level or a subscription is answered by its child`, async () => {
    await using gateway = await startKeystone(flags, { server: CONFORMANCE });
    const ask = async (method: string, params: unknown): Promise<AnyMessage> =>
      await inTime(post(gateway.mcp, request("x", method, params)).then(answer), `The answer to ${method}`);
    assert.deepEqual(await ask("logging/setLevel", { level: "debug" }), {
      jsonrpc: "2.0",
      id: "x",
      result: {},
    });
    const uri = "test://watched-resource";
    assert.deepEqual((await ask("resources/subscribe", { uri })).result, {});
    assert.deepEqual((await ask("resources/unsubscribe", { uri })).result, {});
    // Its own error, to what it does not understand.
    const { error } = await ask("logging/setLevel", { level: "loud" });
    assert.notEqual(error.code, -32601);
    assert.doesNotMatch(error.message, /--stateful/);
  });

  Deno.test(`${name}: a stateless client is told what it can have while its call lasts`, async () => {
    await using gateway = await startKeystone(flags, { server: SCRIPTED });
    const { result } = await inTime(post(gateway.mcp, initialize()).then(answer), "The handshake");
    assert.deepEqual(result.capabilities, { tools: {}, logging: {} });
    const { error } = await inTime(post(gateway.mcp, request(1, "tasks/list")).then(answer), "The answer");
    assert.match(error.message, /"tasks\/list" needs a session.*--stateful/);
  });
}

Deno.test("--children request: what a child says goes to the call that it has, of two in a session", async () => {
  const flags = ["--stateful", "--children", "request", "--replyMode", "sse"];
  await using gateway = await startKeystone(flags, { server: SCRIPTED });
  const begun = await post(gateway.mcp, initialize());
  const session = begun.headers.get("mcp-session-id") ?? "";
  await begun.body?.cancel();
  const waiting = await post(gateway.mcp, callTool("w", "hang"), { session });
  const call = post(gateway.mcp, callTool("c", "notify", { messages: SAID }), { session }).then(allMessages);
  assert.deepEqual((await inTime(call, "The answer")).slice(0, -1), SAID);
  await waiting.body?.cancel();
});
