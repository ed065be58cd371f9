import assert from "node:assert/strict";
import { FarEnd, settled } from "../../../tests/support/far_end.ts";
import { type Asked, EventStream, json } from "../../../tests/support/loopback.ts";
import { cancelled, failure, notification, result } from "../../../tests/support/messages.ts";
import { META, MODERN, modern, modernRig } from "../../../tests/support/modern_rig.ts";
import type { AnyMessage } from "../../../tests/support/rpc.ts";

function tool(name: string, properties: Record<string, unknown> = {}): AnyMessage {
  return { name, inputSchema: { type: "object", properties } };
}

const REGION = { type: "string", "x-mcp-header": "Region" };
const SQL = tool("sql", {
  region: REGION,
  query: { type: "string" },
  deep: { type: "object", properties: { at: { type: "integer", "x-mcp-header": "At" } } },
});

/** Answers lists with these tools, a page each, and calls with nothing. */
function serving(...pages: AnyMessage[][]) {
  return ({ body }: Asked): Response => {
    const { id, method, params } = JSON.parse(body);
    return json(method === "tools/list" ? listed(id, pages, Number(params?.cursor ?? 0)) : result(id));
  };
}

function listed(id: number, pages: AnyMessage[][], at = 0) {
  return result(id, { tools: pages[at], ...at + 1 < pages.length && { nextCursor: `${at + 1}` } });
}

/** What the calls had in headers of the tool's own. */
function params(asked: readonly Asked[]): Record<string, string>[] {
  return asked.filter(({ body }) => JSON.parse(body).method === "tools/call")
    .map(({ headers }) => Object.fromEntries([...headers].filter(([name]) => name.startsWith("mcp-param-"))));
}

function call(id: number, name: string, args: Record<string, unknown> = {}) {
  return modern(id, "tools/call", { name, arguments: args });
}

/** Refuses calls without a header for the region as a server has to. */
function strict({ body, headers }: Asked): Response | undefined {
  const { id, method } = JSON.parse(body);
  if (method !== "tools/call" || headers.has("mcp-param-region")) return undefined;
  return new Response(JSON.stringify(failure(id, "Header mismatch", -32020)), {
    status: 400,
    headers: { "Content-Type": "application/json" },
  });
}

Deno.test("modern tells in headers what the lists of tools that have passed want there", async () => {
  await using it = await modernRig(serving([SQL], [tool("plain")]));
  it.client.say(modern(1, "tools/list"), modern(2, "tools/list", { cursor: "1" }));
  await it.client.hear();
  await it.client.hear();
  const calls = [
    call(3, "sql", { region: " 日", query: "q", deep: { at: -7 } }),
    call(4, "plain", { region: "x" }),
    call(5, "sql", { region: null, deep: {} }),
  ];
  for (const one of calls) {
    it.client.say(one);
    await it.client.hear();
  }
  assert.deepEqual(params(it.server.asked), [
    { "mcp-param-region": "=?base64?IOaXpQ==?=", "mcp-param-at": "-7" },
    {},
    {},
  ]);
  assert.deepEqual(it.posted(), ["tools/list", "tools/list", "tools/call", "tools/call", "tools/call"]);
});

Deno.test("modern lists all tools before the first call of one that it does not know, once for all who wait", async () => {
  await using it = await modernRig(serving([tool("plain")], [SQL]));
  const traced = { progressToken: "p", "io.modelcontextprotocol/logLevel": "debug", traceparent: "t" };
  const first = modern(1, "tools/call", { name: "sql", arguments: { region: "eu" }, _meta: traced });
  it.client.say(first, call(2, "sql", { region: "us" }), call(3, "unlisted"));
  for (const _ of "123") await it.client.hear();
  it.client.say(call(4, "unlisted"), call(5, "plain"));
  for (const _ of "45") await it.client.hear();
  const lists = it.server.asked.map(({ body }) => JSON.parse(body)).filter(({ method }) =>
    method === "tools/list"
  );
  const id = 2 ** 31 - 1;
  assert.deepEqual(
    lists,
    [modern(id, "tools/list"), modern(id, "tools/list", { cursor: "1" })].map((list) => ({
      ...list,
      params: { ...list.params, _meta: META },
    })),
  );
  const regions = params(it.server.asked).map((headers) => headers["mcp-param-region"] ?? "");
  assert.deepEqual(regions.sort(), ["", "", "", "eu", "us"]);
  const [{ headers }] = it.server.asked as [Asked];
  assert.deepEqual([headers.get("mcp-method"), headers.get("mcp-name")], ["tools/list", null]);
});

