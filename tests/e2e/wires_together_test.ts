/** Several wires at a time, and what stdio owes whoever started us, in front of real servers. */
import assert from "node:assert/strict";
import { fileURLToPath as fromFileUrl } from "node:url";
import { Bridge } from "../support/bridge.ts";
import { beginSse, beginStreamable, inTime, openSocket } from "../support/conversation.ts";
import { descendants, eventually, SCRIPTED, startKeystone } from "../support/keystone.ts";
import { running } from "../support/processes.ts";
import { startEverything } from "../support/remote_everything.ts";
import { type AnyMessage, callTool, initialize, post, request } from "../support/rpc.ts";
import { SseRemote } from "../support/scripted_remote.ts";

/** The project's own server as a remote. */
const startRemote = () => startKeystone(["--stateful"], { server: SCRIPTED });

Deno.test("gateway serves a remote by stdio and Streamable HTTP at once, to each client in a session of its own", async () => {
  await using remote = await startRemote();
  const flags = ["--outputTransport", "stdio,streamableHttp", "--stateful", "--port", "0"];
  await using bridge = new Bridge(["--streamableHttp", remote.mcp, ...flags]);
  const banner = await bridge.logged(/Streamable HTTP +\S+\n[^]*\n}\n/);
  const mcp = /Streamable HTTP +(\S+)/.exec(banner)?.[1] ?? "";
  const network = await beginStreamable({ ...remote, mcp });
  await bridge.begin();

  const told = {
    jsonrpc: "2.0",
    method: "notifications/message",
    params: { level: "info", data: "for one" },
  };
  const { result } = await bridge.call(1, "notify", { messages: [told] });
  assert.deepEqual(result.structuredContent, { sent: 1 });
  await network.send(callTool(1, "echo"));
  // What was told the one client does not come to the other.
  const [only, ...more] = await network.until(1);
  assert.deepEqual(more, []);
  const pids = [(await bridge.call(2)).result.structuredContent.pid, only.result.structuredContent.pid];
  assert.deepEqual((await remote.children()).sort(), pids.sort());
  assert.equal(bridge.messages.filter(({ method }) => method === "notifications/message").length, 1);

  // Whoever started the gateway ends it, and takes the others along.
  await bridge.end();
  assert.equal((await bridge.ended()).code, 0);
  await network.ended;
  await eventually(remote.children, (children) => children.length === 0);
});

Deno.test("gateway serves a WebSocket remote by SSE alone, and clients with the same ids get their own answers", async () => {
  await using remote = await startKeystone(["--outputTransport", "ws"], { server: SCRIPTED });
  await using gateway = await startKeystone(["--ws", remote.ws, "--outputTransport", "sse"]);
  assert.deepEqual([gateway.mcp, gateway.ws], ["", ""]);
  for (const path of ["/mcp", "/ws"]) {
    const refused = await post(new URL(path, gateway.sse).href, request(1, "ping"));
    assert.equal(refused.status, 404);
    await refused.body?.cancel();
  }

  await using first = await beginSse(gateway, { roots: {} });
  await using second = await beginSse(gateway, { roots: {} });
  const clients = [{ client: first, mine: "one" }, { client: second, mine: "two" }];
  for (const { client, mine } of clients) {
    await client.send(callTool(1, "ask", { id: 1, method: "roots/list", params: { mine } }));
  }
  for (const { client, mine } of clients) {
    assert.deepEqual(await client.next(), request(1, "roots/list", { mine }));
    await client.send({ jsonrpc: "2.0", id: 1, result: { roots: [], mine } });
    assert.equal((await client.next()).result.structuredContent.reply.result.mine, mine);
  }
  assert.equal((await remote.children()).length, 2);

  await first[Symbol.asyncDispose]();
  await eventually(remote.children, (children) => children.length === 1);
  await second.send(callTool(2, "echo", { still: "here" }));
  assert.equal((await second.next()).result.structuredContent.still, "here");
});

/** The gateway, which collects garbage all the time. */
const COLLECTING = [
  "--v8-flags=--expose-gc",
  ...["--preload", fromFileUrl(new URL("../fixtures/collect_garbage.ts", import.meta.url))],
  fromFileUrl(new URL("../../main.ts", import.meta.url)),
];

Deno.test("gateway lets go of the event stream at an SSE remote with each session, however long it was open", async () => {
  await using remote = new SseRemote();
  // A collection takes the signal from a `fetch` whose body is still read (Deno 2.9.6).
  const flags = ["--sse", remote.url, "--outputTransport", "ws"];
  await using gateway = await startKeystone(flags, { entry: COLLECTING });
  for (let count = 0; count < 10; count++) {
    await using client = await openSocket(gateway);
    await client.send(initialize(count));
    assert.equal((await client.next()).id, count);
    await new Promise((resolve) => setTimeout(resolve, 50)); // There is no event for a collection.
  }
  assert.equal(remote.streams.length, 10);
  await inTime(Promise.all(remote.streams.map(({ left }) => left)), "end of all streams");
});

