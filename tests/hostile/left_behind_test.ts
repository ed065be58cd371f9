/** Sessions that nobody can name: whose handshake was refused, or answered to nobody. They hold a place, and a child. */
import assert from "node:assert/strict";
import { inTime } from "../contract/deadline.ts";
import { eventually, type Keystone, SCRIPTED, startKeystone } from "../support/keystone.ts";
import { answer, beginSession, callTool, initialize, post } from "../support/rpc.ts";
import { SlowClient } from "../support/slow_client.ts";

const MCP = "/mcp";
const ACCEPT = { Accept: "application/json, text/event-stream", "Content-Type": "application/json" };

Deno.test({
  name: "a session whose handshake is refused takes no place",
  ignore: Deno.build.os === "windows",
  async fn() {
    const flags = ["--stateful", "--children", "shared", "--maxBufferedSize", "1m", "--maxSessions", "3"];
    await using keystone = await startKeystone(flags, { server: SCRIPTED });
    const session = await beginSession(keystone.mcp);
    await answer(await post(keystone.mcp, callTool(1, "echo"), { session }));
    const [child] = await keystone.children();
    Deno.kill(child!, "SIGSTOP");
    await fillUp(keystone, session);
    for (let count = 0; count < 5; count++) {
      const refused = await post(keystone.mcp, initialize(count));
      const { error } = await answer(refused);
      assert.equal(refused.status, 503);
      assert.match(error.message, /The server is too slow/);
      assert.equal(refused.headers.get("mcp-session-id"), null);
    }
    await keystone.logged(/Session opened/);
    assert.equal(keystone.stderr().match(/Session opened/g)?.length, 1);
    Deno.kill(child!, "SIGCONT");
    const call = async () => await answer(await post(keystone.mcp, callTool(2, "echo"), { session }));
    await eventually(call, ({ id }) => id === 2);
    await beginSession(keystone.mcp);
  },
});

/** Settles when the child, which does not read, is said so much that nothing more is taken for it. */
async function fillUp({ mcp }: Keystone, session: string): Promise<void> {
  const note = { jsonrpc: "2.0", method: "notifications/test", params: { text: "x".repeat(300_000) } };
  const leaving = new AbortController();
  const { signal } = leaving;
  const refused = Promise.withResolvers<void>();
  for (let count = 0; count < 20; count++) {
    void post(mcp, note, { session, signal }).then(async (response) => {
      await response.body?.cancel();
      if (response.status === 503) refused.resolve();
    }, () => {});
  }
  await inTime(refused.promise, "a refusal");
  leaving.abort();
}

/** A server that starts when a file is there. */
async function gated() {
  const folder = await Deno.makeTempDir();
  const gate = `${folder}/open`;
  const script = 'while [ ! -e "$0" ]; do sleep 0.02; done; exec "$@"';
  return {
    server: ["sh", "-c", script, gate, ...SCRIPTED],
    open: () => Deno.writeTextFile(gate, ""),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

/** It takes notice in turns of its own, the last of them after a while. */
async function noticed(keystone: Keystone): Promise<void> {
  const health = new URL("/health", keystone.mcp);
  const enough = performance.now() + 200;
  for (let turns = 0; turns < 5;) {
    await (await fetch(health)).body?.cancel();
    if (performance.now() > enough) turns++;
  }
}

const ways = [
  ["on a new connection", () => Promise.resolve()],
  ["on a connection that was used before", async (client: SlowClient) => {
    await client.begin("GET /health", {});
    await client.read(/"timestamp":[^}]*}/);
  }],
] as const;

for (const [way, prepare] of ways) {
  Deno.test({
    name: `a client that leaves before its handshake is answered leaves no session, ${way}`,
    ignore: Deno.build.os === "windows",
    async fn() {
      await using gate = await gated();
      await using keystone = await startKeystone(["--stateful"], { server: gate.server });
      const body = JSON.stringify(initialize());
      const begin = async () => {
        const client = await SlowClient.connect(keystone.port);
        await prepare(client);
        await client.begin(`POST ${MCP}`, { ...ACCEPT, "Content-Length": `${body.length}` }, body);
        return client;
      };
      const [leaving, staying] = [await begin(), await begin()];
      try {
        await keystone.logged(/Session opened[^]*Session opened/);
        await noticed(keystone);
        leaving[Symbol.dispose]();
        await noticed(keystone);
        await gate.open();
        const [, session] = await inTime(staying.read(/Mcp-Session-Id: (\S+)/i), "the answer");
        await inTime(keystone.logged(/Session closed.*left before/), "the end of the other session");
        const { id } = await answer(await post(keystone.mcp, callTool(1, "echo"), { session }));
        assert.equal(id, 1);
        assert.equal(keystone.stderr().match(/Session closed/g)?.length, 1);
      } finally {
        staying[Symbol.dispose]();
      }
    },
  });
}
