/** Clients that ask which revisions a server speaks, in front of servers of one era and of both. */
import { Client, SSEClientTransport, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import assert from "node:assert/strict";
import { inTime } from "../contract/deadline.ts";
import { beginSocket, openSocket, openSse } from "../support/conversation.ts";
import { CONFORMANCE, DUAL, MODERN, startKeystone } from "../support/keystone.ts";
import { answer, type AnyMessage, beginSession, initialize, post, request } from "../support/rpc.ts";
import { spawnV2 } from "../support/stdio_clients.ts";

const SERVERS = { "a handshake": CONFORMANCE, "2026-07-28": MODERN, "both": DUAL };
const WIRES = ["--outputTransport", "streamableHttp,sse,ws"];
const DISCOVER = request("d", "server/discover", {
  _meta: {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
  },
});
const HEADERS = { "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "server/discover" };

function assertDiscovered({ id, result }: AnyMessage): void {
  assert.equal(id, "d");
  assert.deepEqual(result?.supportedVersions, ["2026-07-28"]);
  assert(result.capabilities.tools);
}

for (const [name, server] of Object.entries(SERVERS)) {
  Deno.test(`server/discover is answered on every wire, with a server of ${name} behind it`, async () => {
    await using gateway = await startKeystone(WIRES, { server });
    const said = post(gateway.mcp, DISCOVER, { headers: HEADERS }).then(answer);
    assertDiscovered(await inTime(said, "The answer to a POST"));
    for (const open of [openSse, openSocket]) {
      await using conversation = await open(gateway);
      await conversation.send(DISCOVER);
      assertDiscovered((await inTime(conversation.until("d"), "The answer")).at(-1));
    }
  });
}

Deno.test("server/discover is unknown to who has begun with a handshake", async () => {
  await using gateway = await startKeystone(WIRES, { server: DUAL });
  await using conversation = await beginSocket(gateway);
  await conversation.send(DISCOVER);
  const said: AnyMessage = (await inTime(conversation.until("d"), "The answer")).at(-1);
  assert.equal(said.error?.code, -32601);
});

Deno.test("clients of both eras are served at one URL, with sessions and without", async () => {
  await using gateway = await startKeystone(["--stateful"], { server: DUAL });
  const session = await beginSession(gateway.mcp);
  assertDiscovered(await answer(await post(gateway.mcp, DISCOVER, { headers: HEADERS })));
  const listed = await answer(await post(gateway.mcp, request(2, "tools/list"), { session }));
  assert(listed.result.tools.length > 0);
  assert.equal(listed.result.resultType, undefined);
  const begun = await answer(await post(gateway.mcp, initialize(3)));
  assert.equal(begun.result.protocolVersion, "2025-11-25");
});

const BOTH_ERAS = { versionNegotiation: { mode: "auto" } } as const;

/** What a client of the newest SDK that speaks both eras can do, once it is connected. */
async function works(client: Client): Promise<void> {
  const { content } = await client.callTool({ name: "test_simple_text", arguments: {} });
  assert.match(JSON.stringify(content), /simple text/);
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
