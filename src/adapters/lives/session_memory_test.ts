import assert from "node:assert/strict";
import { InTurn } from "../../base/in_turn.ts";
import { memoryChannels } from "../../core/channel.ts";
import { BackendError } from "../../core/errors.ts";
import type { JsonRpcMessage, Params } from "../../core/message/jsonrpc.ts";
import { FarEnd } from "../../../tests/support/far_end.ts";
import { failure, notification, request, result } from "../../../tests/support/messages.ts";
import { pulled } from "../../../tests/support/pulled.ts";
import { methodOf } from "../../../tests/support/supervise_rig.ts";
import { REMEMBERED } from "../../../tests/support/limits.ts";
import { parseMessage } from "../../core/message/parse.ts";
import { SessionMemory } from "./session_memory.ts";

const INITIALIZE = request(1, "initialize", { protocolVersion: "x" });

/** Of the client, at this moment. */
const OPEN_ID = 2 ** 31 - 2;

type Answer = (message: JsonRpcMessage) => readonly JsonRpcMessage[];

function accepting(message: JsonRpcMessage): JsonRpcMessage[] {
  return "id" in message ? [result(message.id ?? "")] : [];
}

/** Plays the memory to a server that answers by `answer`; gives what was said to it. */
async function replay(memory: SessionMemory, answer: Answer = accepting) {
  const [near, far] = memoryChannels();
  const server = new FarEnd(far);
  const passed: JsonRpcMessage[] = [];
  const pass = ({ message }: { message: JsonRpcMessage }) => void passed.push(message);
  const playing = memory.replay({
    server: near,
    messages: new InTurn(near.incoming),
    pass,
    isOpen: (id) => id === OPEN_ID,
  }).finally(() => near.close());
  const said: JsonRpcMessage[] = [];
  const texts: (string | undefined)[] = [];
  const listening = (async () => {
    for await (const { message, text } of pulled(far.incoming)) {
      said.push(message);
      texts.push(text);
      server.say(...answer(message));
    }
  })();
  await playing;
  await listening;
  return { said, texts, passed };
}

function memoryOf(...messages: JsonRpcMessage[]): SessionMemory {
  const memory = new SessionMemory(REMEMBERED);
  memory.note({ message: INITIALIZE });
  memory.noteAnswer(result(1));
  for (const message of messages) {
    memory.note({ message });
    if ("id" in message) memory.noteAnswer(result(message.id ?? ""));
  }
  return memory;
}

Deno.test("SessionMemory is established by an accepted initialize, and by nothing else", () => {
  const memory = new SessionMemory(REMEMBERED);
  memory.noteAnswer(result(1));
  memory.note({ message: request("1", "initialize") });
  memory.noteAnswer(result(1));
  memory.noteAnswer(failure("1"));
  memory.noteAnswer(result("1"));
  assert.equal(memory.established, false);
  memory.note({ message: INITIALIZE });
  memory.noteAnswer(result(1));
  assert.equal(memory.established, true);
});

Deno.test("SessionMemory plays nothing before there was a handshake", async () => {
  assert.deepEqual(await replay(new SessionMemory(REMEMBERED)), { said: [], texts: [], passed: [] });
});

Deno.test("SessionMemory plays what was said, in order, the last log level and the live subscriptions, with ids of its own", async () => {
  const memory = memoryOf(
    notification("notifications/initialized"),
    request(2, "resources/subscribe", { uri: "a" }),
    request(3, "logging/setLevel", { level: "info" }),
    request(4, "resources/subscribe", { uri: "b" }),
    request(5, "resources/unsubscribe", { uri: "a" }),
    request(6, "logging/setLevel", { level: "error" }),
    request(7, "tools/list"),
  );
  const { said } = await replay(memory);
  assert.deepEqual(said.map(methodOf), [
    "initialize",
    "notifications/initialized",
    "logging/setLevel",
    "resources/subscribe",
  ]);
  assert.deepEqual(said.map((message) => "params" in message ? message.params : undefined), [
    { protocolVersion: "x" },
    undefined,
    { level: "error" },
    { uri: "b" },
  ]);
  const ids = said.flatMap((message) => "id" in message ? [message.id] : []);
  assert.equal(new Set(ids).size, 3);
  for (const id of ids) {
    assert(Number.isInteger(id) && id !== OPEN_ID && Number(id) > 1e9 && Number(id) < 2 ** 31, `${id}`);
  }
});

Deno.test("SessionMemory keeps what the server accepted, and nothing that it refused or that was taken back", async () => {
  const memory = memoryOf();
  memory.note({ message: request(2, "resources/subscribe", { uri: "refused" }) });
  memory.noteAnswer(failure(2));
  memory.note({ message: request(3, "resources/subscribe", { uri: "cancelled" }) });
  memory.note({ message: notification("notifications/cancelled", { requestId: 3 }) });
  memory.noteAnswer(result(3));
  memory.note({ message: request(4, "logging/setLevel", { level: "unanswered" }) });
  memory.note({ message: request(5, "resources/subscribe", { uri: "kept", _meta: { progressToken: 5 } }) });
  memory.noteAnswer(result(5));
  const { said } = await replay(memory);
  assert.deepEqual(said.map(methodOf), ["initialize", "resources/subscribe"]);
  const [, subscribe] = said;
  assert(subscribe && "params" in subscribe);
  assert.deepEqual(subscribe.params, { uri: "kept" }, "a token of old must not be used again");
});

Deno.test("SessionMemory forgets a subscription whose end was asked for, also of a server that did not answer", async () => {
  const memory = memoryOf(request(2, "resources/subscribe", { uri: "a" }));
  memory.note({ message: request(3, "resources/unsubscribe", { uri: "a" }) });
  assert.deepEqual((await replay(memory)).said.map(methodOf), ["initialize"]);
});

