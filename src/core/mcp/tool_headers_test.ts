import assert from "node:assert/strict";
import type { Params } from "../message/jsonrpc.ts";
import { ToolHeaders } from "./tool_headers.ts";

const REGION = { header: "Region", path: ["region"] };

/** An entry of a list: a tool that wants an argument in a header of this name. */
function tool(name: string, header: unknown = "Region", argument = "region"): Params {
  const properties = { [argument]: { type: "string", "x-mcp-header": header } };
  return { name, inputSchema: { type: "object", properties } };
}

/** The headers of a tool; undefined where its server has to be asked. */
function headersOf(tools: ToolHeaders, name: string, whose?: string): string[] | undefined {
  return tools.of(name, whose)?.map(({ header }) => header);
}

async function* pages(...lists: Params[][]): AsyncGenerator<Params> {
  for (const tools of lists) yield await Promise.resolve({ tools });
}

Deno.test("ToolHeaders knows what the lists have said, and nothing of what was not listed", () => {
  const tools = new ToolHeaders(10);
  tools.learnFrom({ jsonrpc: "2.0", id: 1, result: { tools: [tool("sql"), { name: "plain" }] } });
  assert.deepEqual(tools.of("sql")?.map(({ header, path }) => ({ header, path })), [REGION]);
  assert.deepEqual(tools.of("plain"), []);
  assert.equal(tools.of("unlisted"), undefined);
});

Deno.test("ToolHeaders learns nothing from what is no list, and from what is no tool", () => {
  const tools = new ToolHeaders(10);
  const error = { code: 1, message: "no" };
  tools.learnFrom({ jsonrpc: "2.0", id: 1, error });
  for (const result of [null, [], { tools: { 0: tool("sql") } }, { tools: [null, "sql", { name: 1 }] }]) {
    tools.learnFrom({ jsonrpc: "2.0", id: 1, result });
  }
  assert.equal(tools.of("sql"), undefined);
});

Deno.test("ToolHeaders keeps no more tools than it may, and of them those that are called", () => {
  const tools = new ToolHeaders(10);
  tools.learn(tool("called"));
  const others = Array.from({ length: 100 }, (_, at) => `other ${at}`);
  for (const name of others) {
    tools.learn(tool(name));
    assert.deepEqual(headersOf(tools, "called"), ["Region"], name);
  }
  const kept = others.filter((name) => tools.of(name) !== undefined);
  assert(kept.length > 0 && kept.length < 10, `${kept.length}`);
  assert.equal(kept.at(-1), others.at(-1));
});

Deno.test("ToolHeaders keeps no tool whose name and annotations are too large, and has forgotten then what it was", () => {
  const tools = new ToolHeaders(10);
  const half = "x".repeat(4 * 1024);
  tools.learn(tool(half));
  assert.deepEqual(headersOf(tools, half), ["Region"]);
  tools.learn(tool(half, "Region", half));
  assert.equal(tools.of(half), undefined);
  // One that nobody is to call is no exception.
  const long = `${half}${half}x`;
  for (const header of ["Region", 7]) {
    tools.learn(tool(long, header));
    assert.equal(tools.of(long), undefined, `${header}`);
  }
});

Deno.test("ToolHeaders says which tool breaks a rule, and wants no headers of it any more", () => {
  const tools = new ToolHeaders(10);
  tools.learn(tool("sql"));
  assert.match(tools.learn(tool("sql", 7))?.problem ?? "", /./);
  assert.deepEqual(tools.of("sql"), []);
});

Deno.test("ToolHeaders forgets all at once, also that all tools were listed", async () => {
  const tools = new ToolHeaders(10);
  await tools.list("sql", () => pages([tool("sql")]));
  assert.deepEqual([headersOf(tools, "sql"), headersOf(tools, "unlisted")], [["Region"], []]);
  tools.forget();
  assert.deepEqual([headersOf(tools, "sql"), headersOf(tools, "unlisted")], [undefined, undefined]);
});

Deno.test("ToolHeaders finds the tool that it lists for, though it may not keep that many, and lists once for all", async () => {
  const tools = new ToolHeaders(2);
  const many = Array.from({ length: 20 }, (_, at) => tool(`t${at}`));
  let lists = 0;
  const list = (name: string) =>
    tools.list(name, () => {
      lists++;
      return pages(many.slice(0, 10), many.slice(10));
    });
  const found = await Promise.all([list("t0"), list("t11"), list("unlisted")]);
  assert.deepEqual(found.map((annotations) => annotations.length), [1, 1, 0]);
  assert.equal(lists, 1);
});

Deno.test("ToolHeaders does not take tools for listed whose pages break off", async () => {
  const tools = new ToolHeaders(10);
  async function* broken() {
    yield* pages([tool("sql")]);
    throw new Error("broken off");
  }
  await assert.rejects(tools.list("other", broken), /broken off/);
  assert.deepEqual([headersOf(tools, "sql"), headersOf(tools, "other")], [["Region"], undefined]);
  assert.equal((await tools.list("other", () => pages([tool("other")]))).length, 1);
});

Deno.test("ToolHeaders knows of somebody's tools for that one alone", () => {
  const tools = new ToolHeaders(10);
  const answer = { jsonrpc: "2.0", id: 1, result: { tools: [tool("sql")] } } as const;
  tools.learnFrom(answer, '["ann"]');
  assert.deepEqual(headersOf(tools, "sql", '["ann"]'), ["Region"]);
  for (const whose of [undefined, "", '["bob"]', '["an', '["ann"]s']) {
    assert.equal(tools.of("sql", whose), undefined, whose);
  }
  tools.learn({ name: "sql" }, '["bob"]');
  assert.deepEqual(headersOf(tools, "sql", '["ann"]'), ["Region"]);
});

Deno.test("ToolHeaders takes no name of a tool for the tool of somebody else", () => {
  const tools = new ToolHeaders(10);
  tools.learn(tool('["ann"]sql'));
  assert.equal(tools.of("sql", '["ann"]'), undefined);
  assert.deepEqual(headersOf(tools, '["ann"]sql'), ["Region"]);
});
