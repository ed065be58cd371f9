import assert from "node:assert/strict";
import { parseMessage, parseMessages } from "../../core/message/parse.ts";
import { MetaKey } from "../../core/mcp/request_meta.ts";
import type { JsonRpcMessage, JsonRpcRequest, Params, RequestId } from "../../core/message/jsonrpc.ts";
import { fakeClock } from "../../../tests/support/fake_clock.ts";
import { FakeBackend, type FakeServer, LAUNCH } from "../../../tests/support/fake_backend.ts";
import { FarEnd, settled } from "../../../tests/support/far_end.ts";
import { cancelled, failure, notification, request, result } from "../../../tests/support/messages.ts";
import { textOf } from "../../core/channel.ts";
import { DisconnectedError } from "../../core/errors.ts";
import { type Recorder, recorder } from "../../../tests/support/recorder.ts";
import { forModernClients } from "./for_modern_clients.ts";
import { AskingTurns } from "./asking_turns.ts";
import type { LegacyCall } from "./legacy_call.ts";
import { ParkedCalls } from "./parked_calls.ts";
import { RequestStates } from "./request_state.ts";

const SERVER_INFO = { name: "old", version: "1" };
const INITIALIZED = {
  protocolVersion: "2025-11-25",
  capabilities: { tools: { listChanged: true }, resources: { subscribe: true }, logging: {}, tasks: {} },
  serverInfo: SERVER_INFO,
  instructions: "Read me",
};
const BY_SERVER = { _meta: { [MetaKey.server]: SERVER_INFO } };
const ASKABLE = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} };

interface Rig extends Recorder, Disposable {
  readonly backend: FakeBackend;
  readonly parked: ParkedCalls<LegacyCall>;
  /** A client on a connection of its own. */
  connect(owner?: string): Promise<FarEnd>;
}

function rig({ shared = true, maxCalls = 10, ttlMs = 600_000 } = {}): Rig {
  const record = recorder();
  const backend = new FakeBackend();
  const parked = new ParkedCalls<LegacyCall>({
    ttlMs,
    maxCalls,
    maxPerPrincipal: maxCalls,
    emit: record.emit,
  });
  const modern = forModernClients(backend, {
    ...{ protocolVersion: "2025-11-25", timeoutMs: 60_000, shared, parked, emit: record.emit },
    states: new RequestStates({ ttlMs }),
    maxSubscriptions: 3,
    turns: new AskingTurns(),
  });
  return {
    ...record,
    ...{ backend, parked },
    async connect(owner) {
      return new FarEnd(await modern.open({ ...LAUNCH, owner }, new AbortController().signal));
    },
    [Symbol.dispose]: () => parked[Symbol.dispose](),
  };
}

/** A request of 2026-07-28. */
function asked(id: RequestId, method: string, params: Params = {}, meta: Params = {}): JsonRpcRequest {
  const own = { [MetaKey.revision]: "2026-07-28", [MetaKey.capabilities]: ASKABLE };
  return request(id, method, { ...params, _meta: { ...own, ...meta } });
}

/** The server of the next request, once the handshake is played to it. */
async function greeted(backend: FakeBackend, initialized: Params = INITIALIZED): Promise<FakeServer> {
  const server = await backend.next();
  await server.accept("initialize", initialized);
  assert.deepEqual(await server.hear(), notification("notifications/initialized"));
  return server;
}

async function heardRequest(server: FakeServer, method: string): Promise<JsonRpcRequest> {
  const message = await server.hearRequest();
  assert.equal(message.method, method);
  return message;
}

function resultIn(message: JsonRpcMessage): Params {
  assert("result" in message && typeof message.result === "object", JSON.stringify(message));
  return { ...message.result };
}

/** A call that the server has asked these things, and the questions as the client was told them. */
async function questioned(
  { backend }: Rig,
  client: FarEnd,
  {
    call = asked(1, "tools/call", { name: "ask", arguments: { b: 1, a: 2 } }),
    questions = [request(0, "roots/list")],
  } = {},
): Promise<{ server: FakeServer; result: Params }> {
  client.say(call);
  const server = await greeted(backend);
  await heardRequest(server, call.method);
  server.say(...questions);
  return { server, result: resultIn(await client.hear()) };
}