Deno.test("bridge whose stdin ends still brings the answer that is open, and ends the session at server-everything", async () => {
  await using remote = await startEverything("streamableHttp");
  await using bridge = new Bridge(["--streamableHttp", remote.url]);
  await bridge.begin();
  const long = callTool(1, "trigger-long-running-operation", { duration: 0.6, steps: 3 }, {
    progressToken: "p",
  });
  await bridge.send(long);
  await bridge.next(({ method }) => method === "notifications/progress");
  await bridge.end();
  assert.match((await bridge.answer(1)).result.content[0].text, /^Long running operation completed/);
  assert.equal((await bridge.ended()).code, 0);
  const progress = bridge.messages.filter(({ method }) => method === "notifications/progress");
  assert.deepEqual(progress.map(({ params }) => params.progress), [1, 2, 3]);
  const begun = /Session initialized with ID: (\S+)/.exec(remote.output())?.[1];
  assert(remote.output().includes(`Received session termination request for session ${begun}`));
});

Deno.test("bridge answers what is no JSON with -32700, and goes on with the same session", async () => {
  await using remote = await startEverything("sse");
  await using bridge = new Bridge(["--sse", remote.url]);
  for (const [at, line] of ["{not json", '"half', "\u0000", "\ufffd"].entries()) {
    await bridge.send(line);
    await bridge.next(() => bridge.answersTo(null).length > at);
    const { error, ...rest } = bridge.answersTo(null)[at];
    assert.deepEqual([rest, error.code], [{ jsonrpc: "2.0", id: null }, -32700], line);
    // The lines that follow are wrong in the middle of a session.
    if (at === 0) await bridge.begin();
  }
  const { result } = await bridge.call(1, "echo", { message: "well" });
  assert.equal(result.content[0].text, "Echo: well");
  assert.equal(remote.output().match(/Client Connected/g)?.length, 1);
});

Deno.test("bridge says nothing but messages on stdout: neither logs, nor the banner, nor what the server chats", async () => {
  await using remote = await startRemote();
  const both = ["--outputTransport", "stdio,sse", "--port", "0"];
  const gateways: ConstructorParameters<typeof Bridge>[] = [
    [["--streamableHttp", remote.mcp]],
    [["--sse", remote.sse, "--logFormat", "json", ...both]],
    // It is warned that this has no effect.
    [["--ws", remote.ws, "--cwd", "/"]],
    [["--outputTransport", "stdio"], { server: SCRIPTED }],
  ];
  for (const [flags, options] of gateways) {
    await using bridge = new Bridge([...flags, "--logLevel", "debug"], options);
    await bridge.begin();
    await bridge.call(1, "say", { text: "chat of a server" });
    await bridge.call(2, "write", { text: "no message at all" });
    await bridge.call(3, "answer_unasked", { id: 99 });
    await bridge.call(4, "progress", { steps: 2 });
    await bridge.end();
    await bridge.ended();
    assert(bridge.lines.length >= 5);
    for (const line of bridge.lines) assertMessage(line);
    assert.match(bridge.stderr, /notifications\/progress/, "the log at debug shows messages");
    assert.match(bridge.stderr, /Gateway stopped/);
  }
});

function assertMessage(line: string): void {
  const message: AnyMessage = JSON.parse(line);
  assert.equal(message.jsonrpc, "2.0", line);
  assert("method" in message || "result" in message || "error" in message, line);
}

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`bridge to a remote ends with exit 0 at ${signal}, and ends its session`, async () => {
    await using remote = await startRemote();
    for (const flags of [["--streamableHttp", remote.mcp], ["--sse", remote.sse], ["--ws", remote.ws]]) {
      await using bridge = new Bridge([...flags, "--shutdownTimeout", "100ms"]);
      await bridge.begin();
      await bridge.send(callTool("open", "hang"));
      await bridge.call(1);
      Deno.kill(bridge.pid, signal);
      assert.equal((await bridge.answer("open")).error.message, "The gateway is shutting down");
      assert.equal((await bridge.ended()).code, 0);
      await eventually(remote.children, (children) => children.length === 0);
    }
  });
}

Deno.test("bridge to a command ends with exit 0 at SIGTERM, and takes the command along", async () => {
  await using bridge = new Bridge(["--outputTransport", "stdio"], { server: SCRIPTED });
  await bridge.begin();
  await bridge.call(1, "fork");
  const processes = await descendants(bridge.pid);
  assert.equal(processes.length, 2);
  Deno.kill(bridge.pid, "SIGTERM");
  assert.equal((await bridge.ended()).code, 0);
  assert.deepEqual(await running(processes), []);
});
