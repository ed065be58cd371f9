/** What a bridge to a remote server carries: every message as it is, both ways, from the first to the last. */
import assert from "node:assert/strict";
import { Bridge, QUICK_RETRY } from "../support/bridge.ts";
import { SCRIPTED, startKeystone } from "../support/keystone.ts";
import { type AnyMessage, callTool, initialize } from "../support/rpc.ts";
import {
  eventOf,
  EventStream,
  HttpRemote,
  onTool,
  politeAnswer,
  SESSION,
  SseRemote,
  WebSocketRemote,
} from "../support/scripted_remote.ts";

/** Spacing, order, unknown members and numbers that no double holds: all of it has to arrive. */
const FROM_SERVER = [
  `{"method":"notifications/progress","jsonrpc":"2.0","params":{"progressToken":"t","progress":0.10,"_meta":{"x":[]}}}`,
  `{"jsonrpc": "2.0", "method": "notifications/of/tomorrow", "params": {"big": 12345678901234567890}, "extra": null}`,
  `{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"Grüße \\u2028 🌍"}}`,
  `{"jsonrpc":"2.0","id":"of the server","method":"questions/of/tomorrow","params":{"_meta":{"a/b":1}}}`,
];
const FROM_CLIENT = [
  `{"jsonrpc":"2.0","id":"of the server","result":{"answer":  1.50,"_meta":{}}}`,
  `{"jsonrpc":"2.0","method":"notifications/of/tomorrow","params":{"big":12345678901234567890}}`,
  `{"params":{"requestId":"LONG","reason":"enough"},"method":"notifications/cancelled","jsonrpc":"2.0"}`,
];
const CALL =
  `{"jsonrpc":"2.0","id":"LONG","method":"tools/call","params":{"name":"long","_meta":{"progressToken":"t"}}}`;

/** Row 20. */
Deno.test("bridge carries notifications, requests and cancellations of both sides untouched, ids included", async () => {
  const stream = new EventStream();
  await using remote = new HttpRemote(onTool("long", () => stream.response));
  await using bridge = new Bridge(["--streamableHttp", remote.url, "--shutdownTimeout", "100ms"]);
  await bridge.begin("init", { roots: {} });
  await bridge.send(CALL);
  await remote.sees(({ body }) => body === CALL);
  for (const text of FROM_SERVER) stream.write(`data: ${text}\n\n`);
  await bridge.next(({ method }) => method === "questions/of/tomorrow");
  for (const text of FROM_CLIENT) await bridge.send(text);
  for (const text of FROM_CLIENT) await remote.sees(({ body }) => body === text);
  assert.deepEqual(bridge.lines.slice(1), FROM_SERVER);
  assert.deepEqual(remote.requested("POST").slice(2).map(({ body }) => body), [CALL, ...FROM_CLIENT]);
});

for (
  const [wire, flag, Remote] of [["SSE", "--sse", SseRemote], ["WebSocket", "--ws", WebSocketRemote]] as const
) {
  Deno.test(`bridge carries messages of both sides untouched over ${wire}`, async () => {
    const said: string[] = [];
    const say: ((text: string) => void)[] = [];
    await using remote = Remote === SseRemote
      ? new SseRemote(({ body, message }) => {
        if (message && message.method !== "initialize") said.push(body);
        return toolIsLong(message) ? new Response(null, { status: 202 }) : undefined;
      })
      : new WebSocketRemote((message, socket, text) => {
        if (message.method !== "initialize") said.push(text);
        say.push((text) => socket.send(text));
        return toolIsLong(message);
      });
    await using bridge = new Bridge([flag, remote.url, "--shutdownTimeout", "100ms"]);
    await bridge.begin("init", { roots: {} });
    await bridge.send(CALL);
    for (const text of FROM_SERVER) {
      if (remote instanceof SseRemote) remote.streams.at(-1)?.write(`data: ${text}\n\n`);
      else say.at(-1)?.(text);
    }
    await bridge.next(({ method }) => method === "questions/of/tomorrow");
    for (const text of FROM_CLIENT) await bridge.send(text);
    // Its answer says that all before it has arrived.
    await bridge.call("last");
    assert.deepEqual(bridge.lines.slice(1, -1), FROM_SERVER);
    assert.deepEqual(said.slice(1, -1), [CALL, ...FROM_CLIENT]);
  });
}

