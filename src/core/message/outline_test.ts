import assert from "node:assert/strict";
import { chunkings } from "../../../tests/support/chunkings.ts";
import { answerIdsIn, OutlineReader, outlinesOf } from "./outline.ts";

const ANSWER = '{"result":{"id":5,"a":["\\\\",{"method":"\\""}]},"jsonrpc":"2.0","id":"a\\"b\\\\"}';
const FAILURE = '{"jsonrpc": "2.0", "id": 1, "error": {"message":"{[\\\\\\""}, "method": null}';
const CALL = '{"jsonrpc":"2.0","id":3,"method":"x","params":{"result":1}}';

Deno.test("OutlineReader finds whom a text answers, wherever its pieces are cut", () => {
  const texts: [text: string, ids: unknown[]][] = [
    [ANSWER, ['a"b\\']],
    [FAILURE, [1]],
    [CALL, []],
    [` [${ANSWER}, ${CALL},${FAILURE}]`, ['a"b\\', 1]],
    ['{"level":30,"id":2,"msg":"m"}', []],
    ['{"jsonrpc":"1.0","id":2,"result":{}}', []],
  ];
  const decoder = new TextDecoder();
  for (const [text, ids] of texts) {
    assert.deepEqual(answerIdsIn(outlinesOf(text, 10)), ids, text);
    for (const pieces of chunkings(text)) {
      const reader = new OutlineReader(10);
      for (const piece of pieces) reader.push(decoder.decode(piece));
      assert.deepEqual(answerIdsIn(reader.outlines), ids, text);
    }
  }
});

Deno.test("OutlineReader keeps no more than so many outlines, and no long value", () => {
  const reader = new OutlineReader(2);
  reader.push(`[${ANSWER},${ANSWER},${FAILURE}]`);
  assert.equal(reader.outlines.length, 2);
  const long = `{"jsonrpc":"2.0","result":1,"id":"${"x".repeat(10_000)}"}`;
  assert.deepEqual(answerIdsIn(outlinesOf(long, 1)), []);
});
