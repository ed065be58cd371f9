/** --progressHeartbeat: a slow call whose client hears now and then that it still runs, and does not give it up. */
import assert from "node:assert/strict";
import { type Client, connect, ErrorCode, McpError, WIRES } from "../support/clients.ts";
import { SCRIPTED, startKeystone } from "../support/keystone.ts";

const EVERY = ["--progressHeartbeat", "100ms"];
/** Below what the call takes, and fifty times the pause between two heartbeats: a busy machine delays them. */
const PATIENCE_MS = 5_000;
const CALL_MS = 6_000;

interface Told {
  readonly progress: number;
  readonly message?: string | undefined;
}

/** A call that takes long, by a client that waits only as long as it hears of it; `told` gets what it hears. */
async function slowCall(
  client: Client,
  told: Told[],
  { tool = { name: "sleep", arguments: { ms: CALL_MS } }, timeout = PATIENCE_MS } = {},
) {
  const { structuredContent } = await client.callTool(tool, undefined, {
    timeout,
    resetTimeoutOnProgress: true,
    onprogress: (progress) => told.push(progress),
  });
  return structuredContent;
}

for (const mode of [[], ["--stateful"]]) {
  for (const wire of mode.length === 0 ? WIRES : ["Streamable HTTP" as const]) {
    Deno.test(`gateway keeps a slow call alive by heartbeats, over ${[wire, ...mode].join(" ")}`, async () => {
      await using keystone = await startKeystone([...mode, ...EVERY], { server: SCRIPTED });
      await using connected = await connect(keystone, wire);
      const told: Told[] = [];
      assert.deepEqual(await slowCall(connected.client, told), { slept: CALL_MS });
      assert(told.length >= 3, `${told.length}`);
      for (const [at, { progress, message }] of told.entries()) {
        assert(progress > (told[at - 1]?.progress ?? 0) && progress < 1e-6, `${progress}`);
        assert.match(message ?? "", /^Still running after \d+ m?s$/);
      }
    });
  }
}

Deno.test("gateway sends no heartbeats unless it is told to, and the client gives the slow call up", async () => {
  await using keystone = await startKeystone(["--stateful"], { server: SCRIPTED });
  await using connected = await connect(keystone, "Streamable HTTP");
  const told: Told[] = [];
  await assert.rejects(slowCall(connected.client, told, { timeout: 1_000 }), (error) => {
    return error instanceof McpError && error.code === ErrorCode.RequestTimeout;
  });
  assert.deepEqual(told, []);
});

Deno.test("gateway does not take its own heartbeats for a sign of life of the server", async () => {
  const flags = ["--stateful", ...EVERY, "--requestTimeout", "3s"];
  await using keystone = await startKeystone(flags, { server: SCRIPTED });
  await using connected = await connect(keystone, "Streamable HTTP");
  const told: Told[] = [];
  const tool = { name: "hang", arguments: { ms: 0 } };
  const call = slowCall(connected.client, told, { tool, timeout: 60_000 });
  await assert.rejects(call, /did not answer "tools\/call" within 3s \(--requestTimeout\)/);
  assert(told.length >= 2, `${told.length}`);
});
