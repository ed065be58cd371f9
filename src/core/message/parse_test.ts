import assert from "node:assert/strict";
import { RequestError, RpcCode } from "../errors.ts";
import { cancelledId, reportedToken, requestedToken } from "../mcp/messages.ts";
import { isRequest, resultOf } from "./jsonrpc.ts";
import type { MessageLimits } from "./message_limits.ts";
import { parseAgain, parseFromServer, parseMessage, parseMessages } from "./parse.ts";

/** The refusal of a text, which must carry this code. */
function refusal(text: string, code: number, parse: (text: string) => unknown = parseMessage): string {
  try {
    parse(text);
  } catch (error) {
    assert(error instanceof RequestError, String(error));
    assert.equal(error.code, code, error.message);
    assert.equal(error.status, 400);
    assert.equal(error.cause instanceof SyntaxError, code === RpcCode.parseError);
    return error.message;
  }
  assert.fail(`${text} was accepted`);
}

Deno.test("parseMessage takes every kind of message as it is", () => {
  const texts = [
    '{"jsonrpc":"2.0","id":1,"method":"ping"}',
    '{"jsonrpc":"2.0","id":"a:b","method":"x/y","params":{"deep":{"er":[1]}},"extra":true}',
    '{"jsonrpc":"2.0","method":"notifications/x","params":{}}',
    '{"jsonrpc":"2.0","id":0,"result":null}',
    '{"jsonrpc":"2.0","id":"","result":{}}',
    '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"m"}}',
  ];
  for (const text of texts) assert.equal(JSON.stringify(parseMessage(text)), text);
});

Deno.test("parseMessage takes an error that names no id, which some servers send", () => {
  const text = '{"jsonrpc":"2.0","error":{"code":1,"message":"m"}}';
  assert.equal(JSON.stringify(parseMessage(text)), text);
});

Deno.test("parseMessage refuses what is not JSON with -32700, and shows none of it", () => {
  for (const text of ["", " ", "{", "secret", '{"jsonrpc":"2.0",}', "[1", "\u0000", "NaN"]) {
    const message = refusal(text, RpcCode.parseError);
    assert.equal(message, "Parse error: the message is not valid JSON");
  }
});

Deno.test("parseMessage refuses JSON that is no message with -32600 and the reason", () => {
  const cases: [text: string, reason: RegExp][] = [
    ["1", /not an object/],
    ["null", /not an object/],
    ['"text"', /not an object/],
    ["[]", /not an object/],
    ['{"id":1,"method":"a"}', /"jsonrpc"/],
    ['{"jsonrpc":"1.0","id":1,"method":"a"}', /"jsonrpc"/],
    ['{"jsonrpc":2,"id":1,"method":"a"}', /"jsonrpc"/],
    ['{"jsonrpc":"2.0"}', /neither "method"/],
    ['{"jsonrpc":"2.0","id":1}', /neither "method"/],
    ['{"jsonrpc":"2.0","id":1,"method":7}', /"method"/],
    ['{"jsonrpc":"2.0","id":1,"method":null}', /"method"/],
    ['{"jsonrpc":"2.0","id":null,"method":"a"}', /"id"/],
    ['{"jsonrpc":"2.0","id":{},"method":"a"}', /"id"/],
    ['{"jsonrpc":"2.0","id":1e999,"method":"a"}', /"id"/],
    ['{"jsonrpc":"2.0","id":1,"method":"a","params":"x"}', /"params"/],
    ['{"jsonrpc":"2.0","id":null,"result":{}}', /"id"/],
    ['{"jsonrpc":"2.0","result":{}}', /"id"/],
    ['{"jsonrpc":"2.0","id":1,"error":"no"}', /"error"/],
    ['{"jsonrpc":"2.0","id":1,"error":null}', /"error"/],
    ['{"jsonrpc":"2.0","id":[1],"error":{}}', /"id"/],
  ];
  for (const [text, reason] of cases) assert.match(refusal(text, RpcCode.invalidRequest), reason, text);
});