Deno.test("modern knows for all channels of a server what one has heard, but not for those with headers of their own", async () => {
  await using it = await modernRig(serving([SQL]));
  it.client.say(modern(1, "tools/list"));
  await it.client.hear();
  for (const launch of [MODERN, { ...MODERN, headers: { "x-key": "k" }, own: true } as const]) {
    await using channel = await it.open(launch);
    const client = new FarEnd(channel);
    client.say(call(1, "sql", { region: "eu" }));
    await client.hear();
  }
  assert.deepEqual(it.posted(), ["tools/list", "tools/call", "tools/list", "tools/call"]);
  assert.deepEqual(params(it.server.asked), [{ "mcp-param-region": "eu" }, { "mcp-param-region": "eu" }]);
});

Deno.test("modern lists again where the server misses a header, and calls once more with what it has learnt", async () => {
  let changed = false;
  await using it = await modernRig((asked) =>
    strict(asked) ?? serving([changed ? SQL : tool("sql", { region: { type: "string" } })])(asked)
  );
  it.client.say(modern(1, "tools/list"));
  await it.client.hear();
  changed = true;
  it.client.say(call(2, "sql", { region: "eu" }));
  assert.deepEqual(await it.client.hear(), result(2));
  assert.deepEqual(it.posted(), ["tools/list", "tools/call", "tools/list", "tools/call"]);
  assert.deepEqual(params(it.server.asked), [{}, { "mcp-param-region": "eu" }]);
});

Deno.test("modern gives the mismatch to the client where another try would say the same, or has failed too", async () => {
  const other = tool("sql", { at: { type: "string", "x-mcp-header": "At" } });
  for (const [learnt, calls] of [[tool("sql"), 1], [other, 2]] as const) {
    let lists = 0;
    await using it = await modernRig((asked) =>
      strict(asked) ?? serving([lists++ === 0 ? tool("sql") : learnt])(asked)
    );
    it.client.say(call(1, "sql", { at: "a" }));
    assert.deepEqual(await it.client.hear(), failure(1, "Header mismatch", -32020));
    assert.deepEqual([lists, params(it.server.asked).length], [2, calls]);
  }
});

Deno.test("modern does not list for what has no headers of its own, whatever the server says", async () => {
  await using it = await modernRig(({ body }) => {
    const error = failure(JSON.parse(body).id, "Header mismatch", -32020);
    return new Response(JSON.stringify(error), {
      status: 400,
      headers: { "Content-Type": "application/json" },
    });
  });
  it.client.say(modern(1, "prompts/get", { name: "sql" }));
  assert.deepEqual(await it.client.hear(), failure(1, "Header mismatch", -32020));
  assert.deepEqual(it.posted(), ["prompts/get"]);
});

Deno.test("modern calls without such headers where the tools cannot be had, and tells so unless the server says that there are none", async () => {
  const cases: [(id: number) => Response, number][] = [
    [(id) => json(failure(id, "no", -32601)), 1],
    [(id) => new Response(JSON.stringify(failure(id, "no", -32601)), { status: 404, headers: JSON_TYPE }), 1],
    [() => new Response("no", { status: 500 }), 2],
    [() => json({}), 2],
  ];
  for (const [answer, lists] of cases) {
    await using it = await modernRig(({ body }) => {
      const { id, method } = JSON.parse(body);
      return method === "tools/list" ? answer(id) : json(result(id));
    });
    for (const id of [1, 2]) {
      it.client.say(call(id, "sql"));
      assert.deepEqual(await it.client.hear(), result(id));
    }
    assert.equal(it.posted().filter((method) => method === "tools/list").length, lists);
    assert.equal(it.troubles().length, lists - 1 && 2);
  }
});

