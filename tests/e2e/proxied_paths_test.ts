/** Paths as proxies and clients of other systems have them: a base path, forwarded prefixes, sessions that clients name. */
import assert from "node:assert/strict";
import { Events } from "../support/conversation.ts";
import { connect } from "../support/clients.ts";
import { type Keystone, runKeystone, startKeystone } from "../support/keystone.ts";
import { callTool, initialize, post, request } from "../support/rpc.ts";
import { SMALL } from "../support/small_server.ts";

const STREAM = { Accept: "text/event-stream" };
const TRUSTED = ["--trustProxy", "127.0.0.0/8"];

/** What the first event of an SSE stream names. */
async function endpointOf(gateway: Keystone, headers: Record<string, string>): Promise<string> {
  const events = new Events(await fetch(gateway.sse, { headers: { ...STREAM, ...headers } }));
  const endpoint = (await events.next())?.data ?? "";
  await events.cancel();
  return endpoint.replace(/[0-9a-f-]{36}$/, "…");
}

async function statusOf(response: Promise<Response>): Promise<number> {
  const { status, body } = await response;
  await body?.cancel();
  return status;
}

function urlOf({ port }: Keystone, path: string): string {
  return `http://127.0.0.1:${port}${path}`;
}

Deno.test("--basePath stands before every path, in what is answered and in what is told", async () => {
  await using gateway = await startKeystone(["--basePath", "/tools/", "--stateful"], { server: SMALL });
  assert.equal(new URL(gateway.mcp).pathname, "/tools/mcp");
  assert.equal(await endpointOf(gateway, {}), "/tools/message?sessionId=…");
  for (const [path, status] of [["/tools/health", 200], ["/health", 200], ["/mcp", 404]] as const) {
    assert.equal(await statusOf(fetch(urlOf(gateway, path))), status, path);
  }
  for (const wire of ["Streamable HTTP", "SSE", "WebSocket"] as const) {
    await using connected = await connect(gateway, wire);
    await connected.client.ping();
  }
});

Deno.test("X-Forwarded-Prefix counts in the endpoint event, from a trusted proxy", async () => {
  await using gateway = await startKeystone(TRUSTED, { server: SMALL });
  assert.equal(await endpointOf(gateway, {}), "/message?sessionId=…");
  assert.equal(await endpointOf(gateway, { "X-Forwarded-Prefix": "/gw/" }), "/gw/message?sessionId=…");
  for (const prefix of ["//evil.example", "/a/../b", "https://evil.example"]) {
    assert.equal(await endpointOf(gateway, { "X-Forwarded-Prefix": prefix }), "/message?sessionId=…");
  }
});

Deno.test("X-Forwarded-Prefix counts for nothing from anybody else, and --baseUrl goes before it", async () => {
  const headers = { "X-Forwarded-Prefix": "/gw" };
  await using untrusting = await startKeystone(["--trustProxy", "10.0.0.0/8"], { server: SMALL });
  assert.equal(await endpointOf(untrusting, headers), "/message?sessionId=…");
  await using named = await startKeystone([...TRUSTED, "--baseUrl", "/named"], { server: SMALL });
  assert.equal(await endpointOf(named, headers), "/named/message?sessionId=…");
});

Deno.test("a client names its SSE session itself, in the path of the stream and of its messages", async () => {
  await using gateway = await startKeystone([], { server: SMALL });
  const events = new Events(await fetch(urlOf(gateway, "/sse/my-session.1"), { headers: STREAM }));
  assert.equal((await events.next())?.data, "/message/my-session.1");
  const say = (message: unknown) => statusOf(post(urlOf(gateway, "/message/my-session.1"), message));
  assert.equal(await say(initialize(1)), 202);
  assert.equal(JSON.parse((await events.next())?.data ?? "").id, 1);
  assert.equal(await say(callTool(2, "echo")), 202);
  assert(JSON.parse((await events.next())?.data ?? "").result.structuredContent.pid > 0);
  // The name is taken while the session lives, and free afterwards.
  const again = () => fetch(urlOf(gateway, "/sse/my-session.1"), { headers: STREAM });
  const conflict = await again();
  assert.equal(conflict.status, 409);
  assert.match((await conflict.json()).error.message, /^Conflict: a session of this name is open$/);
  await events.cancel();
  let free = await again();
  while (free.status === 409) {
    await free.body?.cancel();
    free = await again();
  }
  assert.equal(free.status, 200);
  await free.body?.cancel();
});

Deno.test("a session that nobody has named is not found by a name, and a bad name is refused", async () => {
  await using gateway = await startKeystone(["--logLevel", "info"], { server: SMALL });
  assert.equal(await statusOf(post(urlOf(gateway, "/message/unknown"), request(1, "ping"))), 404);
  for (const name of ["a%20b", "a%2Fb", "a:b", "x".repeat(129)]) {
    assert.equal(await statusOf(fetch(urlOf(gateway, `/sse/${name}`), { headers: STREAM })), 400, name);
  }
  assert.equal(await statusOf(fetch(urlOf(gateway, "/sse/a/b"), { headers: STREAM })), 404);
  // What clients call their sessions is a secret of theirs.
  const line = await gateway.logged(/Request refused.*status=404/);
  assert(line.includes("/message/{session}") && !gateway.stderr().includes("/message/unknown"), line);
});

Deno.test("--trustProxy and --basePath refuse what is no network and no path", async () => {
  for (
    const flags of [["--trustProxy", "10.0.0.0/33"], ["--trustProxy", "proxy.local"], ["--basePath", "tools"]]
  ) {
    const { code, stderr } = await runKeystone(flags, { server: SMALL });
    assert.equal(code, 2);
    assert.match(stderr, /expected/);
  }
});
