import assert from "node:assert/strict";
import { beginSocket, inTime, openSocket } from "../support/conversation.ts";
import { conversationContract } from "../support/conversation_contract.ts";
import { eventually, SCRIPTED, startKeystone } from "../support/keystone.ts";
import { callTool, initialize, request } from "../support/rpc.ts";
import { rawRequest, upgradeRequest } from "../support/raw_http.ts";

const FLAGS = ["--outputTransport", "ws"];

conversationContract({ name: "WebSocket", flags: FLAGS, begin: beginSocket });

Deno.test("WebSocket answers a frame that is no message, and lives on", async () => {
  await using gateway = await startKeystone(FLAGS, { server: SCRIPTED });
  await using client = await beginSocket(gateway);
  const refused: [string, number][] = [
    ["{not json", -32700],
    ["", -32700],
    ['{"foo":1}', -32600],
    ["[]", -32600],
    ["123", -32600],
    ['"text"', -32600],
    ["null", -32600],
    ['{"jsonrpc":"1.0","id":1,"method":"ping"}', -32600],
  ];
  for (const [text, code] of refused) {
    await client.send(text);
    const { error, ...rest } = await client.next();
    assert.deepEqual(rest, { jsonrpc: "2.0", id: null });
    assert.equal(error.code, code, text);
  }
  await client.send(request(1, "ping"));
  assert.deepEqual(await client.next(), { jsonrpc: "2.0", id: 1, result: {} });
  // The child has seen the handshake, the ping and this: nothing of what was refused.
  await client.send(callTool(2, "seen"));
  assert.equal((await client.next()).result.structuredContent.lines, 4);
});

Deno.test("WebSocket answers the messages of a batch one by one, a frame each", async () => {
  await using gateway = await startKeystone(FLAGS, { server: SCRIPTED });
  await using client = await beginSocket(gateway);
  await client.send([request("a", "ping"), request(7, "ping"), request("b", "no/such")]);
  const answers = [await client.next(), await client.next(), await client.next()];
  assert.deepEqual(new Set(answers.map(({ id }) => id)), new Set(["a", 7, "b"]));
});

Deno.test("WebSocket echoes the subprotocol mcp when it is offered, and serves those who offer none", async () => {
  await using gateway = await startKeystone(FLAGS, { server: SCRIPTED });
  for (const [protocols, expected] of [[["mcp"], "mcp"], [["other", "mcp"], "mcp"], [[], ""]] as const) {
    await using client = await openSocket(gateway, { protocols: [...protocols] });
    assert.equal(client.socket.protocol, expected);
    await client.send(initialize(1));
    assert.equal((await client.next()).result.serverInfo.name, "scripted");
  }
  // supergateway's path for WebSocket clients.
  await using client = await openSocket({ ws: gateway.ws.replace(/\/ws$/, "/message") });
  await client.send(initialize(1));
  assert.equal((await client.next()).id, 1);
});

Deno.test("WebSocket closes with 1003 for a binary frame and with 1009 for one that is too big", async () => {
  await using gateway = await startKeystone([...FLAGS, "--maxBodySize", "10k"], { server: SCRIPTED });
  await using binary = await beginSocket(gateway);
  binary.socket.send(new TextEncoder().encode(JSON.stringify(request(1, "ping"))));
  assert.equal((await inTime(binary.ended, "close")).code, 1003);
  await inTime(gateway.logged(/Session closed .*Binary frames are not supported/), "log entry");

  const padded = (id: number, bytes: number) => {
    const text = JSON.stringify(callTool(id, "echo", { fill: "" }));
    return JSON.stringify(callTool(id, "echo", { fill: "x".repeat(bytes - text.length) }));
  };
  await using big = await beginSocket(gateway);
  await big.send(padded(1, 10 * 1024));
  assert.equal((await big.next()).id, 1);
  await big.send(padded(2, 10 * 1024 + 1));
  assert.equal((await inTime(big.ended, "close")).code, 1009);

  // The limit counts bytes: a euro sign has three.
  await using wide = await beginSocket(gateway);
  await wide.send(callTool(1, "echo", { fill: "€".repeat(5 * 1024) }));
  assert.equal((await inTime(wide.ended, "close")).code, 1009);
  await eventually(() => gateway.children(), (children) => children.length === 0);
});

Deno.test("WebSocket cuts a client off whose messages the server does not take", async () => {
  const flags = [...FLAGS, "--maxBufferedMessages", "5"];
  await using gateway = await startKeystone(flags, { server: ["/bin/sh", "-c", "exec sleep 600"] });
  await using client = await openSocket(gateway);
  // Some fill the pipe and what is written ahead, the rest would have to wait.
  for (let id = 1; id <= 40; id++) await client.send(callTool(id, "echo", { fill: "x".repeat(20_000) }));
  // 1013, unless what the gateway left unread resets the connection before the close frame is seen.
  assert.notEqual((await inTime(client.ended, "close")).code, 1000);
  await inTime(gateway.logged(/Session closed .*Too many messages wait/), "log entry");
  await eventually(() => gateway.children(), (children) => children.length === 0);
});

Deno.test("WebSocket tells in the close frame why the session ended", async () => {
  await using gateway = await startKeystone([...FLAGS, "--restart", "never"], { server: SCRIPTED });
  await using client = await beginSocket(gateway);
  await client.send(callTool(1, "exit", { code: 5 }));
  const { code, reason } = await inTime(client.ended, "close");
  assert.deepEqual({ code, reason }, { code: 1011, reason: "The MCP server exited with code 5" });
});

Deno.test("WebSocket notices a peer that answers no ping, and stops its child", async () => {
  await using gateway = await startKeystone([...FLAGS, "--keepAlive", "5s"], { server: SCRIPTED });
  // A client that answers pings and else says nothing is no such peer.
  await using quiet = await beginSocket(gateway);
  using silent = await rawRequest(gateway.port, upgradeRequest("/ws"));
  assert.equal(silent.status, 101);
  await silent.connection.write(textFrame(JSON.stringify(initialize(1))));
  await eventually(() => gateway.children(), (children) => children.length === 2);
  await inTime(gateway.logged(/Session closed .*The client closed its socket/), "end of the session");
  await eventually(() => gateway.children(), (children) => children.length === 1);
  await quiet.send(request(1, "ping"));
  assert.equal((await quiet.next()).id, 1);
});

/** A masked text frame of fewer than 64 KiB (RFC 6455 §5.2), under the mask 0, which changes nothing. */
function textFrame(text: string): Uint8Array {
  const payload = new TextEncoder().encode(text);
  return new Uint8Array([
    0x81,
    0x80 | 126,
    payload.length >> 8,
    payload.length & 0xff,
    ...[0, 0, 0, 0],
    ...payload,
  ]);
}