Deno.test("modern cancels a call that still waits for the tools", async () => {
  const tools = Promise.withResolvers<void>();
  await using it = await modernRig(async (asked) => {
    await tools.promise;
    return serving([SQL])(asked);
  });
  it.client.say(call(1, "sql"), call(2, "sql"));
  while (it.server.asked.length === 0) await settled();
  await it.channel.send({ message: cancelled(1) });
  tools.resolve();
  assert.deepEqual(await it.client.hear(), result(2));
  assert.deepEqual(it.posted(), ["tools/list", "tools/call"]);
  assert.deepEqual(it.troubles(), []);
});

Deno.test("modern asks for the tools under an id that no request has", async () => {
  await using it = await modernRig(serving([SQL]));
  const highest = 2 ** 31 - 1;
  it.client.say(call(highest, "sql"));
  assert.deepEqual(await it.client.hear(), result(highest));
  const [list] = it.server.asked;
  assert.equal(JSON.parse(list?.body ?? "").id, highest - 1);
});

Deno.test("modern leaves out tools with a wrong annotation, the others as they are spelled, and tells which and why", async () => {
  const wrong = tool("wrong", { a: { type: "number", "x-mcp-header": "A" } });
  const text = `{"jsonrpc":"2.0","id":1,"result":{"tools":[${JSON.stringify(wrong)},` +
    `{ "name":"sound","inputSchema":{"maximum":1e2}}],"ttlMs":1e3}}`;
  for (const events of [false, true]) {
    await using it = await modernRig(() =>
      events ? new EventStream(`data: ${text}\n\n`).response : new Response(text, { headers: JSON_TYPE })
    );
    it.client.say(modern(1, "tools/list"));
    const heard = await it.client.next();
    const sound = '{ "name":"sound","inputSchema":{"maximum":1e2}}';
    assert.equal(heard.text, `{"jsonrpc":"2.0","id":1,"result":{"tools":[${sound}],"ttlMs":1e3}}`);
    assert.deepEqual(heard.message, JSON.parse(heard.text ?? ""));
    assert.equal(heard.relatesTo, 1);
    assert.match(it.oddities().join(), /^its tool "wrong" is left out: ./);
  }
});

Deno.test("modern forgets what it knows of the tools when the server says that they have changed", async () => {
  const stream = new EventStream();
  await using it = await modernRig((asked) =>
    JSON.parse(asked.body).method === "subscriptions/listen" ? stream.response : serving([SQL])(asked)
  );
  it.client.say(call(1, "sql"));
  await it.client.hear();
  it.client.say(modern(2, "subscriptions/listen"));
  stream.say(notification("notifications/tools/list_changed"));
  await it.client.hear();
  it.client.say(call(3, "sql"));
  await it.client.hear();
  assert.deepEqual(it.posted(), [
    "tools/list",
    "tools/call",
    "subscriptions/listen",
    "tools/list",
    "tools/call",
  ]);
});

Deno.test("modern remembers no more tools than it may, and finds those of the others by asking again", async () => {
  const many = Array.from({ length: 20 }, (_, at) => tool(`t${at}`, { region: REGION }));
  await using it = await modernRig(
    (asked) => strict(asked) ?? serving(many.slice(0, 10), many.slice(10))(asked),
    {
      maxMirroredTools: 4,
    },
  );
  for (const { name } of many) {
    it.client.say(call(1, name, { region: "eu" }));
    assert.deepEqual(await it.client.hear(), result(1));
  }
});

Deno.test("modern asks for no more pages than a server can mean", async () => {
  await using it = await modernRig(({ body }) => {
    const { id, method } = JSON.parse(body);
    return json(method === "tools/list" ? result(id, { tools: [], nextCursor: "x" }) : result(id));
  });
  it.client.say(call(1, "sql"));
  assert.deepEqual(await it.client.hear(), result(1));
  assert.equal(it.server.asked.length, 101);
});

const JSON_TYPE = { "Content-Type": "application/json" };
