import assert from "node:assert/strict";
import { answerCheck, bodyLength, callParts, idOf, Ids, SMALL, WrongAnswerError } from "./calls.ts";

const ID = 123_456_789;
const SHAPE = { request: 3, answer: 2, progress: 0 };

/** What a right server says. */
function answer(id: number, text = `m${id}-xxxxx`): string {
  return JSON.stringify({ result: { content: [{ type: "text", text }] }, jsonrpc: "2.0", id });
}

function progress(token: number, step: number): string {
  const params = { progressToken: token, progress: step, total: 2 };
  return `data: ${JSON.stringify({ jsonrpc: "2.0", method: "notifications/progress", params })}\n\n`;
}

Deno.test("callParts make a request that has its id wherever it belongs", () => {
  const parts = callParts({ ...SHAPE, progress: 7 });
  const body = parts.join(`${ID}`);
  assert.equal(bodyLength(parts), body.length);
  assert.deepEqual(JSON.parse(body), {
    jsonrpc: "2.0",
    id: ID,
    method: "tools/call",
    params: {
      name: "echo",
      arguments: { text: `m${ID}-xxx`, fill: 2, progress: 7 },
      _meta: { progressToken: ID },
    },
  });
});

Deno.test("the small shape is a body of about 100 bytes beside what JSON-RPC needs", () => {
  assert.ok(bodyLength(callParts(SMALL)) < 150);
});

Deno.test("Ids never repeat within a run of blocks, and keep their length", () => {
  const ids = new Ids();
  const [first, block, next] = [ids.next(), ids.block(1000), ids.next()];
  assert.equal(block, first + 1);
  assert.equal(next, block + 1000);
  for (let count = 0; count < 2000; count++) assert.equal(String(ids.block(2_000_000)).length, 9);
});

Deno.test("idOf reads the id wherever it stands", () => {
  assert.equal(idOf('{"id":5,"result":{}}'), 5);
  assert.equal(idOf('event: message\ndata: {"result":{},"id":123456789}\n\n'), ID);
  assert.ok(Number.isNaN(idOf('{"method":"x"}')));
});

Deno.test("answerCheck takes the right answer, plain and as an event", () => {
  const check = answerCheck(SHAPE);
  check(answer(ID), ID);
  check(`event: message\ndata: ${answer(ID)}\n\n`, ID);
});

Deno.test("answerCheck refuses another id, another content, and more or less content", () => {
  const check = answerCheck(SHAPE);
  for (const text of ["", answer(ID + 1), answer(ID * 10)]) {
    assert.throws(() => check(text, ID), WrongAnswerError, text);
  }
  for (const text of [`m${ID + 1}-xxxxx`, `m${ID}-xxxx`, `m${ID}-xxxxxx`, `m${ID}-yyyyy`]) {
    assert.throws(() => check(answer(ID, text), ID), WrongAnswerError, text);
  }
});

Deno.test("answerCheck wants every notification, in order, with its own token, before the answer", () => {
  const check = answerCheck({ ...SHAPE, progress: 2 });
  const [one, two, data] = [progress(ID, 1), progress(ID, 2), `data: ${answer(ID)}\n\n`];
  check(one + two + data, ID);
  assert.throws(() => check(two + one + data, ID), WrongAnswerError);
  assert.throws(() => check(one + data + two, ID), WrongAnswerError);
  assert.throws(() => check(one + progress(ID + 1, 2) + data, ID), WrongAnswerError);
  assert.throws(() => check(one + two + two + data, ID), WrongAnswerError);
  assert.throws(() => check(one + data, ID), /^Error: 1 of 2 notifications were lost$/);
});
