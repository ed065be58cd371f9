/** Clients of 2026-07-28 at a child with a handshake, which they share: what it hears of who leaves, waits and listens. */
import assert from "node:assert/strict";
import { MetaKey } from "../../src/core/mcp/request_meta.ts";
import type { JsonRpcRequest, Params } from "../../src/core/message/jsonrpc.ts";
import { inTime } from "../contract/deadline.ts";
import { type Conversation, openSocket, openSse } from "../support/conversation.ts";
import { eventually, type Keystone, SCRIPTED, startKeystone } from "../support/keystone.ts";
import { modernHeaders } from "../support/modern_post_rig.ts";
import { modern } from "../support/modern_rig.ts";
import { answer, type AnyMessage, messagesOf, post, request } from "../support/rpc.ts";

const CHILD = [...SCRIPTED, "--record", "--subscribe"];
const WIRES = ["--outputTransport", "streamableHttp,sse,ws"];
const URI = "test://note";

const call = (id: number | string, name: string, args: Params = {}, meta: Params = {}) =>
  modern(id, "tools/call", { name, arguments: args, _meta: meta });

function ask({ mcp }: Keystone, message: JsonRpcRequest, signal?: AbortSignal): Promise<Response> {
  return post(mcp, message, { headers: modernHeaders(message), ...signal && { signal } });
}

/** Everything that the child has heard. */
async function heard(gateway: Keystone): Promise<AnyMessage[]> {
  return (await answer(await ask(gateway, call("seen", "seen")))).result.structuredContent.heard;
}

async function heardOf(gateway: Keystone, method: string): Promise<AnyMessage[]> {
  return (await heard(gateway)).filter((message) => message.method === method);
}

Deno.test("a call whose client does not come back is cancelled at its child, which hears so of its question too", async () => {
  await using gateway = await startKeystone(["--parkedTtl", "1m"], { server: CHILD, leapMs: 60_000 });
  const question = request("q", "elicitation/create", { message: "Who?", requestedSchema: {} });
  const asking = call(1, "ask", question, { [MetaKey.capabilities]: { elicitation: {} } });
  const { result: asked } = await inTime(ask(gateway, asking).then(answer), "The question");
  assert.equal(asked.resultType, "input_required");
  assert.deepEqual(await heardOf(gateway, "notifications/cancelled"), []);
  await gateway.leap();
  await gateway.logged(/did not come again with answers/);
  const all = await heard(gateway);
  const { id } = all.find(({ params }) => params?.name === "ask");
  const cancelled = all.filter(({ method }) => method === "notifications/cancelled");
  assert.deepEqual(cancelled.map(({ params }) => params.requestId), [id]);
  const replies = all.filter((message) => message.id === "q");
  assert.deepEqual(replies.map(({ error }) => error?.message), ["The client that was asked is gone"]);
});

Deno.test("two who listen for one resource are one subscription of the child, which ends with the last of them", async () => {
  await using gateway = await startKeystone(WIRES, { server: CHILD });
  const listen = (id: string) =>
    modern(id, "subscriptions/listen", { notifications: { resourceSubscriptions: [URI] } });
  const subscriptions = async () =>
    (await heard(gateway)).filter(({ method }) => /^resources\//.test(method))
      .map(({ method, params }) => [method, params.uri]);
  const touch = () => {
    const updated = { jsonrpc: "2.0", method: "notifications/resources/updated", params: { uri: URI } };
    return ask(gateway, call("touch", "notify", { messages: [updated] })).then(answer);
  };
  const assertTold = (message: AnyMessage, id: string) => {
    const { method, params } = message;
    assert.deepEqual([method, params.uri], ["notifications/resources/updated", URI]);
    assert.equal(params._meta[MetaKey.subscription], id);
  };
  const leaving = new AbortController();
  const stays = messagesOf(await ask(gateway, listen("stays"), leaving.signal));
  const staying = async () => (await inTime(stays.next(), "A message for who stays")).value;
  assert.equal((await staying()).method, "notifications/subscriptions/acknowledged");
  await using leaves = await openSocket(gateway);
  await leaves.send(listen("leaves"));
  assert.equal((await leaves.next()).method, "notifications/subscriptions/acknowledged");

  await touch();
  assertTold(await staying(), "stays");
  assertTold(await leaves.next(), "leaves");
  assert.deepEqual(await subscriptions(), [["resources/subscribe", URI]]);

  await leaves.send({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: "leaves" } });
  // What is said after it on the same connection is answered once it was heard.
  await leaves.send(call("after", "echo"));
  assert.equal((await leaves.next()).id, "after");
  await touch();
  assertTold(await staying(), "stays");
  assert.deepEqual(await subscriptions(), [["resources/subscribe", URI]]);

  leaving.abort();
  await assert.rejects(staying());
  await eventually(subscriptions, ({ length }) => length > 1);
  assert.deepEqual(await subscriptions(), [["resources/subscribe", URI], ["resources/unsubscribe", URI]]);
  // Who has left before has heard nothing since.
  await leaves.send(call("last", "echo"));
  assert.equal((await leaves.next()).id, "last");
});

/** Makes a call that is never answered, and leaves once the child has it. */
type Leave = (gateway: Keystone, call: JsonRpcRequest, begun: () => Promise<unknown>) => Promise<void>;

function byPost(): Leave {
  return async (gateway, call, begun) => {
    const leaving = new AbortController();
    const answered = ask(gateway, call, leaving.signal);
    await begun();
    leaving.abort();
    await assert.rejects(async () => await (await answered).text());
  };
}

function by(open: (gateway: Keystone) => Promise<Conversation>): Leave {
  return async (gateway, call, begun) => {
    await using conversation = await open(gateway);
    await conversation.send(call);
    await begun();
  };
}

const LEAVES: Readonly<Record<string, { readonly flags?: readonly string[]; readonly leave: Leave }>> = {
  "an HTTP request": { leave: byPost() },
  "an HTTP request that is answered with JSON": { flags: ["--replyMode", "json"], leave: byPost() },
  "an HTTP request that is answered with a stream": { flags: ["--replyMode", "sse"], leave: byPost() },
  "an event stream": { leave: by(openSse) },
  "a WebSocket": { leave: by(openSocket) },
};

for (const [what, { flags = [], leave }] of Object.entries(LEAVES)) {
  Deno.test(`a client that leaves ${what} takes its call back at the child, and nobody else's`, async () => {
    await using gateway = await startKeystone([...WIRES, ...flags, "--shutdownTimeout", "1ms"], {
      server: CHILD,
    });
    const calls = async (name: string) =>
      (await heardOf(gateway, "tools/call")).filter(({ params }) => params.name === name);
    const begun = (name: string) => eventually(() => calls(name), ({ length }) => length > 0);
    await using other = await openSocket(gateway);
    await other.send(call(1, "begin"));
    await begun("begin");
    await leave(gateway, call(1, "hang"), () => begun("hang"));
    const cancelled = () => heardOf(gateway, "notifications/cancelled");
    await eventually(cancelled, ({ length }) => length > 0);
    const [hanging] = await calls("hang");
    assert.deepEqual((await cancelled()).map(({ params }) => params.requestId), [hanging.id]);
  });
}
