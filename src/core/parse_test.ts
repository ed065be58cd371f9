import assert from "node:assert/strict";
import { RequestError, RpcCode } from "./errors.ts";
import { malformedAnswerId, parseMessage, parseMessages } from "./parse.ts";

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
  const { messages, batch } = parseMessages(`[${text}]`);
  assert.equal(batch, true);
  assert.equal(JSON.stringify(messages), `[${text}]`);
});

Deno.test("parseMessages keeps the order of a batch", () => {
  const texts = ["a", "b", "c"].map((method) => `{"jsonrpc":"2.0","method":"${method}"}`);
  assert.equal(JSON.stringify(parseMessages(`[${texts}]`).messages), `[${texts}]`);
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

Deno.test("malformedAnswerId finds whose answer a line was meant to be", () => {
  assert.equal(malformedAnswerId('{"id":"a","result":{}}'), "a");
  assert.equal(malformedAnswerId('{"jsonrpc":"2.0","id":7}'), 7);
  for (const text of ['{"id":1,"method":"x"}', "null", "7", "chat", '{"id":null}', "[]"]) {
    assert.equal(malformedAnswerId(text), undefined, text);
  }
});
