/** Clients of two eras, in front of a server that may be of both: here they settle on what is served. */
import { Client, SSEClientTransport, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import assert from "node:assert/strict";
import { inTime } from "../contract/deadline.ts";
import { beginSocket, openSocket, openSse } from "../support/conversation.ts";
import { SCRIPTED, startKeystone } from "../support/keystone.ts";
import { answer, type AnyMessage, beginSession, post, request } from "../support/rpc.ts";
import { HttpRemote } from "../support/scripted_remote.ts";
import { spawnV2 } from "../support/stdio_clients.ts";

/** It would tell who asks that it speaks 2026-07-28. */
const DUAL = [...SCRIPTED, "--discoverable"];
const WIRES = ["--outputTransport", "streamableHttp,sse,ws"];
const DISCOVER = request("d", "server/discover", {
  _meta: {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
  },
});

function assertUnknown({ id, error }: AnyMessage): void {
  assert.equal(id, "d");
  assert.equal(error?.code, -32601);
}

for (const flags of [[], ["--children", "shared"], ["--children", "request"]]) {
  const name = flags.at(-1) ?? "auto";
  Deno.test(`server/discover is unknown on every wire, before the handshake and after it, with --children ${name}`, async () => {
    await using gateway = await startKeystone([...WIRES, ...flags], { server: DUAL });
    const said = post(gateway.mcp, DISCOVER).then(answer);
    assertUnknown(await inTime(said, "The answer to a POST"));
    for (const open of [openSse, openSocket, beginSocket]) {
      await using conversation = await open(gateway);
      await conversation.send(DISCOVER);
      assertUnknown((await inTime(conversation.until("d"), "The answer")).at(-1));
    }
  });
}

Deno.test("server/discover is unknown to Streamable HTTP with sessions, within one and without", async () => {
  await using gateway = await startKeystone(["--stateful"], { server: DUAL });
  assertUnknown(await answer(await post(gateway.mcp, DISCOVER)));
  const session = await beginSession(gateway.mcp);
  assertUnknown(await answer(await post(gateway.mcp, DISCOVER, { session })));
  assert.equal((await gateway.children()).length, 1);
});

Deno.test("server/discover does not reach a remote, which would miss its header", async () => {
  await using remote = new HttpRemote();
  const flags = [...WIRES, "--streamableHttp", remote.url];
  await using gateway = await startKeystone(flags);
  assertUnknown(await answer(await post(gateway.mcp, DISCOVER)));
  assert.deepEqual(remote.posted("server/discover"), []);
});

const BOTH_ERAS = { versionNegotiation: { mode: "auto" } } as const;

/** What a client of the newest SDK that speaks both eras can do, once it is connected. */
async function works(client: Client): Promise<void> {
  const { structuredContent: said } = await client.callTool({ name: "echo", arguments: { text: "hello" } });
  assert.match(JSON.stringify(said), /"text":"hello"/);
  await client.close();
}

const transports = {
  "Streamable HTTP": ({ mcp }: Urls) => new StreamableHTTPClientTransport(new URL(mcp)),
  "SSE": ({ sse }: Urls) => new SSEClientTransport(new URL(sse)),
};
type Urls = { readonly mcp: string; readonly sse: string };

for (const [wire, transport] of Object.entries(transports)) {
  for (const flags of [[], ["--stateful"]]) {
    Deno.test(`a client of both eras works with a server of both over ${wire} ${flags.join()}`, async () => {
      await using gateway = await startKeystone([...WIRES, ...flags], { server: DUAL });
      const client = new Client({ name: "dual", version: "1" }, BOTH_ERAS);
      await inTime(client.connect(transport(gateway)), "The handshake");
      await inTime(works(client), "The answer");
    });
  }
}

Deno.test({
  name: "a client of both eras works with a server of both over stdio",
  // The process by which the SDK finds out leaves timers of it behind.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const flags = ["--outputTransport", "stdio"];
    const { client } = await inTime(spawnV2(flags, { server: DUAL, client: BOTH_ERAS }), "The handshake");
    await inTime(works(client), "The answer");
  },
});
