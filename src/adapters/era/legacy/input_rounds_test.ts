import assert from "node:assert/strict";
import type { JsonRpcMessage, Params } from "../../../core/message/jsonrpc.ts";
import { isRequest, type JsonRpcRequest } from "../../../core/message/jsonrpc.ts";
import { fakeClock } from "../../../../tests/support/fake_clock.ts";
import { settled } from "../../../../tests/support/far_end.ts";
import {
  KEY,
  type LegacyClientRig,
  legacyClientRig,
  metaOfCall,
  metaOfClient,
  spelled,
} from "../../../../tests/support/legacy_client_rig.ts";
import { cancelled, failure, notification, request, result } from "../../../../tests/support/messages.ts";

const ALL = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} };
const FORM = { mode: "form", message: "Who?", requestedSchema: { type: "object", properties: {} } };

function demand(inputRequests: unknown, more: Params = {}): Params {
  return { resultType: "input_required", ...inputRequests !== undefined && { inputRequests }, ...more };
}

/** The next question at the client. */
async function question({ client }: LegacyClientRig): Promise<JsonRpcRequest> {
  const { message, relatesTo } = await client.next();
  assert(isRequest(message), JSON.stringify(message));
  assert.equal(relatesTo, "call");
  return message;
}

/** A call that the server answers with this. */
async function called(rig: LegacyClientRig, answer: unknown, method = "tools/call"): Promise<JsonRpcRequest> {
  rig.client.say(request("call", method, { name: "a", arguments: { n: 1 } }));
  const asked = await rig.asked(method);
  rig.server.say(result(asked.id, answer));
  return asked;
}

function toolFailure(text: string): JsonRpcMessage {
  return result("call", { content: [{ type: "text", text }], isError: true });
}

for (const method of ["tools/call", "prompts/get", "resources/read"]) {
  Deno.test(`an input_required of ${method} asks the client, and repeats the call with its answers`, async () => {
    await using rig = await legacyClientRig();
    await rig.introduce({ capabilities: ALL });
    const first = await called(
      rig,
      demand({
        who: { method: "elicitation/create", params: FORM },
        think: { method: "sampling/createMessage", params: { messages: [], maxTokens: 1 } },
        where: { method: "roots/list" },
      }, { requestState: 'sealed "\u2028' }),
      method,
    );
    const asked = [await question(rig), await question(rig), await question(rig)];
    assert.deepEqual(asked.map(({ method, params }) => [method, params]), [
      ["elicitation/create", FORM],
      ["sampling/createMessage", { messages: [], maxTokens: 1 }],
      ["roots/list", undefined],
    ]);
    const answers = [{ action: "decline" }, { role: "assistant" }, { roots: [] }];
    for (const at of [2, 0, 1]) rig.client.say(result(asked[at]?.id ?? -1, answers[at]));
    const again = await rig.asked(method);
    assert.notEqual(again.id, first.id);
    assert.deepEqual(again.params, {
      ...first.params,
      inputResponses: { who: answers[0], think: answers[1], where: answers[2] },
      requestState: 'sealed "\u2028',
    });
    rig.server.say(result(again.id, { resultType: "complete", content: [] }));
    assert.deepEqual(await rig.client.hear(), result("call", { content: [] }));
  });
}

Deno.test("answers go to the server as they were spelled, and so does its state", async () => {
  await using rig = await legacyClientRig();
  await rig.introduce({ capabilities: ALL });
  rig.client.sayEnvelope(spelled(
    `{"jsonrpc":"2.0","id":"call","method":"tools/call","params":{"name":"a","arguments":{"n":1.0},"inputResponses":1,"requestState":"mine"}}`,
  ));
  const { id } = await rig.asked("tools/call");
  rig.server.sayEnvelope(spelled(
    `{"jsonrpc":"2.0","id":${id},"result":{"resultType":"input_required","inputRequests":` +
      `{ "a\\u0022" : {"method":"elicitation/create","params":{"message":"?","default":1.0}}},"requestState":"\\u0061\\/$&"}}`,
  ));
  const asked = await rig.client.next();
  assert.equal(
    asked.text,
    `{"jsonrpc":"2.0","id":1,"method":"elicitation/create","params":{"message":"?","default":1.0}}`,
  );
  rig.client.sayEnvelope(
    spelled(`{"jsonrpc":"2.0","id":1,"result":{"action":"accept","content":{"n":1.0}}}`),
  );
  const { text = "", message } = await rig.server.next();
  assert(isRequest(message));
  assert.deepEqual(JSON.parse(text), message);
  assert(text.includes(`"arguments":{"n":1.0}`), text);
  assert(text.includes(`"inputResponses":{"a\\"":{"action":"accept","content":{"n":1.0}}}`), text);
  assert(text.includes(`"requestState":"\\u0061\\/$&"`), text);
});