Deno.test("parseMessages tells one message from a batch of one", () => {
  const text = '{"jsonrpc":"2.0","id":1,"method":"ping"}';
  assert.equal(parseMessages(text).batch, false);
  assert.deepEqual(parseMessages(`[${text}]`), { said: [heard(text)], batch: true });
});

Deno.test("parseMessages keeps the order of a batch", () => {
  const texts = ["a", "b", "c"].map((method) => `{"jsonrpc":"2.0","method":"${method}"}`);
  assert.deepEqual(parseMessages(`[${texts}]`).said, texts.map(heard));
});

Deno.test("parseMessages refuses an empty batch, a nested one, and one with a bad message", () => {
  const good = '{"jsonrpc":"2.0","method":"a"}';
  assert.match(refusal("[]", RpcCode.invalidRequest, parseMessages), /batch is empty/);
  refusal(`[[${good}]]`, RpcCode.invalidRequest, parseMessages);
  refusal(`[${good},1]`, RpcCode.invalidRequest, parseMessages);
  refusal(`[${good}`, RpcCode.parseError, parseMessages);
});

Deno.test("parseMessage takes null for a field that is not there, as some serialisers write it", () => {
  assert.deepEqual(parseMessage('{"jsonrpc":"2.0","id":1,"method":"a","params":null}'), {
    jsonrpc: "2.0",
    id: 1,
    method: "a",
  });
  assert.deepEqual(parseMessage('{"jsonrpc":"2.0","id":1,"result":{},"error":null}'), {
    jsonrpc: "2.0",
    id: 1,
    result: {},
  });
});

Deno.test("parseMessage takes null for no method, no error and no result where one reading is left", () => {
  const error = { code: 1, message: "m" };
  const head = { jsonrpc: "2.0", id: 1 };
  const nothing = { method: null, params: null, result: null, error: null };
  for (const said of [{ method: "a" }, { result: {} }, { error }]) {
    assert.deepEqual(parseMessage(JSON.stringify({ ...head, ...nothing, ...said })), { ...head, ...said });
  }
  assert.deepEqual(parseMessage(JSON.stringify({ ...head, ...nothing })), { ...head, result: null });
});

function heard(text: string) {
  return { message: JSON.parse(text), text, relatesTo: undefined };
}

/** The ids of those who are told that their answer was refused, and what all of them are told. */
function toldInstead(text: string) {
  const { messages, refusal } = parseFromServer(text, LIMITS);
  assert(refusal instanceof RequestError);
  assert(messages.every(({ text }) => text === undefined));
  const errors = messages.map(({ message }) =>
    "error" in message ? message : assert.fail(`${text} was taken`)
  );
  return { ids: errors.map(({ id }) => id), why: [...new Set(errors.map(({ error }) => error.message))] };
}

Deno.test("parseFromServer finds whose answer a malformed text was meant to be", () => {
  assert.deepEqual(toldInstead('{"jsonrpc":"2.0","id":"a","error":"no"}'), {
    ids: ["a"],
    why: ["The MCP server's answer is not valid JSON-RPC"],
  });
  assert.deepEqual(toldInstead('{"jsonrpc":"2.0","id":7,"error":null}').ids, [7]);
});

Deno.test("parseFromServer takes for noise what is not JSON-RPC, whatever id it has", () => {
  const lines = [
    '{"level":30,"id":2,"msg":"m"}',
    '{"id":"a","result":{}}',
    '{"jsonrpc":"1.0","id":1,"result":{}}',
    '{"jsonrpc":"2.0","id":7}',
    '{"jsonrpc":"2.0","id":7,"method":7,"params":{}}',
    '{"jsonrpc":"2.0","id":1,"method":"x","params":1,"result":1}',
    ...["null", "7", "chat", '{"id":null}', "[]", "[null]", '"2.0"', ""],
    `{"level":30,"id":2,"msg":${JSON.stringify(Array.from({ length: 200 }, () => "m"))}}`,
    `{"id":2,"result":${nested(50)}}`,
    `{"jsonrpc":"2.0","id":2,"msg":${nested(50)}}`,
  ];
  for (const text of lines) assert.deepEqual(toldInstead(text).ids, [], text);
});