function toolIsLong(message: AnyMessage): boolean {
  return message?.params?.name === "long";
}

/** Row 20, where supergateway gives up after 60 s. */
Deno.test("bridge sets a call no limit but --requestTimeout", async () => {
  const stream = new EventStream();
  await using remote = new HttpRemote(onTool("long", () => stream.response));
  const flags = ["--streamableHttp", remote.url, "--requestTimeout", "10m"];
  await using bridge = new Bridge(flags, { leapMs: 4 * 60_000 });
  await bridge.begin();
  await bridge.send(callTool("LONG", "long"));
  await remote.sees(({ message }) => toolIsLong(message));
  for (let minutes = 4; minutes < 10; minutes += 4) await bridge.leap();
  // Its answer says that the other call has none after eight minutes.
  await bridge.call("short");
  assert.deepEqual(bridge.answersTo("LONG"), []);
  await bridge.leap();
  const { error } = await bridge.answer("LONG");
  assert.equal(error.message, 'The server did not answer "tools/call" within 10m (--requestTimeout)');
  const { message } = await remote.sees(({ message }) => message?.method === "notifications/cancelled");
  assert.equal(message.params.requestId, "LONG");
  // Nobody waits for it any more, and so nobody listens.
  await stream.left;
  assert.equal(bridge.answersTo("LONG").length, 1);
});

/** Row 21. */
Deno.test("bridge goes on when its server was restarted and knows its session no more", async () => {
  const first = await startKeystone(["--stateful"], { server: SCRIPTED });
  const { port, mcp } = first;
  await using bridge = new Bridge(["--streamableHttp", mcp, ...QUICK_RETRY]);
  await bridge.begin();
  const before = (await bridge.call(1)).result.structuredContent.pid;
  await first.stop();
  const refused = await bridge.call(2);
  assert.match(refused.error.message, /^Cannot reach .*: Connection refused/);
  await using _second = await startKeystone(["--stateful", "--port", String(port)], { server: SCRIPTED });
  const after = (await bridge.call(3)).result.structuredContent.pid;
  assert(typeof after === "number" && after !== before);
  const { result } = await bridge.call(4, "seen");
  assert.deepEqual(result.structuredContent.notifications, ["notifications/initialized"]);
});

/** Row 22. */
Deno.test("bridge answers all that stood on stdin before its end, deletes the session and exits with 0", async () => {
  const stream = new EventStream();
  await using remote = new HttpRemote(onTool("work", () => stream.response));
  await using bridge = new Bridge(["--streamableHttp", remote.url, ...QUICK_RETRY]);
  const initialized = { jsonrpc: "2.0", method: "notifications/initialized" };
  const input = [initialize(0), initialized, callTool(1, "work"), callTool(2, "echo", { n: 2 })];
  await bridge.send(input.map((message) => JSON.stringify(message)).join("\n"));
  await bridge.end();
  assert.deepEqual((await bridge.answer(2)).result.structuredContent, { n: 2 });
  assert.deepEqual(remote.requested("DELETE"), []);
  stream.write(eventOf(politeAnswer(callTool(1, "work", { n: 1 })))).close();
  assert.deepEqual((await bridge.answer(1)).result.structuredContent, { n: 1 });
  assert.equal((await bridge.ended()).code, 0);
  assert.deepEqual(remote.requested("DELETE").map(({ headers }) => headers.get("mcp-session-id")), [SESSION]);
  assert.deepEqual(remote.seen.at(-1)?.method, "DELETE");
});
