/** Several sessions on one child, over the wires: what is whose. SharedServer is tested beside its source. */
import assert from "node:assert/strict";
import { beginSocket, beginSse, type Conversation, openSse } from "../support/conversation.ts";
import { EVERYTHING, type Keystone, SCRIPTED, startKeystone } from "../support/keystone.ts";
import { answer, callTool, initialize, post, request } from "../support/rpc.ts";
import { HttpRemote, initialized, toolOf } from "../support/scripted_remote.ts";

const SHARED = ["--children", "shared"];
const ASK = { id: "q", method: "sampling/createMessage", params: { messages: [], maxTokens: 1 } };

async function two(gateway: Keystone, capabilities: unknown = {}): Promise<[Conversation, Conversation]> {
  return [await beginSocket(gateway, capabilities), await beginSse(gateway, capabilities)];
}

Deno.test("a shared child asks the one session whose call is open, and its reply comes back", async () => {
  await using gateway = await startKeystone(SHARED, { server: SCRIPTED });
  const [ann, bob] = await two(gateway, { sampling: {} });
  await using _ann = ann;
  await using _bob = bob;
  for (const asked of [ann, bob]) {
    await asked.send(callTool(1, "ask", ASK));
    const question = await asked.next();
    assert.deepEqual([question.method, question.params], [ASK.method, ASK.params]);
    await asked.send({ jsonrpc: "2.0", id: question.id, result: { model: "m" } });
    assert.deepEqual((await asked.next()).result.structuredContent.reply.result, { model: "m" });
  }
});

Deno.test("a shared child that asks while two sessions have calls open hears that nobody can be named", async () => {
  await using gateway = await startKeystone(SHARED, { server: SCRIPTED });
  const [ann, bob] = await two(gateway, { sampling: {} });
  await using _ann = ann;
  await using _bob = bob;
  await ann.send(callTool(1, "begin", {}, { progressToken: 1 }));
  assert.equal((await ann.next()).method, "notifications/progress");
  await bob.send(callTool(1, "ask", ASK));
  const { error } = (await bob.next()).result.structuredContent.reply;
  assert.match(error.message, /sampling\/createMessage/);
});

Deno.test("a shared child does not ask a session for what it did not declare, nor a stateless caller for anything", async () => {
  await using gateway = await startKeystone(SHARED, { server: SCRIPTED });
  await using session = await beginSocket(gateway);
  await session.send(callTool(1, "ask", ASK));
  assert.equal((await session.next()).result.structuredContent.reply.error.code, -32601);
  const { result } = await answer(await post(gateway.mcp, callTool(1, "ask", ASK)));
  assert.equal(result.structuredContent.reply.error.code, -32601);
});

Deno.test("a shared server-everything sends updates of a resource to its subscribers alone", async () => {
  await using gateway = await startKeystone(SHARED, { server: EVERYTHING });
  const [ann, bob] = await two(gateway);
  await using _ann = ann;
  await using _bob = bob;
  const uri = "demo://resource/dynamic/text/1";
  await ann.send(request(1, "resources/subscribe", { uri }));
  assert.deepEqual((await ann.until(1)).at(-1)?.result, {});
  await ann.send(callTool(2, "toggle-subscriber-updates"));
  const heard = [];
  while (heard.at(-1)?.method !== "notifications/resources/updated") heard.push(await ann.next());
  assert.equal(heard.at(-1).params.uri, uri);
  await bob.send(request(1, "ping"));
  const other = (await bob.until(1)).map(({ method }) => method);
  assert(!other.includes("notifications/resources/updated"), other.join());
  await ann.send(callTool(3, "toggle-subscriber-updates"));
  await ann.until(3);
});

Deno.test("a shared server tells each session of the capabilities that sharing can carry, in its own revision", async () => {
  await using gateway = await startKeystone(SHARED, { server: SCRIPTED });
  await using _ = await beginSocket(gateway);
  const stateless = await answer(await post(gateway.mcp, initialize(1, "2025-03-26")));
  assert.equal(stateless.result.protocolVersion, "2025-03-26");
  assert.deepEqual(stateless.result.capabilities, { tools: {} });
  await using session = await openSse(gateway);
  await session.send(initialize(2, "2025-06-18"));
  const { result } = await session.next();
  assert.deepEqual([result.protocolVersion, result.capabilities], [
    "2025-06-18",
    { tools: { listChanged: true }, logging: {} },
  ]);
});

Deno.test("gateway tells who comes later of the remote that took the place of another one", async () => {
  let life = 0;
  await using remote = new HttpRemote(({ message, headers }) => {
    const session = headers.get("mcp-session-id");
    if (message?.method === "initialize") {
      const result = { ...initialized(message.params), instructions: `life ${++life}` };
      const told = { "Mcp-Session-Id": `session-${life}` };
      return Response.json({ jsonrpc: "2.0", id: message.id, result }, { headers: told });
    }
    // The first session is lost with the first call.
    return life === 1 && toolOf(message) && session ? new Response(null, { status: 404 }) : undefined;
  });
  await using gateway = await startKeystone([
    ...["--streamableHttp", remote.url, "--retryDelay", "10ms", "--outputTransport", "streamableHttp"],
  ]);
  const instructions = async () => (await answer(await post(gateway.mcp, initialize()))).result.instructions;
  assert.equal(await instructions(), "life 1");
  assert.deepEqual((await answer(await post(gateway.mcp, callTool(1, "echo", { n: 1 })))).error, undefined);
  assert.equal(await instructions(), "life 2");
});
