/** The official SDKs of other languages, as servers behind the gateway and as its clients. */
import assert from "node:assert/strict";
import { inTime } from "../contract/deadline.ts";
import { CallToolResultSchema, type Client, connect, ElicitRequestSchema } from "../support/clients.ts";
import { startKeystone } from "../support/keystone.ts";
import { type Sdk, TOOLCHAINS } from "../support/sdks.ts";
import { textIn } from "../support/user.ts";

/** Python takes its time to load, and more of it beside busy neighbours. */
const PATIENCE_MS = 120_000;

const FLAGS = [
  ...["--stateful", "--outputTransport", "streamableHttp,sse"],
  ...["--startTimeout", "2m", "--shutdownTimeout", "100ms"],
];

const SAID = {
  tools: ["add", "ask", "count"],
  texts: { add: "3", count: "counted", ask: "why!" },
  steps: [[1, 3], [2, 3], [3, 3]],
};

for (const { language, missing, prepare } of TOOLCHAINS) {
  Deno.test({
    name: `gateway serves the server of ${language}'s official SDK, and its client${
      missing ? `: ${missing}` : ""
    }`,
    ignore: missing !== undefined,
    async fn() {
      const sdk = await prepare();
      // Their clients begin with 2026-07-28, in which their servers refuse to ask in the middle of a call.
      await using gateway = await startKeystone([...FLAGS, "--serverEra", "legacy"], { server: sdk.server });
      assert.deepEqual(await ourClient(gateway), SAID);
      for (const [wire, url] of [["streamableHttp", gateway.mcp], ["sse", gateway.sse]] as const) {
        const told = theirClient(sdk, wire, url);
        assert.deepEqual(await inTime(told, `The client of ${language}'s SDK`, PATIENCE_MS), SAID, wire);
      }
    },
  });
}

/** What a client of TypeScript's SDK is told. */
async function ourClient(gateway: Parameters<typeof connect>[0]): Promise<typeof SAID> {
  const prepare = (client: Client) =>
    client.setRequestHandler(ElicitRequestSchema, ({ params: { message } }) => ({
      action: "accept" as const,
      content: { word: `${message}!` },
    }));
  const capabilities = { elicitation: {} };
  const options = { capabilities, prepare, handshakeMs: PATIENCE_MS };
  await using connected = await connect(gateway, "Streamable HTTP", options);
  const { client } = connected;
  const steps: number[][] = [];
  const call = async (name: string, args: Record<string, unknown>) => {
    const onprogress = ({ progress, total = 0 }: { progress: number; total?: number | undefined }) =>
      void steps.push([progress, total]);
    const result = await client.callTool({ name, arguments: args }, CallToolResultSchema, { onprogress });
    return textIn(CallToolResultSchema.parse(result));
  };
  const tools = (await client.listTools()).tools.map(({ name }) => name).sort();
  const add = await call("add", { a: 1, b: 2 });
  const count = await call("count", { steps: 3 });
  const ask = await call("ask", { question: "why" });
  return { tools, texts: { add, count, ask }, steps };
}

async function theirClient({ client }: Sdk, wire: string, url: string): Promise<unknown> {
  const [program = "", ...args] = client;
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args: [...args, wire, url],
    stdin: "null",
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}