Deno.test("forModernClients answers server/discover with what the server says in its handshake", async () => {
  using all = rig();
  const client = await all.connect();
  client.say(asked("d", "server/discover"));
  const server = await greeted(all.backend);
  const { tasks: _, ...capabilities } = INITIALIZED.capabilities;
  assert.deepEqual(
    await client.hear(),
    result("d", {
      ...{ supportedVersions: ["2026-07-28"], capabilities, instructions: "Read me" },
      ...{ resultType: "complete", ttlMs: 0, cacheScope: "private" },
      ...BY_SERVER,
    }),
  );
  await settled();
  assert(server.disposed);
});

Deno.test("forModernClients gives each request a conversation, and asks for it what the client has asked, without what is of its era", async () => {
  using all = rig();
  const client = await all.connect();
  const call = asked(7, "tools/call", { name: "echo", arguments: { x: 1 } }, {
    progressToken: "p",
    "a/b": 1,
  });
  client.say(call);
  const server = await greeted(all.backend);
  assert.deepEqual(
    await server.hear(),
    request(7, "tools/call", { name: "echo", arguments: { x: 1 }, _meta: { progressToken: "p", "a/b": 1 } }),
  );
  const told = notification("notifications/progress", { progressToken: "p", progress: 1 });
  server.say(told, result(7, { content: [], _meta: { "c/d": 1 } }));
  const heard = await client.next();
  assert.deepEqual([heard.message, heard.relatesTo], [told, 7]);
  assert.deepEqual(
    await client.hear(),
    result(7, { content: [], resultType: "complete", _meta: { "c/d": 1, [MetaKey.server]: SERVER_INFO } }),
  );
  await settled();
  assert(server.disposed);
});

Deno.test("forModernClients leaves what stays in _meta as it is spelled, whatever else looks like it", async () => {
  using all = rig();
  const client = await all.connect();
  const own = `"${MetaKey.revision}":"2026-07-28","${MetaKey.capabilities}":{}`;
  const said = (meta: string) =>
    `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"arguments":{"progressToken":1,"a":2},"_meta":{${meta}}}}`;
  const text = said(`${own},"progressToken":1.0`);
  client.sayEnvelope({ message: parseMessage(text), text });
  const server = await greeted(all.backend);
  assert.equal((await server.next()).text, said('"progressToken":1.0'));
});

Deno.test("forModernClients tells of the six results how long they hold, and of no other", async () => {
  using all = rig();
  const client = await all.connect();
  const lists = [
    "tools/list",
    "prompts/list",
    "resources/list",
    "resources/templates/list",
    "resources/read",
  ];
  for (const method of [...lists, "completion/complete", "prompts/get"]) {
    client.say(asked(1, method));
    const server = await greeted(all.backend);
    await heardRequest(server, method);
    server.say(result(1, {}));
    const { ttlMs, cacheScope } = resultIn(await client.hear());
    assert.deepEqual(
      [ttlMs, cacheScope],
      lists.includes(method) ? [0, "private"] : [undefined, undefined],
      method,
    );
  }
});

Deno.test("forModernClients knows no method that its era has not, and asks no server for it", async () => {
  using all = rig();
  const client = await all.connect();
  for (
    const method of [
      "initialize",
      "ping",
      "logging/setLevel",
      "resources/subscribe",
      "resources/unsubscribe",
      "tasks/get",
    ]
  ) {
    client.say(asked(1, method));
    const message = await client.hear();
    assert("error" in message);
    assert.equal(message.error.code, -32601, method);
  }
  assert.equal(all.backend.attempts, 0);
});

Deno.test("forModernClients refuses a request without its own account of itself, and one of another revision", async () => {
  using all = rig();
  const client = await all.connect();
  client.say(request(1, "tools/list"), asked(2, "tools/list", {}, { [MetaKey.revision]: "2099-01-01" }));
  const missing = await client.hear();
  assert("error" in missing);
  assert.deepEqual([missing.error.code, missing.error.data], [-32602, { key: "_meta", problem: "missing" }]);
  const other = await client.hear();
  assert("error" in other);
  assert.deepEqual(
    [other.error.code, other.error.data],
    [-32022, { supported: ["2026-07-28"], requested: "2099-01-01" }],
  );
  assert.equal(all.backend.attempts, 0);
});

