/** Callers of 2026-07-28 who prove who they are: what waits for one is nobody else's. */
import assert from "node:assert/strict";
import { answer, type AnyMessage, post, request } from "../support/rpc.ts";
import { bearing } from "../support/issuer.ts";
import { CONFORMANCE, type Keystone, startKeystone } from "../support/keystone.ts";

const [ANN, BOB, NOBODY] = ["a".repeat(20), "b".repeat(20), "n".repeat(20)] as const;
const PREFIX = "io.modelcontextprotocol";
const META = {
  [`${PREFIX}/protocolVersion`]: "2026-07-28",
  [`${PREFIX}/clientCapabilities`]: { elicitation: {}, sampling: {}, roots: {} },
};
const ASK = { name: "test_elicitation", arguments: { message: "Who?" } };
const ANSWER = { action: "accept", content: { username: "ann", email: "a@example.com" } };

interface Gateway extends Keystone {
  readonly folder: string;
}

async function start(...flags: string[]): Promise<Gateway> {
  const folder = await Deno.makeTempDir();
  const lines = [`ann ${ANN} read`, `bob ${BOB} read`, `nobody ${NOBODY}`];
  await Deno.writeTextFile(`${folder}/tokens`, lines.join("\n"), { mode: 0o600 });
  const auth = ["--auth", "bearer", "--bearerTokenFile", `${folder}/tokens`];
  const env = { KEYSTONE_STATE_DIR: folder };
  const gateway = await startKeystone([...auth, ...flags], { server: CONFORMANCE, env });
  return {
    ...gateway,
    folder,
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

interface Ask {
  readonly token?: string;
  readonly method?: string;
}

async function ask(
  { mcp }: Keystone,
  params: Record<string, unknown>,
  { token = ANN, method = "tools/call" }: Ask = {},
): Promise<{ readonly status: number; readonly said: AnyMessage }> {
  const headers = {
    ...bearing(token),
    ...{ "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": method },
    ...typeof params.name === "string" && { "Mcp-Name": params.name },
  };
  const response = await post(mcp, request(1, method, { ...params, _meta: META }), { headers });
  return { status: response.status, said: await answer(response) };
}

for (const children of ["principal", "shared", "session"]) {
  Deno.test(`what a call waits for is open to its own caller alone, and once, with --children ${children}`, async () => {
    await using gateway = await start("--children", children);
    const { said: { result: asked } } = await ask(gateway, ASK);
    assert.equal(asked.resultType, "input_required");
    const { requestState, inputRequests } = asked;
    const inputResponses = Object.fromEntries(Object.keys(inputRequests).map((key) => [key, ANSWER]));
    const retry = { ...ASK, inputResponses, requestState };
    for (
      const [token, params] of [
        [BOB, retry],
        [ANN, { ...retry, arguments: { message: "What?" } }],
        [ANN, { ...retry, requestState: `${requestState}x` }],
        [ANN, { ...retry, requestState: "x".repeat(1_000_000) }],
      ] as const
    ) {
      const { said: { error } } = await ask(gateway, params, { token });
      assert.equal(error?.code, -32602);
    }
    const { said: { result } } = await ask(gateway, retry);
    assert.equal(result.resultType, "complete");
    assert.match(JSON.stringify(result.content), /ann/);
    assert.equal((await ask(gateway, retry)).said.error?.code, -32602);
  });
}

Deno.test("each of many calls at a time is asked what its own tool asks, and answers that", async () => {
  await using gateway = await start();
  /** What a call comes to that is asked for a name. */
  const named = async (name: string): Promise<string> => {
    const call = { name: "test_elicitation", arguments: { message: `Who is ${name}?` } };
    const { said: { result: asked } } = await ask(gateway, call);
    assert.match(JSON.stringify(asked?.inputRequests), new RegExp(`Who is ${name}\\?`));
    const [key = ""] = Object.keys(asked.inputRequests);
    const content = { username: name, email: `${name}@example.com` };
    const inputResponses = { [key]: { action: "accept", content } };
    const retry = { ...call, inputResponses, requestState: asked.requestState };
    return JSON.stringify((await ask(gateway, retry)).said.result.content);
  };
  // From the first one on it is known that this tool asks.
  assert.match(await named("first"), /first/);
  const names = Array.from({ length: 12 }, (_, index) => `user${index}x`);
  const said = await Promise.all(names.map(named));
  for (const [index, name] of names.entries()) assert.match(said[index] ?? "", new RegExp(name));
});

Deno.test("callers who share a server are never asked what may be for another one", async () => {
  await using gateway = await start("--children", "shared");
  assert.equal((await ask(gateway, ASK)).said.result.resultType, "input_required");
  // Ann's call is still open: Bob's question might be hers.
  const { said } = await ask(gateway, ASK, { token: BOB });
  assert.match(JSON.stringify(said), /ambiguous/);
  await gateway.logged(/may be meant/);
});

Deno.test("a state of a gateway before this one opens nothing", async () => {
  let state: string;
  {
    await using gateway = await start();
    state = (await ask(gateway, ASK)).said.result.requestState;
  }
  await using gateway = await start();
  assert.equal((await ask(gateway, { ...ASK, requestState: state })).said.error?.code, -32602);
});

Deno.test("a call whose client does not come back is given up, and its server goes on", async () => {
  await using gateway = await start("--parkedTtl", "200ms");
  assert.equal((await ask(gateway, ASK)).said.result.resultType, "input_required");
  await gateway.logged(/did not come again with answers/);
  const { said } = await ask(gateway, { name: "test_simple_text" });
  assert.equal(said.result.resultType, "complete");
});

Deno.test("server/discover says how to prove who one is, and scopes hold for calls of 2026-07-28", async () => {
  await using gateway = await start("--requiredScope", "test_*=read");
  const { said } = await ask(gateway, {}, { method: "server/discover" });
  assert.deepEqual(said.result._meta["keystone/auth"], { kinds: ["bearer"], required: true });
  assert.equal((await ask(gateway, { name: "test_simple_text" }, { token: NOBODY })).status, 403);
  assert.equal((await ask(gateway, { name: "test_simple_text" })).status, 200);
  assert.equal((await ask(gateway, {}, { token: "x".repeat(20), method: "server/discover" })).status, 401);
});

Deno.test("what is hidden is answered as unknown, in the codes of 2026-07-28", async () => {
  await using gateway = await start("--denyTools", "test_simple*", "--denyResources", "test://static*");
  const { said: { result } } = await ask(gateway, {}, { method: "tools/list" });
  assert(!JSON.stringify(result.tools).includes("test_simple_text"));
  assert.equal((await ask(gateway, { name: "test_simple_text" })).said.error?.code, -32602);
  const uri = "test://static-text";
  const headers = { ...bearing(ANN), "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "resources/read" };
  const asked = request(1, "resources/read", { uri, _meta: META });
  const response = await post(gateway.mcp, asked, { headers: { ...headers, "Mcp-Name": uri } });
  assert.equal((await answer(response)).error?.code, -32602);
});
