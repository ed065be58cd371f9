import assert from "node:assert/strict";
import type { JsonRpcRequest, Params } from "../../core/message/jsonrpc.ts";
import { digestOf } from "./request_digest.ts";

function call(params?: Params, method = "tools/call"): JsonRpcRequest {
  return { jsonrpc: "2.0", id: 1, method, ...params && { params } };
}

const ASKED = { name: "book", arguments: { seats: [1, 2], for: { first: "Å", last: null } } };

Deno.test("digestOf is the same when the request comes again with answers, from another try and in another order", () => {
  const again = {
    requestState: "s",
    _meta: { progressToken: 2 },
    arguments: { for: { last: null, first: "Å" }, seats: [1, 2] },
    inputResponses: { e0: { action: "accept" } },
    name: "book",
  };
  const digest = digestOf(call({ ...ASKED, _meta: { progressToken: 1 } }));
  assert.equal(digestOf(call(again)), digest);
  assert.match(digest, /^[\w-]{43}$/);
});

Deno.test("digestOf leaves out only what stands in the params themselves", () => {
  const inner = (value: number) =>
    call({ arguments: { _meta: value, inputResponses: value, requestState: value } });
  assert.notEqual(digestOf(inner(1)), digestOf(inner(2)));
});

Deno.test("digestOf differs for any two requests that ask for something else", () => {
  const values: unknown[] = [
    ...[0, 1, 31, -1, 0.5, 9007199254740993n, 2 ** 53, Infinity, true, false, null],
    ...["", "0", "1", "1;", "null", "true", "\ud800", "\ufffd", "[0:", "a\0b"],
    ...[[], [[]], [[], []], [1], [3, 1], [31], ["1"], [null], [1, [2]], [[1], 2], [[1, 2]]],
    ...[{}, { a: 1 }, { a: "1" }, { b: 1 }, { a: 1, b: 2 }, { a: { b: 2 } }, ["a", 1], [{ a: 1 }], { 0: 1 }],
    JSON.parse('{"__proto__":1}'),
  ];
  const requests = [
    ...values.map((value) => call({ name: value })),
    ...values.map((value) => call({ arguments: value })),
    ...[call(), call({}), call({ name: 0 }, "prompts/get"), call(undefined, "prompts/get")],
  ];
  // No params and empty ones are two requests, and either may be bound.
  assert.equal(new Set(requests.map(digestOf)).size, requests.length);
});

Deno.test("digestOf takes a request of any size and depth", () => {
  let deep: unknown = {};
  for (let depth = 0; depth < 100_000; depth++) deep = depth % 2 ? [deep] : { a: deep };
  const wide = Array.from({ length: 100_000 }, (_, i) => "x".repeat(i % 30));
  const digests = [{ deep }, { deep: { a: deep } }, { wide }, { wide: wide.slice(1) }].map((args) =>
    digestOf(call({ arguments: args }))
  );
  assert.equal(new Set(digests).size, 4);
});
