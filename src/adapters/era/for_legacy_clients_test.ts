import assert from "node:assert/strict";
import { isObject, isRequest } from "../../core/message/jsonrpc.ts";
import { settled } from "../../../tests/support/far_end.ts";
import {
  CLIENT_INFO,
  discovered,
  KEY,
  legacyClientRig,
  metaOfCall,
  metaOfClient,
  SERVER_INFO,
  spelled,
} from "../../../tests/support/legacy_client_rig.ts";
import {
  cancelled,
  failure,
  notification,
  progress,
  request,
  result,
} from "../../../tests/support/messages.ts";

// --- the handshake ---

Deno.test("forLegacyClients opens the server in the modern era, and answers initialize from server/discover", async () => {
  await using rig = await legacyClientRig();
  const { backend, client, server, asked } = rig;
  assert.equal(backend.launches[0]?.era, "modern");
  const params = { protocolVersion: "2025-06-18", capabilities: { sampling: {} }, clientInfo: CLIENT_INFO };
  client.say(request("a", "initialize", params));
  const { id, params: sent } = await asked("server/discover");
  assert.deepEqual(sent, { _meta: metaOfClient({ sampling: {} }) });
  const capabilities = {
    tools: { listChanged: true },
    resources: { subscribe: true, listChanged: false },
    logging: {},
    extensions: { "com.example/x": {}, "io.modelcontextprotocol/tasks": {} },
  };
  server.say(result(
    id,
    discovered(capabilities, {
      instructions: "Be kind",
      _meta: {
        [`${KEY}serverInfo`]: SERVER_INFO,
        "com.example/y": 1,
      },
    }),
  ));
  assert.deepEqual(
    await client.hear(),
    result("a", {
      protocolVersion: "2025-06-18",
      capabilities: {
        tools: { listChanged: true },
        resources: { subscribe: true, listChanged: false },
        logging: {},
        extensions: { "com.example/x": {} },
      },
      serverInfo: SERVER_INFO,
      instructions: "Be kind",
      _meta: { "com.example/y": 1 },
    }),
  );
});

for (const revision of ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"]) {
  Deno.test(`forLegacyClients settles on ${revision} with who asks for that`, async () => {
    await using rig = await legacyClientRig();
    const { introduce } = rig;
    const answer = await introduce({ revision });
    assert(isObject(answer));
    assert.equal(answer.protocolVersion, revision);
  });
}

for (const revision of ["2024-10-07", "2026-07-28", "2099-01-01"]) {
  Deno.test(`forLegacyClients answers the newest legacy revision to who asks for ${revision}`, async () => {
    await using rig = await legacyClientRig();
    const { introduce } = rig;
    const answer = await introduce({ revision });
    assert(isObject(answer));
    assert.equal(answer.protocolVersion, "2025-11-25");
  });
}

Deno.test("forLegacyClients names a server that does not name itself", async () => {
  await using rig = await legacyClientRig();
  const { client, server, asked } = rig;
  client.say(request(1, "initialize", {}));
  server.say(result((await asked("server/discover")).id, { capabilities: {} }));
  assert.deepEqual(
    await client.hear(),
    result(1, {
      protocolVersion: "2025-11-25",
      capabilities: {},
      serverInfo: { name: "fake", version: "unknown" },
    }),
  );
});

Deno.test("forLegacyClients makes the error of server/discover that of initialize", async () => {
  await using rig = await legacyClientRig();
  const { client, server, asked } = rig;
  client.say(request(1, "initialize", {}), request(2, "initialize", {}));
  server.say(failure((await asked("server/discover")).id, "no way", -32022));
  server.say(failure((await asked("server/discover")).id, "what?", -32601));
  assert.deepEqual(await client.hear(), failure(1, "The MCP server refused server/discover: no way", -32603));
  const reason = "The MCP server does not know server/discover, so it is none of 2026-07-28: what?";
  assert.deepEqual(await client.hear(), failure(2, reason, -32603));
});