Deno.test("parseFromServer takes the messages of a batch that stand beside noise", () => {
  const answer = { jsonrpc: "2.0", id: 1, result: {} };
  const broken = { jsonrpc: "2.0", id: 2, error: 7 };
  const { messages, refusal } = parseFromServer(JSON.stringify([{ id: 3, msg: "m" }, answer, 8, broken]), {
    ...LIMITS,
    maxBatch: 4,
  });
  assert.deepEqual(messages[0], heard(JSON.stringify(answer)));
  assert.deepEqual(messages.slice(1).map(({ message }) => "error" in message && message.id), [2]);
  assert(refusal);
});

Deno.test("parseFromServer takes a message as it is, and a batch", () => {
  const text = '{"jsonrpc":"2.0","id":1,"result":{}}';
  assert.deepEqual(parseFromServer(text), { messages: [heard(text)], refusal: undefined });
  const other = '{"jsonrpc":"2.0",\n"method":"a, ]\\"","params":{"n":[1.0,[]]}}';
  assert.deepEqual(parseFromServer(` [ ${text} ,\n${other}] `), {
    messages: [heard(text), heard(other)],
    refusal: undefined,
  });
});

// --- limits ---

const LIMITS: MessageLimits = { maxDepth: 10, maxBatch: 3, maxParts: 100, partsOption: "parts" };

/** An array that nests so deep. */
function nested(depth: number): string {
  return "[".repeat(depth) + "]".repeat(depth);
}

function call(id: number, args: string): string {
  return `{"jsonrpc":"2.0","id":${id},"method":"x","params":{"id":"inner","method":1,"a":${args}}}`;
}

function excess(text: string): RequestError {
  try {
    parseMessages(text, LIMITS);
  } catch (error) {
    assert(error instanceof RequestError, String(error));
    assert.equal(error.code, RpcCode.invalidRequest);
    return error;
  }
  assert.fail(`${text.slice(0, 100)} was accepted`);
}

Deno.test("parseMessages refuses what nests too deep, and names the request and the option", () => {
  parseMessages(call(1, nested(8)), LIMITS);
  const error = excess(call(1, nested(9)));
  assert.equal(
    error.message,
    "Invalid Request: a message that nests deeper than 10 levels (--maxDepth) is not taken",
  );
  assert.equal(error.requestId, 1);
  // Brackets in strings nest nothing, whatever is escaped there.
  parseMessages(call(1, JSON.stringify('[{"\\'.repeat(500))), LIMITS);
});

Deno.test("parseMessages refuses a text that is deep without parsing it", () => {
  const error = excess(`[`.repeat(2_000_000));
  assert.match(error.message, /nests deeper/);
  assert.equal(error.cause, undefined);
  assert.equal(error.requestId, null);
});

Deno.test("parseMessages bounds a batch, and so little text that it needs no look beforehand", () => {
  const batch = (count: number) => `[${Array.from({ length: count }, (_, id) => call(id, "1")).join(",")}]`;
  assert.equal(parseMessages(` ${batch(3)}`, LIMITS).said.length, 3);
  const expected = "Invalid Request: a batch of more than 3 messages (--maxBatch) is not taken";
  assert.equal(excess(batch(4)).message, expected);
  assert.equal(excess("[1,1,1,1]").message, expected);
  // Whose the refusal would be cannot be said.
  assert.equal(excess(batch(4)).requestId, null);
});

