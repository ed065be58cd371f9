/** The official SDKs of other languages, as servers behind the gateway and as its clients: they speak both eras. */
import assert from "node:assert/strict";
import { inTime } from "../contract/deadline.ts";
import {
  CallToolResultSchema,
  type Client,
  connect,
  connectV2,
  ElicitRequestSchema,
} from "../support/clients.ts";
import { type Keystone, startKeystone } from "../support/keystone.ts";
import { TOOLCHAINS } from "../support/sdks.ts";
import { textIn } from "../support/user.ts";

/** Python takes its time to load, and more of it beside busy neighbours. */
const PATIENCE_MS = 120_000;

const FLAGS = [
  ...["--stateful", "--outputTransport", "streamableHttp,sse"],
  ...["--startTimeout", "2m", "--eraProbeTimeout", "2m", "--shutdownTimeout", "100ms"],
];

const SAID = {
  tools: ["add", "ask", "count"],
  texts: { add: "3", count: "counted", ask: "why!" },
  steps: [[1, 3], [2, 3], [3, 3]],
};
const MODERN = { ...SAID, revision: "2026-07-28" };

for (const { language, missing, prepare } of TOOLCHAINS) {
  Deno.test({
    name: `gateway serves the server of ${language}'s official SDK, and its client${
      missing ? `: ${missing}` : ""
    }`,
    ignore: missing !== undefined,
    async fn() {
      const sdk = await prepare();
      // They speak both eras, and are spoken to in the one that the gateway finds, or in the other.
      for (const era of ["auto", "legacy"]) {
        const flags = [...FLAGS, "--serverEra", era];
        await using gateway = await startKeystone(flags, { server: sdk.server });
        assert.deepEqual(await legacyClient(gateway), SAID);
        assert.deepEqual(await modernClient(gateway), MODERN);
        for (const [wire, url] of [["streamableHttp", gateway.mcp], ["sse", gateway.sse]] as const) {
          if (!sdk.client) continue;
          const told = theirClient(sdk.client, wire, url);
          assert.deepEqual(await inTime(told, `The client of ${language}'s SDK`, PATIENCE_MS), MODERN, wire);
        }
      }
    },
  });
}

const answerOf = ({ params: { message } }: { params: { message: string } }) => ({
  action: "accept" as const,
  content: { word: `${message}!` },
});

/** What a client of TypeScript's SDK is told, the line that knows handshakes alone. */
async function legacyClient(gateway: Keystone): Promise<typeof SAID> {
  const options = {
    capabilities: { elicitation: {} },
    prepare: (client: Client) => client.setRequestHandler(ElicitRequestSchema, answerOf),
    handshakeMs: PATIENCE_MS,
  };
  await using connected = await connect(gateway, "Streamable HTTP", options);
  const { client } = connected;
  return await used(
    client,
    (call, onprogress) => client.callTool(call, CallToolResultSchema, { onprogress }),
  );
}

/** The same of the other line, which finds out what it may speak. */
async function modernClient(gateway: Keystone): Promise<typeof MODERN> {
  await using connected = await connectV2(gateway, {
    capabilities: { elicitation: { form: {} } },
    versionNegotiation: { mode: "auto" },
    prepare: (client) => client.setRequestHandler("elicitation/create", answerOf),
  });
  const { client } = connected;
  const said = await used(client, (call, onprogress) => client.callTool(call, { onprogress }));
  return { ...said, revision: client.getNegotiatedProtocolVersion() ?? "none" };
}

type Call = { name: string; arguments: Record<string, unknown> };
type Progress = { progress: number; total?: number | undefined };

async function used(
  client: { listTools(): Promise<{ tools: { name: string }[] }> },
  result: (call: Call, onprogress: (step: Progress) => void) => Promise<unknown>,
): Promise<typeof SAID> {
  const steps: number[][] = [];
  // Without a total it is the client itself that says that it has answered a question.
  const step = ({ progress, total }: Progress) => void (total !== undefined && steps.push([progress, total]));
  const call = async (name: string, args: Record<string, unknown>) =>
    textIn(CallToolResultSchema.parse(await result({ name, arguments: args }, step)));
  const tools = (await client.listTools()).tools.map(({ name }) => name).sort();
  const add = await call("add", { a: 1, b: 2 });
  const count = await call("count", { steps: 3 });
  const ask = await call("ask", { question: "why" });
  return { tools, texts: { add, count, ask }, steps };
}

async function theirClient(client: readonly string[], wire: string, url: string): Promise<unknown> {
  const [program = "", ...args] = client;
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args: [...args, wire, url],
    stdin: "null",
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}