Deno.test("forLegacyClients refuses a server that speaks no modern revision that is known", async () => {
  await using rig = await legacyClientRig();
  const { client, server, asked } = rig;
  client.say(request(1, "initialize", {}));
  const { id } = await asked("server/discover");
  server.say(result(id, discovered({}, { supportedVersions: ["2027-01-01"] })));
  const reason = "The MCP server speaks none of the revisions that are spoken here: 2027-01-01";
  assert.deepEqual(await client.hear(), failure(1, reason, -32603));
});

Deno.test("forLegacyClients says that initialize did not reach the server, as the wire says it", async () => {
  await using rig = await legacyClientRig();
  const { client, server, asked } = rig;
  client.say(request(1, "initialize", {}));
  server.turnAway((await asked("server/discover")).id, { again: "later" });
  const { message, undelivered } = await client.next();
  assert("error" in message);
  assert.deepEqual(undelivered, { again: "later" });
});

Deno.test("forLegacyClients answers ping, and tells the server nothing of roots and of the handshake", async () => {
  await using rig = await legacyClientRig();
  const { client, server, introduce, asked } = rig;
  await introduce();
  client.say(
    notification("notifications/roots/list_changed"),
    request("p", "ping"),
    request(2, "tools/list"),
  );
  assert.deepEqual(await client.hear(), result("p", {}));
  const { id } = await asked("tools/list");
  server.say(result(id, { tools: [] }));
  assert.deepEqual(await client.hear(), result(2, { tools: [] }));
});

// --- requests ---

Deno.test("forLegacyClients has each request say of itself what a modern server wants to know", async () => {
  await using rig = await legacyClientRig();
  const { client, introduce, asked } = rig;
  await introduce({ capabilities: { sampling: { tools: {} }, roots: { listChanged: true }, tasks: {} } });
  const meta = {
    progressToken: "t",
    traceparent: "00-1",
    [`${KEY}logLevel`]: "debug",
    [`${KEY}clientInfo`]: "me",
  };
  client.say(request("x", "tools/call", { name: "a", _meta: meta }), request("y", "tools/list"));
  const own = metaOfCall({ sampling: { tools: {} }, roots: {} });
  const { params } = await asked("tools/call");
  assert.deepEqual(params, { name: "a", _meta: { progressToken: "t", traceparent: "00-1", ...own } });
  assert.deepEqual((await asked("tools/list")).params, { _meta: own });
});

Deno.test("forLegacyClients declares no elicitation where the client's revision has none", async () => {
  const capabilities = { elicitation: { form: {}, url: {} } };
  const declared = async (revision: string) => {
    await using rig = await legacyClientRig();
    const { client, introduce, asked } = rig;
    await introduce({ revision, capabilities });
    client.say(request(1, "tools/list"));
    const { params } = await asked("tools/list");
    return params?._meta;
  };
  assert.deepEqual(await declared("2024-11-05"), metaOfCall());
  assert.deepEqual(await declared("2025-03-26"), metaOfCall());
  assert.deepEqual(await declared("2025-06-18"), metaOfCall({ elicitation: { form: {} } }));
  assert.deepEqual(await declared("2025-11-25"), metaOfCall(capabilities));
});

Deno.test("forLegacyClients keeps every number and every space that it does not have to change", async () => {
  await using rig = await legacyClientRig();
  const { channel, client, server, introduce } = rig;
  await introduce();
  void channel.send(spelled(
    `{"jsonrpc":"2.0","id":12345678901234567890,"method":"tools/call","params":{"name":"a","n":1.0,` +
      `"arguments":{ "big" : 12345678901234567890, "x":1e2 },"_meta":{"progressToken":9007199254740993}}}`,
  ));
  const { message, text = "" } = await server.next();
  assert(isRequest(message));
  assert.match(text, /"n":1\.0,"arguments":\{ "big" : 12345678901234567890, "x":1e2 \}/);
  assert.match(
    text,
    /"progressToken":9007199254740993,"io\.modelcontextprotocol\/protocolVersion":"2026-07-28"/,
  );
  assert.equal(JSON.parse(text).id, message.id);
  void server.sayEnvelope(spelled(
    `{"jsonrpc":"2.0","id":${message.id},"result":{"content":[ {"n":1.0} ],"resultType":"complete",` +
      `"structuredContent":{"a":1e400},"_meta":{"k":1.50,"${KEY}serverInfo":{"name":"s"}}}}`,
  ));
  assert.equal(
    (await client.next()).text,
    `{"jsonrpc":"2.0","id":12345678901234567890,"result":{"content":[ {"n":1.0} ],"structuredContent":{"a":1e400},"_meta":{"k":1.50}}}`,
  );
});