Deno.test("SessionMemory leaves out initialized where the client had not said it", async () => {
  assert.deepEqual((await replay(memoryOf())).said.map(methodOf), ["initialize"]);
});

Deno.test("SessionMemory passes on what is no answer to it", async () => {
  const ask = notification("roots");
  const { passed } = await replay(memoryOf(), (message) => [
    ask,
    result("somebody's"),
    ...accepting(message),
  ]);
  assert.deepEqual(passed, [ask, result("somebody's")]);
});

Deno.test("SessionMemory throws when the handshake is refused, and not when a subscription is", async () => {
  const refusing = (method: string): Answer => (message) => {
    if (!("id" in message)) return [];
    const id = message.id ?? "";
    return [methodOf(message) === method ? failure(id, "not again") : result(id)];
  };
  await assert.rejects(replay(memoryOf(), refusing("initialize")), (error) => {
    assert(error instanceof BackendError);
    assert.equal(error.message, "not again");
    return true;
  });
  const memory = memoryOf(request(2, "resources/subscribe", { uri: "a" }));
  assert.equal((await replay(memory, refusing("resources/subscribe"))).said.length, 2);
});

Deno.test("SessionMemory answers what the server asks before it has answered initialize, and passes on what it asks later", async () => {
  const early = [request("a", "ping"), request("b", "roots/list"), notification("early")];
  const late = request("c", "roots/list");
  const memory = memoryOf(request(2, "resources/subscribe", { uri: "a" }));
  const { said, passed } = await replay(memory, (message) => {
    if (methodOf(message) === "initialize") return [...early, ...accepting(message)];
    return methodOf(message) === "resources/subscribe" ? [late, ...accepting(message)] : [];
  });
  assert.deepEqual(passed, [notification("early"), late]);
  assert.deepEqual(said.map(methodOf), ["initialize", undefined, undefined, "resources/subscribe"]);
  assert.deepEqual(said[1], result("a", {}));
  assert.deepEqual(
    said[2],
    failure("b", '"roots/list" cannot be asked before initialize is answered', -32601),
  );
});

Deno.test("SessionMemory takes an answer whose id has become a text, and an error that names none", async () => {
  const memory = memoryOf(
    request(2, "resources/subscribe", { uri: "a" }),
    request(3, "resources/subscribe", { uri: "b" }),
  );
  const { said } = await replay(memory, (message) => {
    if (!("id" in message)) return [];
    return [methodOf(message) === "initialize" ? result(`${message.id}`) : failure(null)];
  });
  assert.equal(said.length, 3);
});

Deno.test("SessionMemory throws when the server ends during the handshake", async () => {
  const [near, far] = memoryChannels();
  const messages = new InTurn(near.incoming);
  const playing = memoryOf().replay({ server: near, messages, pass: () => {}, isOpen: () => false });
  await far.close();
  await assert.rejects(playing, /closed the connection during the handshake/);
});

Deno.test("SessionMemory has a refusal for a subscription too many, those that are asked for included", () => {
  const memory = new SessionMemory({ ...REMEMBERED, maxSubscriptions: 2 });
  const subscribe = (id: number, uri: unknown = `${id}`) => request(id, "resources/subscribe", { uri });
  for (const id of [1, 2]) {
    assert.equal(memory.refusal(subscribe(id)), undefined);
    memory.note({ message: subscribe(id) });
  }
  memory.noteAnswer(result(1));
  assert.match(
    memory.refusal(subscribe(3))?.message ?? "",
    /the limit of a session is 2 \(--maxSubscriptions\)/,
  );
  assert.equal(memory.refusal(subscribe(3, "1")), undefined, "what it has already");
  assert.equal(memory.refusal(subscribe(3, 7)), undefined, "what is no URI is the server's business");
  memory.note({ message: notification("notifications/cancelled", { requestId: 2 }) });
  assert.equal(memory.refusal(subscribe(3)), undefined);
});

Deno.test("SessionMemory has a refusal for a URI and a handshake that are too long", () => {
  const memory = new SessionMemory({ ...REMEMBERED, maxUriChars: 3, maxHandshakeChars: 100 });
  const refusal = (method: string, params: Params) => memory.refusal(request(1, method, params))?.message;
  assert.match(refusal("resources/subscribe", { uri: "long" }) ?? "", /--maxUriLength/);
  assert.equal(refusal("resources/subscribe", { uri: "abc" }), undefined);
  assert.match(refusal("initialize", { clientInfo: "x".repeat(100) }) ?? "", /--maxHandshakeSize/);
  assert.equal(refusal("initialize", { protocolVersion: "2025-11-25" }), undefined);
  assert.equal(refusal("tools/call", { uri: "x".repeat(1_000) }), undefined);
});

Deno.test("SessionMemory spells numbers as the client has, and keeps no white space", async () => {
  const memory = new SessionMemory(REMEMBERED);
  const said = {
    initialize: '{"protocolVersion":"x","capabilities":{"experimental":{"large":1915883588174806058}}}',
    "resources/subscribe": '{"uri":"a","every":1.0}',
  };
  for (const [id, [method, params]] of Object.entries(said).entries()) {
    const spaced = params.replace("{", "{\n\n");
    const text = `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":${spaced}}`;
    memory.note({ message: parseMessage(text), text });
    memory.noteAnswer(result(id));
  }
  const { texts } = await replay(memory);
  const params = texts.map((text) => /"params":(.*)}$/.exec(text ?? "")?.[1]);
  assert.deepEqual(params, Object.values(said));
});