Deno.test("each round has its own answers and its own state, or none", async () => {
  await using rig = await legacyClientRig();
  await rig.introduce({ capabilities: ALL });
  const first = await called(rig, demand({ a: { method: "roots/list" } }, { requestState: "one" }));
  rig.client.say(result((await question(rig)).id, { roots: [] }));
  const second = await rig.asked("tools/call");
  rig.server.say(result(second.id, demand({ b: { method: "roots/list", params: {} } })));
  const next = await question(rig);
  rig.client.say(request("level", "logging/setLevel", { level: "info" }));
  assert.deepEqual(await rig.client.hear(), result("level", {}));
  rig.client.say(result(next.id, { roots: [1] }));
  const third = await rig.asked("tools/call");
  assert.deepEqual(third.params, {
    ...first.params,
    _meta: metaOfClient(ALL, { [`${KEY}logLevel`]: "info" }),
    inputResponses: { b: { roots: [1] } },
  });
  assert.equal(new Set([first.id, second.id, third.id]).size, 3);
});

Deno.test("a client has no state of its own in what is repeated", async () => {
  await using rig = await legacyClientRig();
  await rig.introduce({ capabilities: ALL });
  rig.client.say(request("call", "tools/call", { name: "a", requestState: "mine" }));
  const first = await rig.asked("tools/call");
  rig.server.say(result(first.id, demand({ a: { method: "roots/list" } })));
  rig.client.say(result((await question(rig)).id, {}));
  assert.deepEqual((await rig.asked("tools/call")).params, {
    name: "a",
    _meta: metaOfCall(ALL),
    inputResponses: { a: {} },
  });
});

Deno.test("a call that only has to be repeated is, after a pause and with its state", async () => {
  using clock = fakeClock();
  await using rig = await legacyClientRig();
  await rig.introduce();
  await called(rig, demand(undefined, { requestState: "" }));
  await settled();
  assert.equal(clock.timers, 1);
  clock.pass(250);
  const { params } = await rig.asked("tools/call");
  assert.equal(params?.requestState, "");
  assert(!("inputResponses" in (params ?? {})));
});

Deno.test("a call that is taken back while it waits to be repeated is not repeated", async () => {
  using clock = fakeClock();
  await using rig = await legacyClientRig();
  await rig.introduce();
  await called(rig, demand({}, { requestState: "s" }));
  await settled();
  rig.client.say(cancelled("call"));
  await settled();
  clock.pass(250);
  await settled();
  rig.client.say(request("next", "ask"));
  await rig.asked("ask");
});

Deno.test("a server that asks without end is answered by an error", async () => {
  await using rig = await legacyClientRig({ maxRounds: 2 });
  await rig.introduce({ capabilities: ALL });
  const more = demand({ a: { method: "roots/list" } });
  for (
    const [method, expected] of [
      ["tools/call", toolFailure('"tools/call" still needed input after 2 rounds')],
      ["prompts/get", failure("call", '"prompts/get" still needed input after 2 rounds', -32603)],
    ] as const
  ) {
    await called(rig, more, method);
    for (let round = 0; round < 2; round++) {
      rig.client.say(result((await question(rig)).id, {}));
      rig.server.say(result((await rig.asked(method)).id, more));
    }
    assert.deepEqual(await rig.client.hear(), expected);
  }
});

Deno.test("what a client does not answer fails the call, and takes the other questions back", async () => {
  await using rig = await legacyClientRig();
  await rig.introduce({ capabilities: ALL });
  await called(rig, demand({ a: { method: "roots/list" }, b: { method: "roots/list" } }));
  const [a, b] = [await question(rig), await question(rig)];
  rig.client.say(failure(a.id, "nobody\nis there"), result(b.id, {}));
  const taken = await rig.client.next();
  assert.equal(taken.relatesTo, "call");
  assert.deepEqual(
    taken.message,
    notification("notifications/cancelled", {
      requestId: b.id,
      reason: "another question of the same call was not answered",
    }),
  );
  assert.deepEqual(
    await rig.client.hear(),
    toolFailure('What "tools/call" needs to know could not be asked: nobody is there'),
  );
  rig.client.say(request("next", "ask"));
  await rig.asked("ask");
  // Of the answer that crossed it.
  assert.deepEqual(rig.told("message.dropped").map(({ harmless }) => harmless), [true]);
});