Deno.test("forLegacyClients gives each answer to its asker, whatever id that has, and asks under ids of its own", async () => {
  await using rig = await legacyClientRig();
  const { client, server, introduce, asked } = rig;
  await introduce({ offers: { tools: { listChanged: true } } });
  const listen = await asked("subscriptions/listen");
  const ids = [1, "1", 2, "2", 1.5, "a:b"];
  for (const id of ids) client.say(request(id, "ask"));
  const seen = new Set([listen.id]);
  for (const id of ids) {
    const { id: own } = await asked("ask");
    assert(Number.isInteger(own) && !seen.has(own));
    seen.add(own);
    server.say(result(own, { id }));
  }
  for (const id of ids) assert.deepEqual(await client.hear(), result(id, { id }));
});

Deno.test("forLegacyClients finds whose answer it is under an id of another type, and an error without one", async () => {
  await using rig = await legacyClientRig();
  const { client, server, introduce, asked } = rig;
  await introduce();
  client.say(request("x", "tools/list"));
  server.say(result(`${(await asked("tools/list")).id}`, { tools: [] }));
  assert.deepEqual(await client.hear(), result("x", { tools: [] }));
  client.say(request("y", "tools/list"));
  await asked("tools/list");
  server.say(failure(null, "unreadable"));
  assert.deepEqual(await client.hear(), failure("y", "unreadable"));
});

Deno.test("forLegacyClients refuses what a legacy client cannot ask", async () => {
  await using rig = await legacyClientRig();
  const { client, introduce } = rig;
  await introduce();
  for (const method of ["server/discover", "subscriptions/listen"]) {
    client.say(request(1, method));
    const answer = await client.hear();
    assert("error" in answer && answer.error.code === -32601, method);
  }
});

// --- log level, progress, cancellation ---

Deno.test("forLegacyClients keeps the log level and says it with each request", async () => {
  await using rig = await legacyClientRig();
  const { client, server, introduce, asked } = rig;
  await introduce({ offers: { logging: {} } });
  client.say(request(1, "tools/call", { name: "a" }));
  const first = await asked("tools/call");
  assert.deepEqual(first.params?._meta, metaOfCall());
  client.say(
    request(2, "logging/setLevel", { level: "notice" }),
    request(3, "logging/setLevel", { level: "loud" }),
  );
  assert.deepEqual(await client.hear(), result(2, {}));
  assert.deepEqual(await client.hear(), failure(3, 'Invalid params: "loud" is no log level', -32602));
  client.say(request(4, "tools/call", { name: "a" }));
  assert.deepEqual(
    (await asked("tools/call")).params?._meta,
    metaOfClient({}, { [`${KEY}logLevel`]: "notice" }),
  );
  const logged = notification("notifications/message", { level: "error", data: "x" });
  server.say(logged);
  assert.deepEqual(await client.hear(), logged);
});

Deno.test("forLegacyClients passes progress by its token, as long as its call is open", async () => {
  await using rig = await legacyClientRig();
  const { client, server, introduce, asked, drops } = rig;
  await introduce();
  client.say(request(1, "tools/call", { _meta: { progressToken: "t" } }));
  const { id } = await asked("tools/call");
  server.say(progress("t"), progress("u"), result(id, {}), progress("t"));
  assert.deepEqual(await client.hear(), progress("t"));
  assert.deepEqual(await client.hear(), result(1, {}));
  await settled();
  assert.deepEqual(drops(), ["nobody waits for this progress", "nobody waits for this progress"]);
});

Deno.test("forLegacyClients says on whose behalf a remote speaks", async () => {
  await using rig = await legacyClientRig();
  const { client, server, introduce, asked } = rig;
  await introduce();
  client.say(
    request("x", "tools/call"),
    request("y", "tools/call"),
    request(0, "logging/setLevel", { level: "info" }),
  );
  await client.hear();
  const { id } = await asked("tools/call");
  await asked("tools/call");
  server.sayFor(id, notification("notifications/message", { level: "info" }));
  assert.equal((await client.next()).relatesTo, "x");
});

