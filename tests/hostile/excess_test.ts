/** What has more structure than is taken: its sender is told what, how much and the way out, under its own id. */
import assert from "node:assert/strict";
import { openSocket } from "../support/conversation.ts";
import { deepArray } from "../support/deep.ts";
import { type Keystone, SCRIPTED, startKeystone } from "../support/keystone.ts";
import { answer, beginSession, callTool, post } from "../support/rpc.ts";

const REFUSED = -32600;
const calls = (count: number) => Array.from({ length: count }, (_, id) => callTool(id, "echo"));

const EXCESSES: readonly { text: string; id: unknown; message: RegExp }[] = [
  {
    text: `{"jsonrpc":"2.0","id":"deep","method":"ping","params":{"a":${deepArray()}}}`,
    id: "deep",
    message: /deeper than 512 levels \(--maxDepth\)/,
  },
  { text: JSON.stringify(calls(101)), id: null, message: /batch of more than 100 messages \(--maxBatch\)/ },
  {
    text: JSON.stringify({ jsonrpc: "2.0", id: 7, method: "ping", params: { a: Array(100_000).fill([]) } }),
    id: 7,
    message: /more than 100000 objects, arrays and strings \(--maxBodyParts\)/,
  },
];

async function startShared(...flags: string[]): Promise<Keystone> {
  return await startKeystone(["--children", "shared", ...flags], { server: SCRIPTED });
}

Deno.test("a POST with too much structure is refused, with a session and without", async () => {
  for (const stateful of [false, true]) {
    await using gateway = await startShared(...stateful ? ["--stateful"] : []);
    const session = stateful ? await beginSession(gateway.mcp) : undefined;
    for (const { text, id, message } of EXCESSES) {
      const response = await post(gateway.mcp, text, { session });
      assert.equal(response.status, 400);
      const body = await response.json();
      assert.deepEqual([body.id, body.error.code], [id, REFUSED]);
      assert.match(body.error.message, message);
    }
    const batch = await post(gateway.mcp, calls(100), { session });
    assert.equal(batch.status, 200);
    await batch.body?.cancel();
  }
});

Deno.test("a frame with too much structure is refused, and the socket goes on", async () => {
  await using gateway = await startShared();
  await using client = await openSocket(gateway);
  for (const { text, id, message } of EXCESSES) {
    await client.send(text);
    const refusal = await client.next();
    assert.deepEqual([refusal.id, refusal.error.code], [id, REFUSED]);
    assert.match(refusal.error.message, message);
  }
  await client.send(callTool(1, "echo", { still: "here" }));
  assert.equal((await client.next()).result.structuredContent.still, "here");
});

Deno.test("options allow more structure", async () => {
  await using gateway = await startShared(
    "--maxDepth",
    "4096",
    "--maxBatch",
    "200",
    "--maxBodyParts",
    "300000",
  );
  const [deep, batch, large] = EXCESSES;
  for (const { text, id } of [deep!, large!]) {
    const { id: answered, error } = await answer(await post(gateway.mcp, text));
    assert.deepEqual([answered, error], [id, undefined]);
  }
  const response = await post(gateway.mcp, batch!.text);
  assert.equal(response.status, 200);
  await response.body?.cancel();
});

Deno.test("an answer that nests too deep is an error to its asker alone", async () => {
  await using gateway = await startShared();
  await using client = await openSocket(gateway);
  // The shared server counts requests by itself: the first is its handshake, and what it hears next has the number 1.
  await client.send(callTool("a", "write", { text: `{"jsonrpc":"2.0","result":${deepArray()},"id":1}` }));
  const refusal = await client.next();
  assert.equal(refusal.id, "a");
  assert.match(refusal.error.message, /answer was refused: .* deeper than 512 levels/);
  await gateway.logged(/it sent a message that nests deeper/);
  assert.equal(
    (await answer(await post(gateway.mcp, callTool(1, "echo", { still: "here" })))).result.structuredContent
      .still,
    "here",
  );
});
