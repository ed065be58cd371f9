import assert from "node:assert/strict";
import {
  cancellation,
  cancelledId,
  isHandshake,
  isInitialized,
  reportedToken,
  requestedToken,
  requestedTool,
} from "./messages.ts";
import {
  cancelled,
  notification,
  progress,
  request,
  result,
  tracked,
} from "../../../tests/support/messages.ts";

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

Deno.test("requestedTool reads the name of a tool that is called, and none that nobody is meant to read", () => {
  assert.equal(requestedTool(request(1, "tools/call", { name: "add" })), "add");
  assert.equal(requestedTool(request(1, "tools/list", { name: "add" })), undefined);
  for (const name of [undefined, 7, "a".repeat(201)]) {
    assert.equal(requestedTool(request(1, "tools/call", { name })), undefined);
  }
});

Deno.test("isHandshake and isInitialized know the two messages that begin a conversation", () => {
  assert(isHandshake(request(1, "initialize")));
  assert(!isHandshake(request(1, "Initialize")));
  assert(isInitialized(notification("notifications/initialized")));
  for (const message of [notification(), request(1, "initialize"), result(1)]) {
    assert(!isInitialized(message));
  }
});

Deno.test("cancellation is understood as one", () => {
  assert.equal(cancelledId(cancellation("a", "why")), "a");
});
