/** What many callers do to one child, and what a child's notifications do to everybody: within bounds, and told. */
import assert from "node:assert/strict";
import { beginSocket, beginSse, inTime, type SocketConversation } from "../support/conversation.ts";
import { eventually, type Keystone, SCRIPTED, startKeystone } from "../support/keystone.ts";
import { memoryOf } from "../support/memory.ts";
import { processorOf } from "../support/processor_time.ts";
import { answer, beginSession, callTool, post, request } from "../support/rpc.ts";

const MIB = 2 ** 20;
const SHARED = ["--children", "shared"];
/** Linux alone tells of another process what it takes. */
const ignore = Deno.build.os !== "linux";

const note = (chars: number, method = "notifications/x") =>
  JSON.stringify({ jsonrpc: "2.0", method, params: { text: "x".repeat(chars) } });

/** A child that reads nothing until it is told to go on. */
async function stopChild({ mcp }: Keystone): Promise<{ goOn(): void } & Disposable> {
  const { result } = await answer(await post(mcp, callTool(0, "echo")));
  const { pid } = result.structuredContent;
  Deno.kill(pid, "SIGSTOP");
  const goOn = () => Deno.kill(pid, "SIGCONT");
  return { goOn, [Symbol.dispose]: goOn };
}

/** Several at a time; gives how often each status came. */
async function statuses(
  count: number,
  ask: (index: number) => Promise<Response>,
): Promise<Map<number, number>> {
  const seen = new Map<number, number>();
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const response = await ask(next++);
      await response.body?.cancel();
      seen.set(response.status, (seen.get(response.status) ?? 0) + 1);
      if (response.status === 503) assert.match(response.headers.get("retry-after") ?? "", /^\d+$/);
    }
  };
  await Promise.all(Array.from({ length: 4 }, worker));
  return seen;
}

const called = (methods: readonly string[], name: string) =>
  methods.filter((method) => method === name).length;

Deno.test({
  name:
    "notifications to a shared child that does not read are refused from --maxBufferedSize on, and none that was taken is lost",
  ignore,
  async fn() {
    await using gateway = await startKeystone(["--logLevel", "error"], { server: SCRIPTED });
    using child = await stopChild(gateway);
    const body = note(3_000_000);
    const { now } = await memoryOf(gateway.pid);
    const seen = await statuses(200, () => post(gateway.mcp, body));
    const { peak } = await memoryOf(gateway.pid);
    const taken = seen.get(202) ?? 0;
    assert.deepEqual([...seen.keys()].sort(), [202, 503]);
    // The bound, and the one message that reaches it for each that came in the same moment.
    assert(taken * body.length < 64 * MIB + 4 * body.length, `${taken} were taken`);
    // Far from what came; what is garbage by then is a multiple of what is held.
    assert(peak - now < 450 * MIB, `it grew by ${Math.round((peak - now) / MIB)} MiB`);
    child.goOn();
    // What waits is on its way by then, and a caller is let in again once there is room.
    await eventually(async () => {
      const { result } = await answer(await post(gateway.mcp, callTool(1, "seen")));
      return called(result?.structuredContent.notifications ?? [], "notifications/x");
    }, (count) => count === taken);
  },
});

Deno.test("one bound holds for all that waits for a shared child, whoever sends it over which wire", async () => {
  const flags = [...SHARED, "--stateful", "--maxBufferedSize", "4m", "--logLevel", "warn"];
  await using gateway = await startKeystone(flags, { server: SCRIPTED });
  const { mcp } = gateway;
  await using socket = await beginSocket(gateway);
  await using stream = await beginSse(gateway);
  const sessions = await Promise.all(Array.from({ length: 4 }, () => beginSession(mcp)));
  await socket.send(callTool("pid", "echo"));
  const { pid } = (await socket.until("pid")).at(-1).result.structuredContent;
  Deno.kill(pid, "SIGSTOP");
  try {
    const body = note(500_000);
    // Those that were taken wait for their 202 until the child reads.
    const posted = Array.from(
      { length: 40 },
      (_, index) => post(mcp, body, { session: sessions[index % 4] }),
    );
    const refused = posted.map(async (response) => {
      const { status } = await response;
      assert.equal(status, 503);
    });
    await inTime(Promise.any(refused), "refusal");
    const late = await post(stream.endpoint, body);
    assert.deepEqual([late.status, (await late.json()).error.code], [503, -32000]);
    await socket.send(callTool("late", "echo"));
    const { error } = (await socket.until("late")).at(-1);
    assert.match(error.message, /bytes wait for it, and the limit is 4194304 \(--maxBufferedSize\)/);
    await socket.send(note(10, "notifications/late"));
    await gateway.logged(/Message dropped.*wait for it/);
    Deno.kill(pid, "SIGCONT");
    const ends = await Promise.all(posted.map(async (response) => {
      await (await response).body?.cancel();
      return (await response).status;
    }));
    await Promise.allSettled(refused);
    const taken = ends.filter((status) => status === 202).length;
    assert(taken > 0 && taken * body.length < 4 * MIB + 5 * body.length, `${taken} were taken`);
    // Another session's message may be faster, and there may be no room yet.
    const notifications = await eventually(async () => {
      await socket.send(callTool("seen", "seen"));
      return (await socket.until("seen")).at(-1).result?.structuredContent.notifications;
    }, (methods) => methods !== undefined && called(methods, "notifications/x") === taken);
    assert(!notifications.includes("notifications/late"));
  } finally {
    Deno.kill(pid, "SIGCONT");
  }
});