Deno.test("forLegacyClients takes a request back under the id that the server knows", async () => {
  await using rig = await legacyClientRig();
  const { client, server, introduce, asked, hears, drops } = rig;
  await introduce();
  client.say(
    request("x", "tools/call"),
    cancelled("unknown"),
    cancelled("x"),
    cancelled("x"),
    request("y", "ask"),
  );
  const { id } = await asked("tools/call");
  assert.deepEqual(await hears("server", "notifications/cancelled"), cancelled(id));
  const { id: next } = await asked("ask");
  server.say(result(id), result(next));
  assert.deepEqual(await client.hear(), result("y"));
  assert.deepEqual(drops(), ["it answers no request that is open"]);
});

// --- what has no place ---

Deno.test("forLegacyClients drops what belongs to nothing, and tells so", async () => {
  await using rig = await legacyClientRig();
  const { client, server, introduce, asked, drops, events } = rig;
  await introduce({ offers: { tools: { listChanged: true } } });
  await asked("subscriptions/listen");
  server.say(
    request(9, "roots/list"),
    notification("notifications/tools/list_changed"),
    notification("notifications/other"),
    cancelled(99),
    result(99),
  );
  client.say(notification("notifications/progress", { progressToken: 1, progress: 1 }), result(7));
  await settled();
  assert.deepEqual(drops(), [
    "a server of 2026-07-28 hears of no progress",
    "it answers no question that is open",
    'a server of 2026-07-28 may not ask by itself: "roots/list"',
    '"notifications/tools/list_changed" names no stream of changes',
    '"notifications/other" belongs to no call that is open',
    "it cancels no stream of changes",
    "it answers no request that is open",
  ]);
  assert.equal(events.length, drops().length);
});

// --- results and errors ---

Deno.test("forLegacyClients takes from results what only modern clients know", async () => {
  await using rig = await legacyClientRig();
  const { client, server, introduce, asked } = rig;
  await introduce();
  const answered = async (method: string, value: unknown) => {
    client.say(request(1, method));
    server.say(result((await asked(method)).id, value));
    const answer = await client.hear();
    return "result" in answer ? answer.result : answer;
  };
  const modern = {
    resultType: "complete",
    ttlMs: 5,
    cacheScope: "public",
    _meta: { [`${KEY}serverInfo`]: {}, a: 1 },
  };
  assert.deepEqual(await answered("prompts/list", { prompts: [], ...modern }), {
    prompts: [],
    _meta: { a: 1 },
  });
  // Of other results these may be members of their own.
  assert.deepEqual(await answered("vendor/time", modern), {
    ttlMs: 5,
    cacheScope: "public",
    _meta: { a: 1 },
  });
  assert.deepEqual(await answered("tools/call", { content: [], _meta: { [`${KEY}serverInfo`]: {} } }), {
    content: [],
  });
  assert.deepEqual(await answered("vendor/list", [1]), [1]);
});

Deno.test("forLegacyClients makes an error of a resultType that nobody knows", async () => {
  await using rig = await legacyClientRig();
  const { client, server, introduce, asked, events } = rig;
  await introduce();
  for (
    const [method, resultType] of [["tools/call", "task"], ["tools/list", "input_required"], [
      "a",
      7,
    ]] as const
  ) {
    client.say(request(1, method));
    server.say(result((await asked(method)).id, { resultType }));
    const answer = await client.hear();
    assert("error" in answer && answer.error.code === -32603, JSON.stringify(answer));
    assert.match(
      answer.error.message,
      new RegExp(`resultType is "?${resultType}"?, which "${method}" must not`),
    );
  }
  assert.equal(events.filter(({ type }) => type === "server.odd").length, 3);
});