Deno.test("forModernClients gives errors the codes that its era has for them", async () => {
  using all = rig();
  const client = await all.connect();
  for (const [code, told] of [[-32002, -32602], [-32601, -32601], [-1, -1]] as const) {
    client.say(asked(1, "resources/read", { uri: "a:b" }));
    const server = await greeted(all.backend);
    await heardRequest(server, "resources/read");
    // As a wire brings it: the text is written anew as well.
    for (const said of parseMessages(JSON.stringify(failure(1, "no such thing", code))).said) {
      server.sayEnvelope(said);
    }
    const heard = await client.next();
    assert.deepEqual([heard.message, JSON.parse(textOf(heard))], [
      failure(1, "no such thing", told),
      failure(1, "no such thing", told),
    ]);
  }
});

Deno.test("forModernClients answers a call with what the server asks, and brings it the answers", async () => {
  using all = rig();
  const client = await all.connect("ann");
  const elicit = request(0, "elicitation/create", {
    message: "Who?",
    requestedSchema: {},
    _meta: { progressToken: 5 },
  });
  const { server, result: told } = await questioned(all, client, {
    questions: [elicit, request("s", "sampling/createMessage", { messages: [], maxTokens: 1 })],
  });
  const { requestState, ...rest } = told;
  assert.deepEqual(rest, {
    resultType: "input_required",
    inputRequests: {
      question_1: { method: "elicitation/create", params: { message: "Who?", requestedSchema: {} } },
      question_2: { method: "sampling/createMessage", params: { messages: [], maxTokens: 1 } },
    },
    ...BY_SERVER,
  });
  assert(typeof requestState === "string");
  // It comes back on another connection, with its arguments in another order.
  await client.leave();
  const again = await all.connect("ann");
  const inputResponses = {
    question_1: { action: "accept", content: { name: "Ann" } },
    question_2: { role: "assistant", content: { type: "text", text: "hi" }, model: "m" },
    unknown: { x: 1 },
  };
  again.say(asked(2, "tools/call", { name: "ask", arguments: { a: 2, b: 1 }, inputResponses, requestState }));
  assert.deepEqual(await server.hear(), result(0, inputResponses.question_1));
  assert.deepEqual(await server.hear(), result("s", inputResponses.question_2));
  server.say(result(1, { content: [] }));
  assert.deepEqual(await again.hear(), result(2, { content: [], resultType: "complete", ...BY_SERVER }));
});

Deno.test("forModernClients asks again for what is missing or cannot be an answer", async () => {
  using all = rig();
  const client = await all.connect();
  const questions = [request(0, "roots/list"), request(1, "elicitation/create", { message: "?" })];
  const { server, result: first } = await questioned(all, client, { questions });
  const inputResponses = { question_1: { roots: [] }, question_2: { yes: true } };
  const call = { name: "ask", arguments: { b: 1, a: 2 } };
  client.say(asked(2, "tools/call", { ...call, inputResponses, requestState: first.requestState }));
  assert.deepEqual(await server.hear(), result(0, { roots: [] }));
  const second = resultIn(await client.hear());
  assert.deepEqual(Object.keys(Object(second.inputRequests)), ["question_2"]);
  const answered = { question_2: { action: "decline" } };
  client.say(
    asked(3, "tools/call", { ...call, inputResponses: answered, requestState: second.requestState }),
  );
  assert.deepEqual(await server.hear(), result(1, { action: "decline" }));
  server.say(result(1, {}));
  assert.equal(resultIn(await client.hear()).resultType, "complete");
});

Deno.test("forModernClients answers once who brings a part of the answers to a server that is gone by then", async () => {
  using all = rig();
  const client = await all.connect();
  const questions = [request(0, "roots/list"), request(1, "elicitation/create", { message: "?" })];
  const { server, result: { requestState } } = await questioned(all, client, { questions });
  using clock = fakeClock();
  server.near.send = () => {
    throw new DisconnectedError("The MCP server is gone");
  };
  const inputResponses = { question_1: { roots: [] } };
  const call = { name: "ask", arguments: { b: 1, a: 2 }, inputResponses, requestState };
  client.say(asked(2, "tools/call", call));
  const answer = await client.hear();
  assert("error" in answer, JSON.stringify(answer));
  assert.match(answer.error.message, /is gone/);
  clock.pass(1_000);
  await settled();
  assert.equal(all.parked.size, 0);
  client.say(asked(3, "ping"));
  const next = await client.hear();
  assert("id" in next && next.id === 3, JSON.stringify(next));
});

