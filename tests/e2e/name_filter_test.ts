/** What a server has and clients may not know, and how long single tools may take, with real servers and clients. */
import assert from "node:assert/strict";
import { type Client, connect, WIRES } from "../support/clients.ts";
import { EVERYTHING, PAGED, runKeystone, SCRIPTED, startKeystone } from "../support/keystone.ts";
import { answer, beginSession, callTool, post, request } from "../support/rpc.ts";

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

interface Page {
  readonly nextCursor?: string | undefined;
}

/** The pages of a list, each as it came. */
async function pagesOf<P extends Page>(list: (cursor: string | undefined) => Promise<P>): Promise<P[]> {
  const pages = [await list(undefined)];
  for (let cursor = pages[0]?.nextCursor; cursor !== undefined; cursor = pages.at(-1)?.nextCursor) {
    pages.push(await list(cursor));
  }
  return pages;
}

async function namesOf(client: Client) {
  return {
    tools: (await pagesOf((cursor) => client.listTools({ cursor })))
      .map(({ tools }) => tools.map(({ name }) => name)),
    resources: (await pagesOf((cursor) => client.listResources({ cursor })))
      .map(({ resources }) => resources.map(({ uri }) => uri)),
    templates: (await pagesOf((cursor) => client.listResourceTemplates({ cursor })))
      .map(({ resourceTemplates }) => resourceTemplates.map(({ uriTemplate }) => uriTemplate)),
  };
}

const PAGED_FILTER = ["--denyTools", "delete_*,write_*", "--denyResources", "demo://x/closed/*"];

for (const children of ["session", "shared"]) {
  Deno.test(`pages of a filtered list keep their cursors, and empty ones lead on, with --children ${children}`, async () => {
    await using gateway = await startKeystone(["--stateful", "--children", children, ...PAGED_FILTER], {
      server: PAGED,
    });
    await using connected = await connect(gateway, "Streamable HTTP");
    const { client, inbox } = connected;
    assert.deepEqual(await namesOf(client), {
      tools: [["read_a"], [], ["read_b"]],
      resources: [["demo://x/open/a"], [], ["demo://x/open/b"]],
      templates: [["demo://x/open/{id}"], ["demo://x/{kind}/{id}"]],
    });
    for (
      const uri of [
        "demo://x/closed/a",
        "DEMO://x/closed/a",
        "demo://x/./closed/a",
        "demo://x/%2e/closed/a#b",
      ]
    ) {
      await assert.rejects(client.readResource({ uri }), { code: -32002 }, uri);
      await assert.rejects(client.subscribeResource({ uri }), { code: -32002 }, uri);
    }
    assert.equal((await client.readResource({ uri: "demo://x/open/a" })).contents[0]?.uri, "demo://x/open/a");

    await client.subscribeResource({ uri: "demo://x/open/a" });
    // The server has told of a hidden one before.
    await inbox.waitFor("notifications/resources/updated");
    assert.deepEqual(inbox.all.map(({ params }) => params?.uri), ["demo://x/open/a"]);
  });
}

Deno.test("a hidden tool cannot be called in any spelling, with a session or without", async () => {
  for (const stateful of [true, false]) {
    const flags = ["--denyTools", "exit,env", ...stateful ? ["--stateful"] : []];
    await using gateway = await startKeystone(flags, { server: SCRIPTED });
    const session = stateful ? await beginSession(gateway.mcp) : undefined;
    const said = async (body: unknown) => await answer(await post(gateway.mcp, body, { session }));
    assert.deepEqual((await said(callTool(1, "env", { name: "HOME" }))).error, {
      code: -32602,
      message: "Unknown tool: env",
    });
    // The fixture makes a text of whatever it is given as a name.
    const listed = await said(request(2, "tools/call", { name: ["env"], arguments: { name: "HOME" } }));
    assert.deepEqual(listed.error, { code: -32602, message: 'Invalid params: "name" is not a string' });
    const escaped = '{"jsonrpc":"2.0","id":3,"method":"tools\\/call","params":{"n\\u0061me":"\\u0065nv"}}';
    assert.equal((await said(escaped)).error.code, -32602);
    const twice = '{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":"echo","name":"env"}}';
    assert.equal((await said(twice)).error.code, -32602);
    assert.equal((await said(callTool(5, "echo", { a: 1 }))).result.structuredContent.a, 1);
  }
});

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
