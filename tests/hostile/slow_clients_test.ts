/** Clients that send without haste, or read nothing: each is ended within its time, and nobody else waits for it. */
import assert from "node:assert/strict";
import { inTime } from "../contract/deadline.ts";
import { descriptorsOf } from "../support/descriptors.ts";
import { eventually, type Keystone, SCRIPTED, startKeystone } from "../support/keystone.ts";
import { answer, beginSession, callTool, messagesOf, post } from "../support/rpc.ts";
import { SlowClient } from "../support/slow_client.ts";

const MCP = "/mcp";
/** More than the buffers of a loopback connection ever hold (tcp(7), "tcp_rmem"). */
const LARGE = 48 * 1024 * 1024;
const SMALL_BODY = 1_000;
const LARGE_BODY = 1024 * 1024;

async function echo(url: string): Promise<void> {
  assert.equal((await answer(await post(url, callTool(7, "echo", { a: 1 })))).id, 7);
}

Deno.test("a body that stops half way, or comes a byte at a time, is answered 408 in its time", async () => {
  await using keystone = await startKeystone(["--bodyTimeout", "700ms"], { server: SCRIPTED });
  const clients = await Promise.all([
    ...[SMALL_BODY, LARGE_BODY].map(async (size) => {
      const client = await SlowClient.connect(keystone.port);
      await client.beginPost(MCP, size, "x".repeat(size / 2));
      return client;
    }),
    (async () => {
      const client = await SlowClient.connect(keystone.port);
      const headers = { Accept: "application/json, text/event-stream", "Content-Type": "application/json" };
      await client.begin(`POST ${MCP}`, { ...headers, "Transfer-Encoding": "chunked" }, "5\r\nhello\r\n");
      return client;
    })(),
  ]);
  try {
    await echo(keystone.mcp);
    const statuses = clients.map((client) => inTime(client.status(), "the answer"));
    assert.deepEqual(await Promise.all(statuses), [408, 408, 408]);
    await echo(keystone.mcp);
  } finally {
    for (const client of clients) client[Symbol.dispose]();
  }
});

Deno.test("a body that goes on after its 408 ends its connection", async () => {
  await using keystone = await startKeystone(["--bodyTimeout", "500ms"], { server: SCRIPTED });
  using client = await SlowClient.connect(keystone.port);
  await client.beginPost(MCP, LARGE_BODY, "{");
  const dripping = setInterval(() => void client.write(" ").catch(() => clearInterval(dripping)), 50);
  try {
    assert.equal(await inTime(client.status(), "the answer"), 408);
    await client.ended();
  } finally {
    clearInterval(dripping);
  }
});

Deno.test("a body that is complete after its 408 is no request any more", async () => {
  await using keystone = await startKeystone(["--bodyTimeout", "300ms"], { server: SCRIPTED });
  for (const size of [SMALL_BODY, LARGE_BODY]) {
    using client = await SlowClient.connect(keystone.port);
    const body = JSON.stringify(callTool(1, "echo", { text: "" }));
    await client.beginPost(MCP, size, body.slice(0, -1));
    assert.equal(await inTime(client.status(), "the answer"), 408);
    await client.offer("}".padStart(size - body.length + 1));
    await client.ended();
  }
  const { result } = await answer(await post(keystone.mcp, callTool(2, "seen")));
  const { lines } = result.structuredContent;
  // The handshake of the shared child, its end, and this call.
  assert.equal(lines, 3);
});

