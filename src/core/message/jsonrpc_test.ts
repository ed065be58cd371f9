import assert from "node:assert/strict";
import {
  errorOf,
  isId,
  isNotification,
  isRequest,
  isResponse,
  type JsonRpcMessage,
  otherTypeOf,
  type RequestId,
  resultOf,
} from "./jsonrpc.ts";
import { failure, notification, request, result } from "../../../tests/support/messages.ts";

Deno.test("isRequest, isNotification and isResponse put each message in exactly one class", () => {
  const kindsOf = (message: JsonRpcMessage) => [
    ...(isRequest(message) ? ["request"] : []),
    ...(isNotification(message) ? ["notification"] : []),
    ...(isResponse(message) ? ["response"] : []),
  ];
  assert.deepEqual(kindsOf(request(0)), ["request"]);
  assert.deepEqual(kindsOf(request("")), ["request"]);
  assert.deepEqual(kindsOf(notification()), ["notification"]);
  assert.deepEqual(kindsOf(result(1, null)), ["response"]);
  assert.deepEqual(kindsOf(failure(null)), ["response"]);
});

Deno.test("isId takes strings and numbers that JSON can write, and nothing else", () => {
  for (const id of ["", "a:b", "1", 0, -1, 1.5, Number.MAX_SAFE_INTEGER]) assert(isId(id), String(id));
  for (const id of [null, undefined, true, {}, [], NaN, Infinity, -Infinity]) assert(!isId(id), String(id));
});

Deno.test("resultOf and errorOf make complete messages", () => {
  assert.deepEqual(resultOf("a", { x: 1 }), { jsonrpc: "2.0", id: "a", result: { x: 1 } });
  const error = { code: -32000, message: "no" };
  assert.deepEqual(errorOf(null, error), { jsonrpc: "2.0", id: null, error });
});

Deno.test("otherTypeOf gives the same digits as the other type, and nothing where there are others", () => {
  const pairs: [RequestId, RequestId][] = [[7, "7"], ["7", 7], ["-0.5", -0.5], [
    9007199254740993n,
    "9007199254740993",
  ]];
  for (const [id, other] of pairs) assert.equal(otherTypeOf(id), other);
  assert.equal(otherTypeOf("9007199254740993"), 9007199254740993n);
  for (const id of ["7.0", "", "a", "07", "1e999", "1e21"]) assert.equal(otherTypeOf(id), undefined, id);
});
