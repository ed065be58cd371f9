/** What supergateway gets wrong and must never go wrong here: one test for each of its known defects. */
import assert from "node:assert/strict";
import {
  beginSocket,
  beginSse,
  type Conversation,
  Events,
  inTime,
  openSse,
} from "../support/conversation.ts";
import { DEAF } from "../support/conversation_contract.ts";
import { eventually, SCRIPTED, startKeystone, TextLog } from "../support/keystone.ts";
import { rawRequest, upgradeRequest } from "../support/raw_http.ts";
import {
  allMessages,
  answer,
  type AnyMessage,
  beginSession,
  callTool,
  initialize,
  messagesOf,
  post,
  request,
} from "../support/rpc.ts";

const start = (...flags: string[]) => startKeystone(flags, { server: SCRIPTED });
const log = (data: unknown) => ({
  jsonrpc: "2.0",
  method: "notifications/message",
  params: { level: "info", data },
});
const cancelled = (requestId: unknown) => ({
  jsonrpc: "2.0",
  method: "notifications/cancelled",
  params: { requestId },
});
const child = (message: AnyMessage) => message.result.structuredContent.pid;

Deno.test("an answer over SSE or WebSocket reaches the client that asked, and nobody else", async () => {
  await using gateway = await start();
  await using clients = new AsyncDisposableStack();
  const all: Conversation[] = [];
  for (const begin of [beginSse, beginSse, beginSocket, beginSocket]) {
    all.push(clients.use(await begin(gateway)));
  }
  const pids = new Set();
  // The same ids for all, twice: what was meant for a neighbour would come before the second answer.
  for (const id of [1, 2]) {
    await Promise.all(all.map((client, at) => client.send(callTool(id, "echo", { at }))));
    for (const [at, client] of all.entries()) {
      const { id: answered, result } = await client.next();
      assert.deepEqual([answered, result.structuredContent.at], [id, at]);
      pids.add(result.structuredContent.pid);
    }
  }
  assert.equal(pids.size, all.length, "each has a child of its own");
});

Deno.test("ids over WebSocket come back exactly, type included", async () => {
  await using gateway = await start();
  await using client = await beginSocket(gateway);
  for (const id of ["abc", "7", 7, "12:34", "a:b:c", "", 0, -1, 2 ** 40, "null"]) {
    await client.send(callTool(id, "echo", { id }));
    const message = await client.next();
    assert.deepEqual([message.id, message.result.structuredContent.id], [id, id]);
  }
});

Deno.test("a request of the server over WebSocket reaches its client, and the reply its server", async () => {
  await using gateway = await start();
  await using first = await beginSocket(gateway, { sampling: {} });
  await using second = await beginSocket(gateway, { sampling: {} });
  const asked = request("srv1", "sampling/createMessage", { maxTokens: 1 });
  await first.send(callTool(1, "ask", asked));
  await second.send(callTool(1, "ask", asked));
  for (const [client, text] of [[first, "first"], [second, "second"]] as const) {
    assert.deepEqual(await client.next(), asked);
    await client.send({ jsonrpc: "2.0", id: "srv1", result: { text } });
    const { result } = await client.next();
    assert.deepEqual(result.structuredContent.reply, { jsonrpc: "2.0", id: "srv1", result: { text } });
  }
});

Deno.test("nothing is started for a request that is refused", async () => {
  for (const flags of [["--stateful"], []]) {
    await using gateway = await start("--maxBodySize", "10k", ...flags);
    const refused: [number, unknown, Record<string, string>][] = [
      [406, initialize(), { Accept: "application/json" }],
      [406, initialize(), { Accept: "text/html" }],
      [415, initialize(), { "Content-Type": "text/plain" }],
      [400, initialize(), { "MCP-Protocol-Version": "1999-01-01" }],
      [413, JSON.stringify(initialize()) + " ".repeat(10 * 1024), {}],
      [400, "{", {}],
      [400, [], {}],
      [400, [initialize()], {}],
      [403, initialize(), { Origin: "http://evil.example" }],
    ];
    for (const [status, body, headers] of refused) {
      const response = await post(gateway.mcp, body, { headers });
      assert.equal(response.status, status);
      assert.equal(response.headers.get("mcp-session-id"), null);
      await response.body?.cancel();
    }
    assert.deepEqual(await gateway.children(), []);
    assert.doesNotMatch(gateway.stderr(), /Session opened|Child started/);
  }
});

