/** Published servers that keep something: what is written through the gateway is really there. */
import assert from "node:assert/strict";
import { connect } from "../support/clients.ts";
import { eventually, filesystem, MEMORY, startKeystone } from "../support/keystone.ts";
import { running } from "../support/processes.ts";

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  // Resolved, for where the folder for temporary files is a link the server would name its target.
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "keystone-" }));
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("gateway serves server-filesystem: files are written, read, moved and listed", async () => {
  await withFolder(async (folder) => {
    await using keystone = await startKeystone(["--stateful"], { server: filesystem(folder) });
    await using user = await connect(keystone, "Streamable HTTP");
    const call = async (name: string, args: Record<string, unknown>) => {
      const result = await user.client.callTool({ name, arguments: args });
      assert.notEqual(result.isError, true, JSON.stringify(result));
      return (result.structuredContent as { content: string }).content;
    };
    const content = "first line\nzweite Zeile: äöü 👋\n".repeat(5000);
    await call("create_directory", { path: `${folder}/sub folder` });
    await call("write_file", { path: `${folder}/a.txt`, content });
    assert.equal(await Deno.readTextFile(`${folder}/a.txt`), content);
    await call("move_file", { source: `${folder}/a.txt`, destination: `${folder}/sub folder/b.txt` });
    assert.equal(await call("read_text_file", { path: `${folder}/sub folder/b.txt` }), content);
    assert.equal(await call("list_directory", { path: `${folder}/sub folder` }), "[FILE] b.txt");
    const outside = await user.client.callTool({ name: "read_text_file", arguments: { path: "/etc/hosts" } });
    assert.equal(outside.isError, true);
  });
});

Deno.test("gateway serves server-memory: a second session finds what the first one stored", async () => {
  await withFolder(async (folder) => {
    const file = `${folder}/memory.jsonl`;
    await using keystone = await startKeystone(["--env", `MEMORY_FILE_PATH=${file}`], { server: MEMORY });
    const loom = { name: "loom", entityType: "machine", observations: ["weaves", "built in 1804"] };
    const jacquard = { name: "Jacquard", entityType: "person", observations: [] };
    const relation = { from: "Jacquard", to: "loom", relationType: "invented" };
    {
      await using writer = await connect(keystone, "WebSocket");
      const entities = { entities: [loom, jacquard] };
      await writer.client.callTool({ name: "create_entities", arguments: entities });
      await writer.client.callTool({ name: "create_relations", arguments: { relations: [relation] } });
    }
    assert.match(await Deno.readTextFile(file), /"built in 1804"/);
    await using reader = await connect(keystone, "SSE");
    const graph = await reader.client.callTool({ name: "read_graph" });
    assert.deepEqual(graph.structuredContent, { entities: [loom, jacquard], relations: [relation] });
    const found = await reader.client.callTool({ name: "search_nodes", arguments: { query: "1804" } });
    assert.deepEqual(found.structuredContent, { entities: [loom], relations: [relation] });
  });
});

/** The first of the two starts downloads the package. */
const INSTALL_MS = 120_000;

Deno.test("gateway serves what npx starts, and takes npx and all below it along", async () => {
  await withFolder(async (cache) => {
    const stdio = "npx -y @modelcontextprotocol/server-everything@2026.8.31";
    // A cache of its own: runs of npx that install the same package into one cache at once can break each other.
    const flags = ["--stateful", "--stdio", stdio, "--env", `npm_config_cache=${cache}`];
    await using keystone = await startKeystone(flags);
    const start = async () => {
      const user = await connect(keystone, "Streamable HTTP", { handshakeMs: INSTALL_MS });
      const { content } = await user.client.callTool({ name: "echo", arguments: { message: "by npx" } });
      assert.deepEqual(content, [{ type: "text", text: "Echo: by npx" }]);
      const processes = await keystone.children();
      assert(processes.length >= 2, `npx, and below it the server: ${processes}`);
      return { user, processes };
    };

    const first = await start();
    await first.user[Symbol.asyncDispose]();
    await eventually(() => running(first.processes), (left) => left.length === 0);

    const second = await start();
    await second.user.leave();
    assert.equal((await keystone.stop()).code, 0);
    assert.deepEqual(await running(second.processes), []);
  });
});