Deno.test("forModernClients tells as an event what it cannot hand on of a call that asks", async () => {
  using all = rig();
  const client = await all.connect();
  const call = asked(1, "tools/call", { name: "ask", task: { ttl: 1 } }, {
    progressToken: 7,
    [MetaKey.logLevel]: "warning",
  });
  client.say(call);
  const server = await greeted(all.backend);
  await heardRequest(server, "logging/setLevel");
  const { params } = await heardRequest(server, "tools/call");
  assert.deepEqual(params, { name: "ask", _meta: { progressToken: 7 } });
  const url = { mode: "url", url: "https://a.example", message: "Visit", elicitationId: "e" };
  server.say(request(0, "elicitation/create", { ...url, task: {} }));
  const { requestState, inputRequests } = resultIn(await client.hear());
  const { elicitationId: _, ...visited } = url;
  assert.deepEqual(inputRequests, { question_1: { method: "elicitation/create", params: visited } });
  server.say(
    notification("notifications/progress", { progressToken: 7, progress: 1 }),
    notification("notifications/message", { level: "info", data: "nobody wanted this" }),
    notification("notifications/message", { level: "error", data: "lost" }),
    notification("notifications/elicitation/complete", { elicitationId: "e" }),
  );
  await settled();
  assert.deepEqual(all.drops(), [
    "2026-07-28 has no task in tools/call",
    "2026-07-28 has no task and no elicitationId of elicitation/create: it is asked without",
    "notifications/progress comes while the call waits for its client: nobody is there to be told",
    "notifications/message comes while the call waits for its client: nobody is there to be told",
    "2026-07-28 has no notifications/elicitation/complete: the client comes back when it is done",
  ]);
  const inputResponses = { question_1: { action: "accept" } };
  client.say(asked(2, "tools/call", { name: "ask", task: { ttl: 1 }, inputResponses, requestState }));
  assert.deepEqual(await server.hear(), result(0, inputResponses.question_1));
});

Deno.test("forModernClients makes an error of a result that is no object", async () => {
  using all = rig();
  const client = await all.connect();
  client.say(asked(1, "tools/call"));
  const server = await greeted(all.backend);
  await heardRequest(server, "tools/call");
  server.say({ jsonrpc: "2.0", id: 1, result: [1, 2] } as unknown as JsonRpcMessage);
  const message = await client.hear();
  assert("error" in message);
  assert.equal(message.error.code, -32603);
});

Deno.test("forModernClients refuses a log level that there is not", async () => {
  using all = rig();
  const client = await all.connect();
  client.say(asked(1, "tools/call", {}, { [MetaKey.logLevel]: "loud" }));
  const message = await client.hear();
  assert("error" in message);
  assert.equal(message.error.code, -32602);
  assert.match(message.error.message, /logLevel.*not one of debug, info/);
});

Deno.test("forModernClients keeps the answer of a server that did not wait for its questions", async () => {
  using all = rig();
  const client = await all.connect();
  const { server, result: told } = await questioned(all, client);
  server.say(result(1, { content: ["late"] }));
  await settled();
  // It has said all that is wanted of it.
  assert(server.disposed);
  const { requestState } = told;
  client.say(asked(2, "tools/call", { name: "ask", arguments: { b: 1, a: 2 }, requestState }));
  assert.deepEqual(resultIn(await client.hear()).content, ["late"]);
});

Deno.test("forModernClients takes a state once, from its own client, and for its own request alone", async () => {
  using all = rig();
  const client = await all.connect("ann");
  const { result: { requestState } } = await questioned(all, client);
  const call = { name: "ask", arguments: { b: 1, a: 2 } };
  const inputResponses = { question_1: { roots: [] } };
  const refused = async (who: FarEnd, params: Params) => {
    who.say(asked(9, "tools/call", { ...call, inputResponses, requestState, ...params }));
    const message = await who.hear();
    assert("error" in message, JSON.stringify(message));
    assert.equal(message.error.code, -32602);
  };
  await refused(await all.connect("bob"), {});
  await refused(await all.connect(), {});
  await refused(client, { arguments: { b: 1, a: 3 } });
  await refused(client, { requestState: "forged" });
  await refused(client, { requestState: 7 });
  await refused(client, { inputResponses: "no" });
  client.say(asked(2, "tools/call", { ...call, requestState }));
  assert.equal(resultIn(await client.hear()).resultType, "input_required");
  await refused(client, {});
});

