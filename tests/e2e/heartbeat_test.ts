/** --progressHeartbeat: a slow call whose client hears now and then that it still runs, and does not give it up. */
import assert from "node:assert/strict";
import { type Client, connect, ErrorCode, McpError, WIRES } from "../support/clients.ts";
import { SCRIPTED, startKeystone } from "../support/keystone.ts";

/** Far below what the call takes, far above the pause between two heartbeats. */
const PATIENCE_MS = 1_500;
const CALL_MS = 3_500;

interface Told {
  readonly progress: number;
  readonly message?: string | undefined;
}

/** A call that takes long, by a client that waits only as long as it hears of it; `told` gets what it hears. */
async function slowCall(client: Client, told: Told[], tool = { name: "sleep", arguments: { ms: CALL_MS } }) {
  const { structuredContent } = await client.callTool(tool, undefined, {
    timeout: PATIENCE_MS,
    resetTimeoutOnProgress: true,
    onprogress: (progress) => told.push(progress),
  });
  return structuredContent;
}

for (const mode of [[], ["--stateful"]]) {
  for (const wire of mode.length === 0 ? WIRES : ["Streamable HTTP" as const]) {
    Deno.test(`gateway keeps a slow call alive by heartbeats, over ${[wire, ...mode].join(" ")}`, async () => {
      await using keystone = await startKeystone([...mode, "--progressHeartbeat", "300ms"], {
        server: SCRIPTED,
      });
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
  await assert.rejects(slowCall(connected.client, told), (error) => {
    return error instanceof McpError && error.code === ErrorCode.RequestTimeout;
  });
  assert.deepEqual(told, []);
});

Deno.test("gateway does not take its own heartbeats for a sign of life of the server", async () => {
  const flags = ["--stateful", "--progressHeartbeat", "300ms", "--requestTimeout", "2s"];
  await using keystone = await startKeystone(flags, { server: SCRIPTED });
  await using connected = await connect(keystone, "Streamable HTTP");
  const told: Told[] = [];
  const call = slowCall(connected.client, told, { name: "hang", arguments: { ms: 0 } });
  await assert.rejects(call, /did not answer "tools\/call" within 2s \(--requestTimeout\)/);
  assert(told.length >= 2, `${told.length}`);
});
