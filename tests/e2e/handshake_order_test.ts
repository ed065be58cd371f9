/** A client that says everything at once, and a remote that takes nothing out of its order. */
import assert from "node:assert/strict";
import { Bridge } from "../support/bridge.ts";
import { startKeystone } from "../support/keystone.ts";
import { answer, beginSession, callTool, initialize, post } from "../support/rpc.ts";
import { HttpRemote, polite, type Seen } from "../support/scripted_remote.ts";

const INITIALIZED = { jsonrpc: "2.0", method: "notifications/initialized" };
const CALLS = [1, 2, 3].map((id) => callTool(id, "echo", { id }));

/** Answers `initialize` when it is told to, and refuses what comes without a session or before `initialized`. */
function strictRemote(mayAnswer: Promise<unknown>) {
  const order: unknown[] = [];
  const remote = new HttpRemote(async (seen: Seen) => {
    if (seen.method !== "POST") return undefined;
    const { method, id } = seen.message;
    const begun = order.includes("notifications/initialized");
    order.push(id === undefined ? method : id);
    if (method === "initialize") {
      await mayAnswer;
      return polite(seen);
    }
    const refused = !seen.headers.has("mcp-session-id") || (id !== undefined && !begun);
    return refused ? new Response("not yet", { status: 400 }) : undefined;
  });
  return { remote, order };
}

Deno.test("bridge keeps the order of what a client pipes in at once, until the handshake is answered", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { remote, order } = strictRemote(promise);
  await using _ = remote;
  await using bridge = new Bridge(["--streamableHttp", remote.url, "--logLevel", "debug"]);
  await bridge.send(
    [initialize("i"), INITIALIZED, ...CALLS].map((message) => JSON.stringify(message)).join("\n"),
  );
  // The last call was read.
  await bridge.logged(/"id":3/);
  resolve();
  for (const { id } of CALLS) assert.deepEqual((await bridge.answer(id)).result?.structuredContent, { id });
  assert.deepEqual(order.slice(0, 2), ["i", "notifications/initialized"]);
  assert.deepEqual(order.slice(2).sort(), [1, 2, 3]);
});

Deno.test("gateway keeps a call of a session behind the handshake of its remote", async () => {
  const { remote, order } = strictRemote(Promise.resolve());
  await using _ = remote;
  await using gateway = await startKeystone([
    ...["--streamableHttp", remote.url, "--outputTransport", "streamableHttp", "--stateful"],
  ]);
  const session = await beginSession(gateway.mcp);
  const called = await answer(await post(gateway.mcp, callTool(1, "echo", { n: 1 }), { session }));
  assert.deepEqual(called.result?.structuredContent, { n: 1 });
  assert.deepEqual(order, [0, "notifications/initialized", 1]);
});
