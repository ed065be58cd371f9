import assert from "node:assert/strict";
import { beginSse, openSse } from "../support/conversation.ts";
import { conversationContract } from "../support/conversation_contract.ts";
import { eventually, SCRIPTED, startKeystone } from "../support/keystone.ts";
import { callTool, post, request } from "../support/rpc.ts";

const FLAGS = ["--outputTransport", "sse"];

conversationContract({ name: "SSE", flags: FLAGS, begin: beginSse });

Deno.test("SSE names its endpoint first, and keeps the stream alive with comments", async () => {
  await using gateway = await startKeystone([...FLAGS, "--keepAlive", "100ms"], { server: SCRIPTED });
  const response = await fetch(gateway.sse, { headers: { Accept: "text/event-stream" } });
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  assert.equal(response.headers.get("cache-control"), "no-cache, no-transform");
  assert.equal(response.headers.get("x-accel-buffering"), "no");
  let text = "";
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (text.split(":\n\n").length > 3) break;
  }
  assert.match(text, /^event: endpoint\ndata: \/message\?sessionId=[0-9a-f-]{36}\n\n(:\n\n)+$/);
});

Deno.test("SSE takes each POST with 202, a batch too, and answers on the stream alone", async () => {
  await using gateway = await startKeystone(FLAGS, { server: SCRIPTED });
  await using client = await beginSse(gateway);
  const batch = [request("a", "ping"), { jsonrpc: "2.0", method: "notifications/x" }, request("b", "ping")];
  const response = await post(client.endpoint, batch);
  assert.deepEqual([response.status, await response.text()], [202, "Accepted"]);
  assert.deepEqual([await client.next(), await client.next()].map(({ id }) => id), ["a", "b"]);
});

Deno.test("SSE ends a session with its stream: a later POST finds none", async () => {
  // The server takes nothing, so that messages wait for it when the client leaves.
  const server = ["/bin/sh", "-c", "exec sleep 600"];
  await using gateway = await startKeystone([...FLAGS, "--shutdownTimeout", "0"], { server });
  const client = await openSse(gateway);
  for (let id = 1; id <= 20; id++) await client.send(callTool(id, "echo", { fill: "x".repeat(20_000) }));
  await client[Symbol.asyncDispose]();
  // A POST that comes before the gateway hears of the end is still taken.
  const attempt = async () => {
    const response = await post(client.endpoint, { jsonrpc: "2.0", method: "notifications/late" });
    return { status: response.status, body: await response.text() };
  };
  const { body } = await eventually(attempt, ({ status }) => status === 404);
  assert.equal(JSON.parse(body).error.code, -32001);
});

Deno.test("SSE leaves the protocol version to client and server: this transport has no header for it", async () => {
  await using gateway = await startKeystone(FLAGS, { server: [...SCRIPTED, "--version=2024-10-07"] });
  await using client = await openSse(gateway);
  await client.send(request(0, "initialize", { protocolVersion: "2024-10-07" }));
  assert.equal((await client.next()).result.protocolVersion, "2024-10-07");
  for (const version of ["2024-10-07", "2026-07-28", "latest"]) {
    const headers = { "MCP-Protocol-Version": version };
    const { status, body } = await post(client.endpoint, request(version, "ping"), { headers });
    await body?.cancel();
    assert.equal(status, 202);
    assert.deepEqual(await client.next(), { jsonrpc: "2.0", id: version, result: {} });
  }
});
