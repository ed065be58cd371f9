import assert from "node:assert/strict";
import {
  cancelledId,
  errorOf,
  isId,
  isNotification,
  isRequest,
  isResponse,
  type JsonRpcMessage,
  otherTypeOf,
  reportedToken,
  requestedToken,
  type RequestId,
  resultOf,
} from "./jsonrpc.ts";
import {
  cancelled,
  failure,
  notification,
  progress,
  request,
  result,
  tracked,
} from "../../../tests/support/messages.ts";

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

Deno.test("cancelledId reads the id with its type", () => {
  assert.equal(cancelledId(cancelled(1)), 1);
  assert.equal(cancelledId(cancelled("1")), "1");
});

Deno.test("cancelledId gives nothing for other messages and for ids that are none", () => {
  const method = "notifications/cancelled";
  for (
    const message of [
      notification("notifications/other", { requestId: 1 }),
      notification(method),
      notification(method, { requestId: null }),
      notification(method, { requestId: { id: 1 } }),
      result(1, { requestId: 1 }),
    ]
  ) {
    assert.equal(cancelledId(message), undefined);
  }
});

Deno.test("requestedToken reads the token with its type, 0 and the empty text included", () => {
  for (const token of [0, 7, "", "7"]) assert.equal(requestedToken(tracked(1, token)), token);
});

Deno.test("requestedToken gives nothing when there is no usable token", () => {
  const metas = [undefined, null, "token", {}, { progressToken: null }, { progressToken: ["a"] }];
  for (const _meta of metas) assert.equal(requestedToken(request(1, "tools/call", { _meta })), undefined);
  assert.equal(requestedToken(request(1)), undefined);
});

Deno.test("reportedToken reads only the token of a progress notification", () => {
  assert.equal(reportedToken(progress(0)), 0);
  assert.equal(reportedToken(progress("t")), "t");
  assert.equal(reportedToken(notification("notifications/message", { progressToken: 1 })), undefined);
  assert.equal(reportedToken(notification("notifications/progress")), undefined);
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