Deno.test("an update of 200,000 slashes costs nobody anything, whether or not somebody is subscribed", async () => {
  await using gateway = await startKeystone([...SHARED, "--logLevel", "warn"], { server: SCRIPTED });
  await using socket = await beginSocket(gateway);
  const updated = (uri: string) => ({
    jsonrpc: "2.0",
    method: "notifications/resources/updated",
    params: { uri },
  });
  await socket.send(request("s", "resources/subscribe", { uri: "file:///" }));
  await socket.until("s");
  await socket.send(callTool(1, "notify", { messages: [updated("/".repeat(200_000)), updated("a/b")] }));
  assert.deepEqual((await socket.until(1)).at(-1).result.structuredContent, { sent: 2 });
  await gateway.logged(/the URI of an update is longer than 8192 characters \(--maxUriLength\)/);
});

Deno.test("a session may be subscribed to so much and no more, with a child of its own and with a shared one", async () => {
  for (const children of ["session", "shared"]) {
    const flags = ["--children", children, "--maxSubscriptions", "2", "--logLevel", "error"];
    await using gateway = await startKeystone(flags, { server: SUBSCRIBABLE });
    await using socket = await beginSocket(gateway);
    const subscribe = async (uri: string) => {
      await socket.send(request(uri.length, "resources/subscribe", { uri }));
      const { result, error } = (await socket.until(uri.length)).at(-1);
      return result ?? error.message;
    };
    assert.deepEqual(await subscribe("a"), {});
    assert.deepEqual(await subscribe("bc"), {});
    assert.match(await subscribe("def"), /the limit of a session is 2 \(--maxSubscriptions\)/);
    assert.match(await subscribe("x".repeat(3_500_000)), /8192 characters \(--maxUriLength\)/);
    const id = "i".repeat(1_025);
    await socket.send(request(id, "ping"));
    assert.match((await socket.until(id)).at(-1).error.message, /the id is longer than 1024 characters/);
  }
});

/** A server that agrees to everything. */
const AGREEING = `
const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream());
let rest = "";
for await (const text of lines) {
  const parts = (rest + text).split("\\n");
  rest = parts.pop() ?? "";
  for (const { id, method, params } of parts.map((part) => JSON.parse(part))) {
    if (id === undefined) continue;
    const hello = { protocolVersion: params?.protocolVersion, capabilities: {}, serverInfo: { name: "a", version: "1" } };
    console.log(JSON.stringify({ jsonrpc: "2.0", id, result: method === "initialize" ? hello : {} }));
  }
}`;
const SUBSCRIBABLE = [Deno.execPath(), "eval", "--no-config", AGREEING];

Deno.test({
  name: "notifications of 200,000 names from a child make no later call slower",
  ignore,
  async fn() {
    await using gateway = await startKeystone(["--logLevel", "error", "--maxBodyParts", "1000000"], {
      server: SCRIPTED,
    });
    const { mcp, pid } = gateway;
    const calls = async () => {
      const before = await processorOf(pid);
      for (let id = 0; id < 300; id++) await answer(await post(mcp, callTool(id, "echo")));
      return await processorOf(pid) - before;
    };
    await calls();
    const fast = await calls();
    for (let part = 0; part < 5; part++) {
      const messages = Array.from({ length: 40_000 }, (_, name) => ({
        jsonrpc: "2.0",
        method: `n/${part}/${name}`,
      }));
      const { result } = await answer(await post(mcp, callTool("n", "notify", { messages })));
      assert.equal(result.structuredContent.sent, messages.length);
    }
    const slow = await calls();
    // Ten times as much it was; a busy machine makes it half as much again.
    assert(slow < 3 * fast + 500, `${slow} ms of processor, and ${fast} before`);
  },
});

Deno.test({
  name: "a shared child that starts again holds up nobody, whatever the number of requests that wait for it",
  ignore,
  async fn() {
    const [sessions, calls] = [20, 990];
    const slow = ["sh", "-c", 'test -e "$0" && sleep 3; touch "$0"; exec "$@"'];
    const mark = await Deno.makeTempFile();
    await Deno.remove(mark);
    const server = [...slow, mark, ...SCRIPTED];
    await using gateway = await startKeystone([...SHARED, "--logLevel", "error"], { server });
    const sockets: SocketConversation[] = [];
    for (let index = 0; index < sessions; index++) sockets.push(await beginSocket(gateway));
    const [first] = sockets;
    await first!.send(callTool("exit", "exit", { code: 1 }));
    await first!.until("exit");
    const before = await processorOf(gateway.pid);
    for (const socket of sockets) {
      for (let id = 0; id < calls; id++) await socket.send(callTool(id, "echo"));
    }
    // Somebody else is served meanwhile.
    const health = await fetch(new URL("/health", gateway.mcp));
    await health.body?.cancel();
    for (const socket of sockets) await socket.until(calls - 1);
    const ms = await processorOf(gateway.pid) - before;
    // A sum over all that wait, at each that comes, is three times as much.
    assert(ms < 4_500, `${ms} ms of processor`);
    await Promise.all(sockets.map((socket) => socket[Symbol.asyncDispose]()));
    await Deno.remove(mark);
  },
});
