/** What a client is told that asks which revisions are spoken here, and what clients of both eras settle on. */
import { Client, SSEClientTransport, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import assert from "node:assert/strict";
import { inTime } from "../contract/deadline.ts";
import { beginSocket, beginSse, openSocket, openSse } from "../support/conversation.ts";
import { type Keystone, SCRIPTED, SMALL_DUAL, SMALL_MODERN, startKeystone } from "../support/keystone.ts";
import { answer, type AnyMessage, beginSession, post, request } from "../support/rpc.ts";
import { HttpRemote } from "../support/scripted_remote.ts";
import { spawnV2 } from "../support/stdio_clients.ts";

const WIRES = ["--outputTransport", "streamableHttp,sse,ws"];
const PREFIX = "io.modelcontextprotocol/";
const DISCOVER = request("d", "server/discover", {
  _meta: { [`${PREFIX}protocolVersion`]: "2026-07-28", [`${PREFIX}clientCapabilities`]: {} },
});
const HEADERS = { "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "server/discover" };

function discover({ mcp }: Pick<Keystone, "mcp">, session?: string): Promise<AnyMessage> {
  const said = post(mcp, DISCOVER, { session, headers: HEADERS }).then(answer);
  return inTime(said, "The answer to a POST");
}

function assertDiscovered({ id, result }: AnyMessage, name: string): void {
  assert.equal(id, "d");
  assert.equal(result.resultType, "complete");
  assert(result.supportedVersions.includes("2026-07-28"), JSON.stringify(result.supportedVersions));
  assert.equal(result._meta[`${PREFIX}serverInfo`].name, name);
  assert.deepEqual([result.ttlMs, result.cacheScope], [0, "private"]);
}

function assertUnknown({ id, error }: AnyMessage): void {
  assert.equal(id, "d");
  assert.equal(error?.code, -32601);
}

const SERVERS: readonly [era: string, server: readonly string[], name: string][] = [
  ["legacy", SCRIPTED, "scripted"],
  ["modern", SMALL_MODERN, "small-modern-server"],
  ["dual-era", SMALL_DUAL, "small-modern-server"],
];

for (const flags of [[], ["--children", "shared"], ["--children", "request"]]) {
  for (const [era, server, serverName] of SERVERS) {
    const mode = flags.at(-1) ?? "auto";
    Deno.test(`server/discover tells of a ${era} server on every wire, with --children ${mode}`, async () => {
      await using gateway = await startKeystone([...WIRES, ...flags], { server });
      assertDiscovered(await discover(gateway), serverName);
      for (const open of [openSse, openSocket]) {
        await using conversation = await open(gateway);
        await conversation.send(DISCOVER);
        assertDiscovered((await inTime(conversation.until("d"), "The answer")).at(-1), serverName);
      }
    });
  }
}

Deno.test("server/discover is unknown on a wire whose conversation has begun with a handshake", async () => {
  await using gateway = await startKeystone(WIRES, { server: SMALL_DUAL });
  for (const begin of [beginSse, beginSocket]) {
    await using conversation = await begin(gateway);
    await conversation.send(DISCOVER);
    assertUnknown((await inTime(conversation.until("d"), "The answer")).at(-1));
  }
});

Deno.test("server/discover that names no revision is unknown on every wire: a legacy client gets what its era has", async () => {
  await using gateway = await startKeystone(WIRES, { server: SMALL_DUAL });
  const plain = request("d", "server/discover");
  assertUnknown(await answer(await post(gateway.mcp, plain)));
  for (const open of [openSse, openSocket]) {
    await using conversation = await open(gateway);
    await conversation.send(plain);
    assertUnknown((await inTime(conversation.until("d"), "The answer")).at(-1));
  }
});

Deno.test("server/discover is answered where others have sessions, whether or not one is named", async () => {
  await using gateway = await startKeystone(["--stateful"], { server: SCRIPTED });
  assertDiscovered(await discover(gateway), "scripted");
  const session = await beginSession(gateway.mcp);
  assertDiscovered(await discover(gateway, session), "scripted");
  assertDiscovered(await discover(gateway, "nobody's"), "scripted");
});

Deno.test("server/discover of a remote with a handshake asks it once, and tells what it has said in that", async () => {
  await using remote = new HttpRemote();
  await using gateway = await startKeystone([...WIRES, "--streamableHttp", remote.url]);
  for (let times = 0; times < 2; times++) assertDiscovered(await discover(gateway), "remote");
  const [asked, ...more] = remote.posted("server/discover");
  assert.deepEqual(more, []);
  for (const [name, value] of Object.entries(HEADERS)) assert.equal(asked?.headers.get(name), value);
});

const BOTH_ERAS = { versionNegotiation: { mode: "auto" } } as const;

/** What a client of the newest SDK that speaks both eras can do, once it is connected. */
async function works(client: Client): Promise<void> {
  assert.equal(client.getProtocolEra(), "modern");
  const { structuredContent: said } = await client.callTool({ name: "add", arguments: { a: 1, b: 2 } });
  assert.deepEqual(said, { sum: 3 });
  await client.close();
}

const transports = {
  "Streamable HTTP": ({ mcp }: Urls) => new StreamableHTTPClientTransport(new URL(mcp)),
  "SSE": ({ sse }: Urls) => new SSEClientTransport(new URL(sse)),
};
type Urls = { readonly mcp: string; readonly sse: string };

for (const [wire, transport] of Object.entries(transports)) {
  for (const flags of [[], ["--stateful"]]) {
    Deno.test(`a client of both eras settles on the newest with a server of both over ${wire} ${flags.join()}`, async () => {
      await using gateway = await startKeystone([...WIRES, ...flags], { server: SMALL_DUAL });
      const client = new Client({ name: "dual", version: "1" }, BOTH_ERAS);
      await inTime(client.connect(transport(gateway)), "The handshake");
      await inTime(works(client), "The answer");
    });
  }
}

Deno.test({
  name: "a client of both eras settles on the newest with a server of both over stdio",
  // The process by which the SDK finds out leaves timers of it behind.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const flags = ["--outputTransport", "stdio"];
    const { client } = await inTime(
      spawnV2(flags, { server: SMALL_DUAL, client: BOTH_ERAS }),
      "The handshake",
    );
    await inTime(works(client), "The answer");
  },
});