Deno.test("forModernClients asks a client nothing that it has not declared, and says what it would have to", async () => {
  using all = rig();
  const client = await all.connect();
  const cases: [Params, JsonRpcRequest, Params][] = [
    [{}, request(0, "roots/list"), { roots: {} }],
    [{ elicitation: { url: {} } }, request(0, "elicitation/create", { message: "?" }), {
      elicitation: { form: {} },
    }],
    [{ elicitation: {} }, request(0, "elicitation/create", { mode: "url" }), { elicitation: { url: {} } }],
    [{ sampling: {} }, request(0, "sampling/createMessage", { tools: [] }), { sampling: { tools: {} } }],
  ];
  for (const [declared, question, requiredCapabilities] of cases) {
    client.say(asked(1, "tools/call", { name: "ask" }, { [MetaKey.capabilities]: declared }));
    const server = await greeted(all.backend);
    await heardRequest(server, "tools/call");
    server.say(question);
    const refusal = await server.hear();
    assert("error" in refusal);
    assert.equal(refusal.error.code, -32601);
    server.say(result(1, { isError: true, content: [] }));
    const message = await client.hear();
    assert("error" in message, JSON.stringify(message));
    assert.deepEqual([message.error.code, message.error.data], [-32021, { requiredCapabilities }]);
  }
  // A tool that can do without has done so.
  client.say(asked(1, "tools/call", { name: "ask" }, { [MetaKey.capabilities]: {} }));
  const server = await greeted(all.backend);
  await heardRequest(server, "tools/call");
  server.say(request(0, "roots/list"));
  await server.hear();
  server.say(result(1, { content: [] }));
  assert.equal(resultIn(await client.hear()).resultType, "complete");
});

Deno.test("forModernClients lets nothing be asked during a request that cannot be answered with a question", async () => {
  using all = rig();
  const client = await all.connect();
  client.say(asked(1, "tools/list"));
  const server = await greeted(all.backend);
  await heardRequest(server, "tools/list");
  server.say(request(0, "roots/list"), request("p", "ping"), request(2, "tasks/list"));
  assert.equal((await server.hear() as { error?: { code: number } }).error?.code, -32601);
  assert.deepEqual(await server.hear(), result("p", {}));
  assert.equal((await server.hear() as { error?: { code: number } }).error?.code, -32601);
  assert.equal(all.drops().length, 2);
});

Deno.test("forModernClients makes a question of the URLs that a server wants to be visited first", async () => {
  using all = rig();
  const client = await all.connect();
  const data = {
    elicitations: [{ mode: "url", url: "https://a.b/c", message: "Log in", elicitationId: "e" }],
  };
  const visited = async (id: RequestId, params: Params, capabilities: Params = ASKABLE) => {
    client.say(asked(id, "tools/call", { name: "x", ...params }, { [MetaKey.capabilities]: capabilities }));
    const server = await greeted(all.backend);
    assert.deepEqual((await heardRequest(server, "tools/call")).params, { name: "x" });
    server.say({ jsonrpc: "2.0", id, error: { code: -32042, message: "URL", data } });
    return await client.hear();
  };
  assert.deepEqual(resultIn(await visited(1, {})), {
    resultType: "input_required",
    inputRequests: {
      url_1: {
        method: "elicitation/create",
        params: { mode: "url", url: "https://a.b/c", message: "Log in" },
      },
    },
    ...BY_SERVER,
  });
  const noId = "2026-07-28 has no elicitationId of a URL: it is asked for without";
  assert.deepEqual(all.drops(), [noId]);
  await visited(2, { inputResponses: { url_1: { action: "accept" } } });
  assert.deepEqual(all.drops().slice(1), [
    "a legacy server has no inputResponses without a requestState",
    noId,
  ]);
  const refused = await visited(3, {}, { elicitation: {} });
  assert.equal(all.drops().length, 3, "of what is not asked nothing is left out");
  assert("error" in refused);
  assert.deepEqual(refused.error.data, { requiredCapabilities: { elicitation: { url: {} } } });
});

Deno.test("forModernClients tells who has named a level what is logged from there on, and nobody else", async () => {
  using all = rig();
  const client = await all.connect();
  const logged = (level: string) => notification("notifications/message", { level, data: level });
  client.say(asked(1, "tools/call", {}, { [MetaKey.logLevel]: "warning" }));
  const server = await greeted(all.backend);
  assert.deepEqual((await heardRequest(server, "logging/setLevel")).params, { level: "warning" });
  await heardRequest(server, "tools/call");
  server.say(logged("info"), logged("error"), result(1, {}));
  assert.deepEqual(await client.hear(), logged("error"));
  assert("result" in await client.hear());
  client.say(asked(2, "tools/call"));
  const other = await greeted(all.backend);
  await heardRequest(other, "tools/call");
  other.say(logged("emergency"), result(2, {}));
  assert("result" in await client.hear());
});