Deno.test("a notification goes to the call that it belongs to, and a cancelled call attracts none", async () => {
  await using gateway = await start("--stateful", "--replyMode", "sse");
  const session = await beginSession(gateway.mcp);
  const send = (message: unknown) => post(gateway.mcp, message, { session });
  const oldest = await send(callTool("oldest", "hang", {}, { progressToken: "oldest" }));
  const progress = {
    jsonrpc: "2.0",
    method: "notifications/progress",
    params: { progressToken: "own", progress: 1 },
  };
  const own = await allMessages(
    await send(callTool(1, "notify", { messages: [progress] }, { progressToken: "own" })),
  );
  assert.deepEqual([own[0], own[1].id], [progress, 1]);

  await (await send(cancelled("oldest"))).body?.cancel();
  const ended = { jsonrpc: "2.0", id: "oldest", error: { code: -32800, message: "Request cancelled" } };
  assert.deepEqual(await allMessages(oldest), [ended], "the oldest call heard nothing of it");
  const later = await allMessages(await send(callTool(2, "notify", { messages: [log("later")] })));
  assert.deepEqual([later[0], later[1].id], [log("later"), 2]);
  const headers = { "Mcp-Session-Id": session, Accept: "text/event-stream" };
  const stream = new Events(await fetch(gateway.mcp, { headers }));
  await (await send(callTool(3, "answer_then", { messages: [log("idle")] }))).body?.cancel();
  assert.deepEqual(JSON.parse((await inTime(stream.next(), "message"))!.data), log("idle"));
  await stream.cancel();
});

Deno.test("a second request under an id in flight is refused at once, and the first is answered", async () => {
  await using gateway = await start("--stateful");
  const asked = request("asked", "roots/list");
  const reply = { jsonrpc: "2.0", id: "asked", result: { roots: [] } };
  const session = await beginSession(gateway.mcp, { roots: {} });
  const send = (message: unknown) => post(gateway.mcp, message, { session });
  const first = messagesOf(await send(callTool("1", "ask", asked)));
  assert.deepEqual((await first.next()).value, asked);
  const second = await send(callTool("1", "echo"));
  assert.equal(second.status, 400);
  const { id, error } = await second.json();
  assert.deepEqual([id, error.code], ["1", -32600]);
  // A number is another id.
  assert.equal((await answer(await send(callTool(1, "echo")))).id, 1);
  await (await send(reply)).body?.cancel();
  assert.deepEqual((await first.next()).value.result.structuredContent.reply, reply);
  assert.equal((await first.next()).done, true);

  for (const begin of [beginSse, beginSocket]) {
    await using client = await begin(gateway, { roots: {} });
    await client.send(callTool("1", "ask", asked));
    assert.deepEqual(await client.next(), asked);
    await client.send(callTool("1", "echo"));
    const { id, error } = await client.next();
    assert.deepEqual([id, error.code], ["1", -32600]);
    await client.send(callTool(1, "echo"));
    assert.equal((await client.next()).id, 1);
    await client.send(reply);
    assert.deepEqual((await client.next()).result.structuredContent.reply, reply);
  }
});

Deno.test("a stateless batch of two requests gets two answers", async () => {
  await using gateway = await start();
  const answers = await allMessages(await post(gateway.mcp, [callTool(1, "echo"), callTool("1", "echo")]));
  assert.deepEqual(answers.map(({ id }) => id), [1, "1"]);
  assert.equal(child(answers[0]), child(answers[1]));
});

Deno.test("an idle session ends although its GET stream is open and kept alive", async () => {
  const flags = ["--stateful", "--sessionTimeout", "30m", "--keepAlive", "100ms"];
  await using gateway = await startKeystone(flags, { server: SCRIPTED, leapMs: 30 * 60_000 });
  const session = await beginSession(gateway.mcp);
  const headers = { "Mcp-Session-Id": session, Accept: "text/event-stream" };
  const stream = new TextLog((await fetch(gateway.mcp, { headers })).body!);
  await inTime(stream.matching(/^id: \S+\nretry: \d+\ndata: \n\n(:\n\n){2,}$/), "keep-alive");
  await gateway.leap();
  await inTime(stream.ended, "end of the stream");
  assert.match(stream.text, /^id: \S+\nretry: \d+\ndata: \n\n(:\n\n){2,}$/);
  assert.equal((await answer(await post(gateway.mcp, request(1, "ping"), { session }))).error.code, -32001);
  await eventually(() => gateway.children(), (children) => children.length === 0);
  assert.match(await gateway.logged(/Session closed/), /was idle for 1800000 ms/);
});

Deno.test("a bad POST is answered with 400 and -32700, and the SSE session that it names lives on", async () => {
  await using gateway = await start();
  await using client = await beginSse(gateway);
  for (const [body, code] of [["{not json", -32700], ['{"foo":1}', -32600], ["", -32700]] as const) {
    const response = await post(client.endpoint, body);
    assert.equal(response.status, 400);
    assert.equal((await response.json()).error.code, code);
  }
  await client.send(callTool(1, "echo", { still: "here" }));
  assert.equal((await client.next()).result.structuredContent.still, "here");
});

