import assert from "node:assert/strict";
import { withResultMembers } from "./result_members.ts";

Deno.test("withResultMembers adds to the result, and leaves all else as it is spelled", () => {
  const cases: [string, string][] = [
    ['{"jsonrpc":"2.0","id":1,"result":{"a":1.0}}', '{"jsonrpc":"2.0","id":1,"result":{"b":2,"a":1.0}}'],
    ['{"result":{},"id":1}', '{"result":{"b":2},"id":1}'],
    ['{ "result" : { } , "id":1}', '{ "result" : {"b":2 } , "id":1}'],
    ['{"id":"}","result":{"x":"}\\"{","y":[{}]}}', '{"id":"}","result":{"b":2,"x":"}\\"{","y":[{}]}}'],
    ['{"result":{"result":{"result":1}}}', '{"result":{"b":2,"result":{"result":1}}}'],
    ['{"id":"result","result":{"a":1}}', '{"id":"result","result":{"b":2,"a":1}}'],
    ['{"r\\u0065sult":{"a":1}}', '{"r\\u0065sult":{"b":2,"a":1}}'],
  ];
  for (const [text, wanted] of cases) {
    assert.equal(withResultMembers(text, '"b":2'), wanted);
    JSON.parse(wanted);
  }
});

Deno.test("withResultMembers does not touch what is not certain", () => {
  for (
    const text of ['{"result":[]}', '{"result":null}', '{"error":{}}', '{"result":{},"result":{"a":1}}', "{}"]
  ) {
    assert.equal(withResultMembers(text, '"b":2'), undefined, text);
  }
});