Deno.test("an upload of 4 MB that is slow and goes on is taken", async () => {
  await using keystone = await startKeystone([], { server: SCRIPTED });
  using client = await SlowClient.connect(keystone.port);
  const body = JSON.stringify(callTool(1, "echo", { text: "x".repeat(4_000_000) }));
  await client.beginPost(MCP, body.length, "");
  for (let at = 0; at < body.length; at += 200_000) {
    await client.write(body.slice(at, at + 200_000));
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.equal(await client.status(), 200);
});

/** Settles when a client was given up, and the log says why. */
async function dropped(keystone: Keystone): Promise<void> {
  const log = await inTime(keystone.logged(/Client dropped.*\n/), "the end of a client that does not read");
  assert.match(log, /session=\S+ reason="The client has read nothing for 700ms \(--stallTimeout\)"/);
}

const STALLING = ["--stallTimeout", "700ms", "--maxMessageSize", "64m"];

Deno.test("an answer that nobody reads is given up after its time, as JSON and as a stream", async () => {
  for (const mode of ["json", "sse"]) {
    const flags = ["--stateful", "--eventStore", "none", ...STALLING, "--replyMode", mode];
    await using keystone = await startKeystone(flags, { server: SCRIPTED });
    const session = await beginSession(keystone.mcp);
    using client = await SlowClient.connect(keystone.port);
    await client.call(MCP, "large", { bytes: LARGE }, { "Mcp-Session-Id": session });
    await dropped(keystone);
    // The session is none the worse for it.
    const url = keystone.mcp;
    assert.equal((await answer(await post(url, callTool(2, "echo"), { session }))).id, 2);
  }
});

Deno.test("a GET stream that nobody reads is given up after its time, and the next one gets what comes", async () => {
  await using keystone = await startKeystone(["--stateful", ...STALLING], { server: SCRIPTED });
  const session = await beginSession(keystone.mcp);
  const say = async (id: number, bytes: number) => {
    await answer(await post(keystone.mcp, callTool(id, "large_note", { bytes }), { session }));
  };
  using client = await SlowClient.connect(keystone.port);
  await client.begin(`GET ${MCP}`, { Accept: "text/event-stream", "Mcp-Session-Id": session });
  await client.status();
  await say(1, LARGE);
  await dropped(keystone);
  const headers = { Accept: "text/event-stream", "Mcp-Session-Id": session };
  const stream = messagesOf(await fetch(keystone.mcp, { headers }));
  await say(2, 3);
  for await (const { params } of stream) if (params.data === "xxx") break;
});

Deno.test("an SSE client that reads nothing is given up after its time, and its session with it", async () => {
  await using keystone = await startKeystone(STALLING, { server: SCRIPTED });
  using client = await SlowClient.connect(keystone.port);
  await client.begin("GET /sse", { Accept: "text/event-stream" });
  const [, endpoint = ""] = await client.read(/data: (\S+)\r?\n/);
  const url = new URL(endpoint, keystone.sse).href;
  await (await post(url, callTool(1, "large", { bytes: LARGE }))).body?.cancel();
  await dropped(keystone);
  await eventually(async () => {
    const late = await post(url, callTool(2, "echo"));
    await late.body?.cancel();
    return late.status;
  }, (status) => status === 404);
});

/** A first call, on a connection that stays: what the child needs is open from then on. */
async function called(keystone: Keystone): Promise<SlowClient> {
  const client = await SlowClient.connect(keystone.port);
  await client.call(MCP, "echo", { a: 1 });
  await client.read(/"a":1[^]*\}\}/);
  return client;
}

async function answered(client: SlowClient, status: number): Promise<void> {
  assert.equal(await inTime(client.status(), "the answer"), status);
}

/** What a client does that is slow, and the beginning of the answer. */
const SLOW: Record<string, (client: SlowClient) => Promise<void>> = {
  "half a small body": async (client) => {
    await client.beginPost(MCP, SMALL_BODY, "x".repeat(SMALL_BODY / 2));
    await answered(client, 408);
  },
  "half a large body": async (client) => {
    await client.beginPost(MCP, LARGE_BODY, "x".repeat(LARGE_BODY / 2));
    await answered(client, 408);
  },
  "a body that is refused unread": async (client) => {
    await client.beginPost(MCP, 1e9, "x");
    await answered(client, 413);
  },
  "a body for nobody": async (client) => {
    await client.beginPost("/nowhere", SMALL_BODY, "x");
    await answered(client, 404);
  },
  "an answer of which only the beginning is read": async (client) => {
    await client.call(MCP, "large", { bytes: LARGE });
    await answered(client, 200);
  },
};

for (const [what, beSlow] of Object.entries(SLOW)) {
  Deno.test(`${what} costs no descriptor once it is ended, though its client stays`, async () => {
    // The runtime waits for the rest of a body that was refused, on a connection without a request then.
    const flags = ["--bodyTimeout", "500ms", "--idleTimeout", "4s", ...STALLING];
    await using keystone = await startKeystone(flags, { server: SCRIPTED });
    const first = await called(keystone);
    const without = descriptorsOf(keystone.pid) - 1;
    first[Symbol.dispose]();
    // The first request of a connection, and a later one.
    using early = await SlowClient.connect(keystone.port);
    using late = await called(keystone);
    for (const client of [early, late]) await beSlow(client);
    await eventually(() => Promise.resolve(descriptorsOf(keystone.pid)), (count) => count <= without);
    assert.doesNotMatch(keystone.stderr(), /Internal fault/);
  });
}