Deno.test("forLegacyClients leaves out structured content that is no object, and tells once per tool", async () => {
  await using rig = await legacyClientRig();
  const { channel, client, server, introduce, asked, drops } = rig;
  await introduce();
  const answered = async (name: string, text: string) => {
    void channel.send({ message: request(1, "tools/call", { name }) });
    const { id } = await asked("tools/call");
    server.sayEnvelope(spelled(`{"jsonrpc":"2.0","id":${id},"result":{${text},"resultType":"complete"}}`));
    return (await client.next()).text;
  };
  const said = `"content":[{"type":"text","text":"[1.0]"}]`;
  const told = `{"jsonrpc":"2.0","id":1,"result":{${said}}}`;
  assert.equal(await answered("a", `${said},"structuredContent":[1.0]`), told);
  assert.equal(await answered("a", `"content":[],"structuredContent":[1.0]`), told);
  assert.equal(
    await answered("b", `"structuredContent":null,"content":[{"type":"image","w":1.0}]`),
    `{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"image","w":1.0},{"type":"text","text":"null"}]}}`,
  );
  assert.equal(
    await answered("a", `"content":[],"structuredContent":{"a":1.0}`),
    `{"jsonrpc":"2.0","id":1,"result":{"content":[],"structuredContent":{"a":1.0}}}`,
  );
  assert.deepEqual(
    drops(),
    ["a", "b"].map((tool) =>
      `the tool "${tool}" has a structured content that is no object, which no revision before 2026-07-28 can say: it was left out`
    ),
  );
});

Deno.test("forLegacyClients leaves out schemas of outputs that are no objects, and nothing else of a list", async () => {
  await using rig = await legacyClientRig();
  const { channel, client, server, introduce, asked, drops } = rig;
  await introduce();
  const list = async () => {
    void channel.send({ message: request(1, "tools/list") });
    const { id } = await asked("tools/list");
    server.sayEnvelope(spelled(
      `{"jsonrpc":"2.0","id":${id},"result":{"tools":[ {"name":"a","outputSchema":{"type":"object","n":1.0}},` +
        `{"name":"b", "outputSchema" : {"type":"array"} , "inputSchema":{"n":1.0}},{"outputSchema":true}],"ttlMs":1.0,"nextCursor":"c"}}`,
    ));
    return (await client.next()).text;
  };
  const expected =
    `{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"a","outputSchema":{"type":"object","n":1.0}},` +
    `{"name":"b","inputSchema":{"n":1.0}},{}],"nextCursor":"c"}}`;
  assert.equal(await list(), expected);
  assert.equal(await list(), expected);
  assert.equal(drops().length, 2);
});

Deno.test("forLegacyClients tells errors between modern ends as failures, and passes others as they are", async () => {
  await using rig = await legacyClientRig();
  const { client, server, introduce, asked } = rig;
  await introduce();
  const answered = async (method: string, code: number, data?: unknown) => {
    client.say(request(1, method));
    const { id } = await asked(method);
    server.say({ jsonrpc: "2.0", id, error: { code, message: "no", ...data !== undefined && { data } } });
    return await client.hear();
  };
  const required = { requiredCapabilities: { elicitation: { url: {} } } };
  assert.deepEqual(await answered("tools/call", -32020), failure(1, "no", -32603));
  assert.deepEqual(await answered("tools/call", -32022), failure(1, "no", -32603));
  const missing = "no (the client does not offer elicitation)";
  assert.deepEqual(
    await answered("tools/call", -32021, required),
    result(1, { content: [{ type: "text", text: missing }], isError: true }),
  );
  assert.deepEqual(await answered("prompts/get", -32021, required), failure(1, missing, -32603));
  assert.deepEqual(
    await answered("resources/read", -32602, { uri: "x" }),
    { jsonrpc: "2.0", id: 1, error: { code: -32602, message: "no", data: { uri: "x" } } },
  );
});

// --- the end ---

Deno.test("forLegacyClients ends with its server, and frees it", async () => {
  await using rig = await legacyClientRig();
  const { channel, client, server, introduce } = rig;
  await introduce();
  server.breakOff(new Error("gone"));
  const { error } = await client.rest();
  assert(error instanceof Error && error.message === "gone");
  assert.throws(() => channel.send({ message: request(1, "ping") }), /gone/);
  await channel[Symbol.asyncDispose]();
  assert(server.disposed);
});
