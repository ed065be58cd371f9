import assert from "node:assert/strict";
import { isResponse, type JsonRpcMessage, type Params } from "../core/message/jsonrpc.ts";
import { parseMessage } from "../core/message/parse.ts";
import { anew, editedText, jsonOf, rewritten } from "./anew.ts";

const envelopeOf = (text: string) => ({ message: parseMessage(text), text });

function textAfter(text: string, make: (message: JsonRpcMessage) => JsonRpcMessage): string | undefined {
  const envelope = envelopeOf(text);
  return anew(envelope, envelope.message, make).text;
}

Deno.test("rewritten spells each number as it came, and leaves alone what nobody changes", () => {
  const texts = [
    '{"jsonrpc":"2.0","method":"a","params":{"n":1.0,"large":1915883588174806058,"deep":{ "x" : [1E5, -0] }}}',
    '{"jsonrpc":"2.0","method":"a","params":[1.0,{"_meta":1}]}',
    '{"jsonrpc":"2.0","id":9007199254740993,"method":"a","params":{"_meta":{"progressToken":-1e-7}}}',
    '{"jsonrpc":"2.0","id":1,"result":[1.50,"\\u0041"]}',
    '{"jsonrpc":"2.0","id":1,"result":{"capabilities":{"tools":{"n":1.0}}}}',
    '{"jsonrpc":"2.0","id":1,"error":{"code":-32000.0,"message":"m","data":1e999}}',
    '{"jsonrpc":"2.0","method":"a"}',
  ];
  for (const text of texts) {
    const envelope = envelopeOf(text);
    assert.equal(rewritten(envelope, envelope.message).text, text);
  }
});

Deno.test("rewritten leaves one of several equal keys where messages are routed, and no escape in a key", () => {
  const text =
    '{"jsonrpc":"2.0","\\u006dethod":"a","method":"b","params":{"a":1.0,"\\u0061":2.0,"b":{"c":1,"c":2}}}';
  const envelope = envelopeOf(text);
  const expected = '{"jsonrpc":"2.0","method":"b","params":{"a":2.0,"b":{"c":1,"c":2}}}';
  assert.equal(rewritten(envelope, envelope.message).text, expected);
});

Deno.test("anew writes what was made of the message, with the other numbers as they came", () => {
  const text = '{"jsonrpc":"2.0","id":1.0,"result":{"n":1.0,"list":[1.0]}}';
  const made = textAfter(text, (message) => isResponse(message) ? { ...message, id: 5 } : message);
  assert.equal(made, '{"jsonrpc":"2.0","id":5,"result":{"n":1.0,"list":[1.0]}}');
  const message = parseMessage(text);
  assert.deepEqual(anew({ message }, message, (same) => same), { message });
});

Deno.test("jsonOf takes what is no id for none, as JSON.parse does", () => {
  const text = '{"jsonrpc":"2.0","id":1,"method":"a","params":{"_meta":{"progressToken":1e999,"n":1.0}}}';
  const envelope = envelopeOf(text);
  const seen: unknown[] = [];
  jsonOf(envelope, envelope.message, (message) => {
    const meta = "method" in message ? message.params?._meta as Params | undefined : undefined;
    seen.push(meta?.progressToken);
    return message;
  });
  assert.deepEqual(seen, [Infinity]);
});

Deno.test("editedText keeps the text where its places are certain, and the numbers in any case", () => {
  const edits = [{ path: ["id"], value: "x" }];
  assert.equal(editedText('{ "id" : 1, "result" : 1.0 }', edits), '{ "id" : "x", "result" : 1.0 }');
  assert.equal(editedText('{ "id":1, "id":2, "result" : [1.0] }', edits), '{"id":"x","result":[1.0]}');
  const large = [{ path: ["id"], value: 9007199254740993n }];
  assert.equal(editedText('{"id":1,"result":{}}', large), '{"id":9007199254740993,"result":{}}');
});
