/** What a server has and clients may not know, and how long single tools may take, with real servers and clients. */
import assert from "node:assert/strict";
import { connect, WIRES } from "../support/clients.ts";
import { EVERYTHING, runKeystone, SCRIPTED, startKeystone } from "../support/keystone.ts";
import { callTool, post } from "../support/rpc.ts";

const HIDING = [
  ...["--allowTools", "{echo,get-*}", "--denyTools", "get-env"],
  ...["--denyPrompts", "*complex*", "--allowResources", "demo://resource/static/*"],
];

for (const children of ["session", "shared"]) {
  Deno.test(`clients know of a filtered server what they may, with --children ${children}`, async () => {
    await using gateway = await startKeystone(["--stateful", "--children", children, ...HIDING], {
      server: EVERYTHING,
    });
    for (const wire of WIRES) {
      await using connected = await connect(gateway, wire);
      const { client } = connected;
      const tools = (await client.listTools()).tools.map(({ name }) => name);
      assert(tools.includes("echo") && tools.some((name) => name.startsWith("get-")), `${tools}`);
      assert(tools.every((name) => name === "echo" || name.startsWith("get-")), `${tools}`);
      assert(!tools.includes("get-env"));
      const echoed = await client.callTool({ name: "echo", arguments: { message: "hello" } });
      assert.match(JSON.stringify(echoed.content), /hello/);
      for (const name of ["get-env", "trigger-long-running-operation", "there-is-no-such-tool"]) {
        await assert.rejects(client.callTool({ name, arguments: {} }), { code: -32602 }, name);
      }
      const prompts = (await client.listPrompts()).prompts.map(({ name }) => name);
      assert(prompts.length > 0 && prompts.every((name) => !name.includes("complex")), `${prompts}`);
      const { resources } = await client.listResources();
      assert(resources.length > 0 && resources.every(({ uri }) => uri.startsWith("demo://resource/static/")));
      await client.readResource({ uri: resources[0]!.uri });
      await assert.rejects(client.readResource({ uri: "demo://resource/dynamic/text/1" }), { code: -32002 });
    }
  });
}

Deno.test("--callTimeout gives single tools a time of their own", async () => {
  const flags = ["--requestTimeout", "10m", "--callTimeout", "hang=200ms", "--callTimeout", "sleep*=none"];
  await using gateway = await startKeystone(flags, { server: SCRIPTED });
  const [hanging, sleeping] = await Promise.all([
    post(gateway.mcp, callTool(1, "hang")),
    post(gateway.mcp, callTool(2, "sleep", { ms: 600 })),
  ]);
  const text = await hanging.text();
  assert.match(text, /did not answer .* within 200ms \(--callTimeout\)/);
  assert.match(await sleeping.text(), /"slept":600/);
});

Deno.test("a pattern that cannot be read is refused at the start, with what is wrong", async () => {
  for (
    const [flags, expected] of [
      [["--denyTools", "[a"], /--denyTools.*expected a pattern of names.*a \[ has no \]/],
      [["--callTimeout", "search"], /--callTimeout.*expected a pattern of tools and a time/],
      [["--callTimeout", "search=soon"], /--callTimeout.*expected a pattern of tools and a time/],
    ] as const
  ) assert.match((await runKeystone([...flags], { server: SCRIPTED })).stderr, expected);
});