Deno.test("forModernClients ends the conversation of a request that is cancelled, or whose client leaves", async () => {
  using all = rig();
  const client = await all.connect();
  for (const end of [() => client.say(cancelled(1)), () => client.leave()]) {
    client.say(asked(1, "tools/call"));
    const server = await greeted(all.backend);
    const { id } = await heardRequest(server, "tools/call");
    await end();
    assert.deepEqual(await server.hear(), {
      ...cancelled(id),
      params: { requestId: id, reason: "The client is gone" },
    });
    await settled();
    assert(server.disposed);
  }
});

Deno.test("forModernClients leaves a server that does not read that its request is taken back", async () => {
  using clock = fakeClock();
  using all = rig();
  const client = await all.connect();
  client.say(asked(1, "tools/call"));
  const server = await greeted(all.backend);
  await heardRequest(server, "tools/call");
  server.near.send = () => new Promise(() => {});
  client.say(cancelled(1));
  await settled();
  clock.pass(1_000);
  await settled();
  assert(server.disposed);
});

Deno.test("forModernClients ends a call whose client does not come back, and refuses one more than may wait", async () => {
  using all = rig({ maxCalls: 1 });
  const client = await all.connect();
  const { server } = await questioned(all, client);
  client.say(asked(2, "tools/call", { name: "ask" }));
  const other = await greeted(all.backend);
  await heardRequest(other, "tools/call");
  other.say(request(0, "roots/list"));
  const message = await client.hear();
  assert("error" in message);
  assert.match(message.error.message, /--maxParkedCalls/);
  await settled();
  assert(other.disposed && !server.disposed);
  all.parked[Symbol.dispose]();
  await settled();
  assert(server.disposed);
});

Deno.test("forModernClients gives who listens what of it the server has, and names the subscription in each message", async () => {
  using all = rig();
  const client = await all.connect();
  const notifications = {
    ...{ toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true },
    resourceSubscriptions: ["a:1", "a:2", "a:1"],
  };
  client.say(asked("L", "subscriptions/listen", { notifications }));
  const server = await greeted(all.backend);
  const [one, two] = [
    await heardRequest(server, "resources/subscribe"),
    await heardRequest(server, "resources/subscribe"),
  ];
  assert.deepEqual([one.params, two.params], [{ uri: "a:1" }, { uri: "a:2" }]);
  server.say(
    notification("notifications/tools/list_changed"),
    result(one.id, {}),
    failure(two.id, "no such"),
  );
  const _meta = { [MetaKey.subscription]: "L" };
  const acknowledged = { toolsListChanged: true, resourceSubscriptions: ["a:1"] };
  const first = await client.next();
  assert.deepEqual(
    [first.message, first.relatesTo],
    [notification("notifications/subscriptions/acknowledged", { notifications: acknowledged, _meta }), "L"],
  );
  // What has changed before comes after that.
  assert.deepEqual(await client.hear(), notification("notifications/tools/list_changed", { _meta }));
  server.say(
    notification("notifications/prompts/list_changed"),
    notification("notifications/message", { level: "info" }),
  );
  server.say(
    notification("notifications/resources/updated", { uri: "a:1" }),
    notification("notifications/tools/list_changed"),
  );
  assert.deepEqual(
    await client.hear(),
    notification("notifications/resources/updated", { uri: "a:1", _meta }),
  );
  assert.deepEqual(await client.hear(), notification("notifications/tools/list_changed", { _meta }));
  assert.match(all.drops().join(), /"a:2" cannot be subscribed to: no such/);
  await server.leave();
  const end = await client.hear();
  assert("error" in end && end.id === "L");
});

Deno.test("forModernClients declares to a server of one client what that client can do", async () => {
  using all = rig({ shared: false });
  const client = await all.connect();
  client.say(
    asked(1, "tools/list", {}, {
      [MetaKey.client]: { name: "c", version: "2" },
      [MetaKey.capabilities]: { roots: {}, extensions: { x: {} } },
    }),
  );
  const server = await all.backend.next();
  const { id, params } = await heardRequest(server, "initialize");
  assert.deepEqual(params, {
    ...{ protocolVersion: "2025-11-25", capabilities: { roots: {} } },
    clientInfo: { name: "c", version: "2" },
  });
  server.say(result(id, INITIALIZED));
  await client.leave();
  await settled();
});