Deno.test("a client that takes its call back hears no more questions, and the server of no repetition", async () => {
  await using rig = await legacyClientRig();
  await rig.introduce({ capabilities: ALL });
  await called(rig, demand({ a: { method: "roots/list" }, b: { method: "roots/list" } }));
  const [a, b] = [await question(rig), await question(rig)];
  rig.client.say(result(a.id, {}), cancelled("call"), result(b.id, {}), request("next", "ask"));
  const reason = "the call was cancelled";
  assert.deepEqual(
    await rig.client.hear(),
    notification("notifications/cancelled", { requestId: b.id, reason }),
  );
  await rig.asked("ask");
});

Deno.test("a client is asked nothing that it has not declared", async () => {
  const cases: [Params, string, Params][] = [
    [{}, "elicitation/create", FORM],
    [{ elicitation: { url: {} } }, "elicitation/create", FORM],
    [{ elicitation: { url: true } }, "elicitation/create", FORM],
    [{ elicitation: {} }, "elicitation/create", { mode: "url", message: "m", url: "u" }],
    [{ elicitation: {} }, "sampling/createMessage", { messages: [] }],
    [{ sampling: {} }, "sampling/createMessage", { messages: [], tools: [] }],
    [{ sampling: {} }, "roots/list", {}],
  ];
  for (const [capabilities, method, params] of cases) {
    await using rig = await legacyClientRig();
    await rig.introduce({ capabilities });
    await called(rig, demand({ ok: { method, params } }));
    const why = `"ok" (${method}) needs what the client does not offer`;
    assert.deepEqual(
      await rig.client.hear(),
      toolFailure(`What "tools/call" needs to know could not be asked: ${why}`),
    );
  }
});

Deno.test("a client that declares elicitation as such is asked by forms", async () => {
  for (
    const [revision, elicitation] of [["2025-06-18", {}], ["2025-11-25", {}], ["2025-11-25", {
      form: {},
    }]] as const
  ) {
    await using rig = await legacyClientRig();
    await rig.introduce({ revision, capabilities: { elicitation } });
    const { mode: _, ...params } = FORM;
    await called(rig, demand({ a: { method: "elicitation/create", params } }));
    assert.deepEqual((await question(rig)).params, params);
  }
});

Deno.test("an elicitation by URL gets an id, and there is none before 2025-11-25", async () => {
  const asked = demand({
    a: { method: "elicitation/create", params: { mode: "url", message: "m", url: "u" } },
  });
  await using rig = await legacyClientRig();
  await rig.introduce({ capabilities: ALL });
  await called(rig, asked);
  const { message, text = "" } = await rig.client.next();
  assert(isRequest(message));
  const { elicitationId, ...rest } = message.params ?? {};
  assert.deepEqual(rest, { mode: "url", message: "m", url: "u" });
  assert.match(String(elicitationId), /^[0-9a-f-]{36}$/);
  assert.deepEqual(JSON.parse(text), message);
  await using older = await legacyClientRig();
  await older.introduce({ revision: "2025-06-18", capabilities: ALL });
  await called(older, asked);
  const answer = await older.client.hear();
  assert("result" in answer, JSON.stringify(answer));
});

Deno.test("a demand that the protocol does not know is an error, also of a tool", async () => {
  const demands: [unknown, string][] = [
    [demand(undefined), "it has neither inputRequests nor a requestState"],
    [demand({}), "it has neither inputRequests nor a requestState"],
    [demand([1]), "its inputRequests are not an object"],
    [demand({}, { requestState: 1 }), "its requestState is not a string"],
    [demand({ a: { method: "tools/list", params: {} } }), '"a" asks "tools/list", which no client answers'],
    [demand({ a: { method: "toString", params: {} } }), '"a" asks "toString", which no client answers'],
    [demand({ a: 1 }), '"a" is no request'],
    [demand({ a: { method: "elicitation/create" } }), '"a" (elicitation/create) has no params'],
  ];
  for (const [answer, why] of demands) {
    await using rig = await legacyClientRig();
    await rig.introduce({ capabilities: ALL });
    await called(rig, answer);
    const message = `The MCP server's answer cannot be understood: ${why}`;
    assert.deepEqual(await rig.client.hear(), failure("call", message, -32603));
    assert.equal(rig.told("server.odd").length, 1);
  }
});

Deno.test("only a call that nobody has seen is said not to have reached the server", async () => {
  await using rig = await legacyClientRig();
  await rig.introduce({ capabilities: ALL });
  rig.client.say(request("call", "tools/call"));
  rig.server.turnAway((await rig.asked("tools/call")).id);
  assert.deepEqual((await rig.client.next()).undelivered, { again: "later" });
  await called(rig, demand({ a: { method: "roots/list" } }));
  rig.client.say(result((await question(rig)).id, {}));
  rig.server.turnAway((await rig.asked("tools/call")).id);
  assert.equal((await rig.client.next()).undelivered, undefined);
});
