import assert from "node:assert/strict";
import type { JsonRpcRequest, Params } from "../message/jsonrpc.ts";
import { isFault, isModern, MetaKey, plainMeta, requestMetaIn } from "./request_meta.ts";

const META = { [MetaKey.revision]: "2026-07-28", [MetaKey.capabilities]: { roots: {} } };

function call(_meta?: unknown): JsonRpcRequest {
  const params: Params = { name: "echo", ..._meta !== undefined && { _meta } };
  return { jsonrpc: "2.0", id: 1, method: "tools/call", params };
}

Deno.test("isModern is decided by what requests of that era have in _meta, whatever that is, and by nothing else", () => {
  for (const revision of ["2026-07-28", "2099-01-01", 7, null]) {
    assert(isModern(call({ [MetaKey.revision]: revision })), `${revision}`);
  }
  for (const key of [MetaKey.capabilities, MetaKey.client, MetaKey.logLevel]) {
    assert(isModern(call({ [key]: {} })), key);
  }
  for (const meta of [undefined, null, "x", [], {}, { progressToken: 1 }, { [MetaKey.server]: {} }]) {
    assert(!isModern(call(meta)), JSON.stringify(meta));
  }
  assert(isModern({ jsonrpc: "2.0", method: "notifications/x", params: { _meta: META } }));
  assert(!isModern({ jsonrpc: "2.0", id: 1, result: { _meta: META } }));
  assert(!isModern({ jsonrpc: "2.0", id: 1, method: "ping" }));
});

Deno.test("requestMetaIn reads what a request says of itself", () => {
  const client = { name: "c", version: "1" };
  const meta = { ...META, [MetaKey.client]: client, [MetaKey.logLevel]: "info", progressToken: 7 };
  assert.deepEqual(requestMetaIn(call(meta)), {
    ...{ revision: "2026-07-28", capabilities: { roots: {} }, client, logLevel: "info" },
  });
});

Deno.test("requestMetaIn names the key that is missing or wrong", () => {
  const noLevel = "not one of debug, info, notice, warning, error, critical, alert, emergency";
  const cases: [unknown, string, string][] = [
    [undefined, "_meta", "missing"],
    [{}, MetaKey.revision, "missing"],
    [{ ...META, [MetaKey.revision]: 1 }, MetaKey.revision, "not a string"],
    [{ [MetaKey.revision]: "2026-07-28" }, MetaKey.capabilities, "missing"],
    [{ ...META, [MetaKey.capabilities]: [] }, MetaKey.capabilities, "not an object"],
    [{ ...META, [MetaKey.client]: "me" }, MetaKey.client, "not an object"],
    [{ ...META, [MetaKey.logLevel]: 3 }, MetaKey.logLevel, noLevel],
    [{ ...META, [MetaKey.logLevel]: "loud" }, MetaKey.logLevel, noLevel],
  ];
  for (const [meta, key, problem] of cases) {
    const fault = requestMetaIn(call(meta));
    assert(isFault(fault));
    assert.deepEqual(fault, { key, problem });
  }
});

Deno.test("plainMeta leaves what belongs to the request, and nothing of its era", () => {
  const own = { progressToken: 1, traceparent: "00-1", "com.example/x": 1 };
  assert.deepEqual(plainMeta({ ...META, [MetaKey.logLevel]: "info", ...own }), own);
  assert.equal(plainMeta(META), undefined);
});