Deno.test("a body may have 4 MiB, and one byte more is refused as JSON-RPC, readable for a page", async () => {
  await using gateway = await start("--cors", "https://app.example");
  await using client = await beginSse(gateway);
  const limit = 4 * 1024 * 1024;
  const frame = JSON.stringify(callTool(1, "echo", { fill: "" })).length;
  const sized = (bytes: number) => callTool(1, "echo", { fill: "x".repeat(bytes - frame) });
  const { result } = await answer(await post(gateway.mcp, sized(limit)));
  assert.equal(result.structuredContent.fill.length, limit - frame);
  for (const url of [gateway.mcp, client.endpoint]) {
    const refused = await post(url, sized(limit + 1), { headers: { Origin: "https://app.example" } });
    assert.equal(refused.status, 413);
    assert.equal(refused.headers.get("access-control-allow-origin"), "https://app.example");
    assert.deepEqual(await refused.json(), {
      jsonrpc: "2.0",
      id: null,
      error: { code: -32000, message: "Payload Too Large: the limit is 4194304 bytes" },
    });
  }
});

Deno.test("the gateway binds loopback alone, and lets no foreign Host or Origin in", async () => {
  await using gateway = await start();
  // Another address of this machine, which a socket on all interfaces would answer at.
  await assert.rejects(
    Deno.connect({ hostname: "127.0.0.2", port: gateway.port }),
    Deno.errors.ConnectionRefused,
  );
  for (
    const headers of [{ Host: "evil.example" }, { Origin: "http://evil.example" }] as Record<string, string>[]
  ) {
    for (const path of ["/mcp", "/sse", "/message", "/health", "/"]) {
      using plain = await rawRequest(gateway.port, { path, headers });
      assert.equal(plain.status, 403, path);
    }
    for (const path of ["/ws", "/message"]) {
      using upgrade = await rawRequest(gateway.port, upgradeRequest(path, headers));
      assert.equal(upgrade.status, 403, path);
    }
  }
});

Deno.test("a child that closes its stdin fails its own session and not the gateway", async () => {
  await using gateway = await startKeystone(["--stateful", "--restart", "never"], { server: DEAF });
  const session = await beginSession(gateway.mcp);
  const other = await beginSession(gateway.mcp);
  assert.deepEqual((await answer(await post(gateway.mcp, request(1, "close"), { session }))).result, {});
  const failed = await answer(await post(gateway.mcp, request(2, "ping"), { session }));
  assert.match(failed.error.message, /closed its input/);
  assert.equal((await answer(await post(gateway.mcp, request(3, "ping"), { session }))).error.code, -32001);
  const neighbour = await post(gateway.mcp, request(1, "close"), { session: other });
  assert.deepEqual((await answer(neighbour)).result, {});
});

Deno.test("405 names what is allowed, 404 is JSON-RPC, and no answer carries a banner", async () => {
  await using gateway = await start("--stateful");
  const refused: [string, string, number, string | null][] = [
    ["PUT", "/mcp", 405, "GET, POST, DELETE"],
    ["POST", "/sse", 405, "GET"],
    ["GET", "/message", 405, "POST"],
    ["DELETE", "/ws", 405, "GET"],
    ["POST", "/health", 405, "GET, HEAD"],
    ["GET", "/nowhere", 404, null],
  ];
  for (const [method, path, status, allow] of refused) {
    const response = await fetch(`http://127.0.0.1:${gateway.port}${path}`, { method });
    assert.deepEqual([response.status, response.headers.get("allow")], [status, allow], `${method} ${path}`);
    assert.equal(response.headers.get("content-type"), "application/json");
    for (const name of ["server", "x-powered-by"]) assert.equal(response.headers.get(name), null);
    const { jsonrpc, id, error } = await response.json();
    assert.deepEqual([jsonrpc, id, error.code], ["2.0", null, -32000]);
  }
});

Deno.test("a protocol version that the HTTP layer would refuse later is refused at initialize", async () => {
  const unserved =
    /protocol version "2019-09-09", which is not served here \(supported versions: 2025-11-25, /;
  for (const flags of [["--stateful"], []]) {
    await using gateway = await startKeystone(flags, { server: [...SCRIPTED, "--version=2019-09-09"] });
    const response = await post(gateway.mcp, initialize());
    assert.equal(response.headers.get("mcp-session-id"), null);
    assert.match((await answer(response)).error.message, unserved);
    await using client = await openSse(gateway);
    await client.send(initialize());
    // This wire has no header for it, so nothing would be refused later.
    assert.equal((await client.next()).result.protocolVersion, "2019-09-09");
  }
  await using gateway = await startKeystone(["--stateful"], {
    server: [...SCRIPTED, "--version=2019-09-09"],
  });
  await (await post(gateway.mcp, initialize())).body?.cancel();
  await eventually(() => gateway.children(), (children) => children.length === 0);
});