Deno.test("parseMessages bounds objects, arrays and strings, and counts short texts of digits fourfold", () => {
  const list = (text: string, count: number) => call(1, `[${Array.from({ length: count }, () => text)}]`);
  // Three brackets, nine strings, and "2.0", which counts fourfold.
  const own = 3 + 9 + 4;
  for (
    const [text, weight] of [["{}", 1], ["[]", 1], ['"a"', 1], ['"12345678"', 1], ['"1234567"', 4]] as const
  ) {
    const count = Math.floor((100 - own) / weight);
    parseMessages(list(text, count), LIMITS);
    assert.equal(
      excess(list(text, count + 1)).message,
      "Invalid Request: a message of more than 100 objects, arrays and strings (--parts) is not taken",
    );
  }
  parseMessages(list("1", 10_000), LIMITS);
});

Deno.test("parseFromServer tells the askers whose answers are too deep or too many, without parsing them", () => {
  const answer = (id: string, result: string) => `{"jsonrpc":"2.0","result":${result},"id":${id}}`;
  const deep = '{"id":5,"a":'.repeat(1_000) + "1" + "}".repeat(1_000);
  const { ids, why } = toldInstead(answer('"a\\"b"', deep));
  assert.deepEqual(ids, ['a"b']);
  assert.deepEqual(why, [
    "The MCP server's answer was refused: it is a message that nests deeper than 10 levels (--maxDepth)",
  ]);
  assert.deepEqual(toldInstead(`[${answer("1", deep)}, ${answer("-2.5", deep)},${call(3, "1")}]`).ids, [
    1,
    -2.5,
  ]);
  assert.deepEqual(toldInstead(call(3, nested(2000))).ids, []);
  assert.deepEqual(toldInstead("[".repeat(5_000)).ids, []);
  assert.deepEqual(toldInstead(`{"jsonrpc":"2.0","id":{"id":7},"result":${nested(50)}}`).ids, []);
});

Deno.test("parseMessage gives ids and progress tokens beyond 2^53 digit by digit", () => {
  const [one, other] = ["9007199254740992", "9007199254740993"];
  const named = (text: string) => parseMessage(`{"jsonrpc":"2.0",${text}}`);
  const request = named(
    `"id":${other},"method":"m","params":{"id":${other},"_meta":{"progressToken":${one}}}`,
  );
  assert("id" in request && isRequest(request));
  assert.equal(request.id, BigInt(other));
  assert.equal(requestedToken(request), BigInt(one));
  assert.equal(request.params?.id, Number(other));
  const cancelled = named(`"method":"notifications/cancelled","params":{"requestId":${other}}`);
  assert.equal(cancelledId(cancelled), BigInt(other));
  const progress = named(`"method":"notifications/progress","params":{"progressToken":-${other}}`);
  assert("method" in progress && !isRequest(progress));
  assert.equal(reportedToken(progress), -BigInt(other));
  assert.deepEqual(named(`"id":${one},"\\u0069d":${other},"result":{}`), resultOf(BigInt(other), {}));
  assert.deepEqual(named(`"id":1e20,"result":{}`), resultOf(1e20, {}));
});

Deno.test("parseFromServer finds whose answer it was meant to be under ids beyond 2^53", () => {
  const ids = ["9007199254740992", "9007199254740993"];
  const broken = ids.map((id) => `{"jsonrpc":"2.0","id":${id},"error":7}`);
  assert.deepEqual(toldInstead(broken[1]!).ids, [BigInt(ids[1]!)]);
  assert.deepEqual(toldInstead(`[${broken}]`).ids, ids.map(BigInt));
  const deep = `{"jsonrpc":"2.0","id":${ids[1]},"result":${nested(50)}}`;
  assert.deepEqual(toldInstead(deep).ids, [BigInt(ids[1]!)]);
});

Deno.test("parseAgain minds no limits: the text was within them", () => {
  assert.equal(
    "result" in parseAgain(`{"jsonrpc":"2.0","id":1,"result":${"[".repeat(600)}${"]".repeat(600)}}`),
    true,
  );
});
