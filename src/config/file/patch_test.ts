import assert from "node:assert/strict";
import { changedPatch, onlyPatched, patched, pathsIn } from "./patch.ts";

Deno.test("changedPatch puts tables into tables, and null takes back, with tables that are empty then", () => {
  const patch = { timeouts: { request: "5s" }, servers: { a: { env: { A: "1", B: "2" }, args: ["x"] } } };
  assert.deepEqual(
    changedPatch(patch, {
      timeouts: { request: null },
      servers: { a: { env: { A: null }, args: ["y"] }, b: null },
    }),
    { servers: { a: { env: { B: "2" }, args: ["y"] } } },
  );
  assert.deepEqual(changedPatch({}, { nonsense: {} }), { nonsense: {} });
  assert.deepEqual(changedPatch(patch, { timeouts: null, servers: null }), {});
  assert.deepEqual(changedPatch({ log: "x" }, { log: { level: "warn" } }), { log: { level: "warn" } });
});

Deno.test("changedPatch takes no key for more than a key", () => {
  const change = JSON.parse('{"__proto__":{"polluted":true},"constructor":null}');
  const patch = changedPatch({}, change);
  assert.deepEqual(Object.keys(patch), ["__proto__"]);
  assert.equal(Object.getPrototypeOf(patch), Object.prototype);
  assert.equal("polluted" in {}, false);
  assert.deepEqual(changedPatch({ constructor: "1" }, { log: {} }), { constructor: "1", log: {} });
});

Deno.test("patched has the value with the patch in it, and onlyPatched what the patch has put there", () => {
  const value = { log: { level: "info" }, servers: { a: { command: "run", env: { A: "1" } } } };
  const patch = { servers: { a: { env: { B: "2" } } } };
  const both = patched(value, patch);
  assert.deepEqual(both, {
    log: { level: "info" },
    servers: { a: { command: "run", env: { A: "1", B: "2" } } },
  });
  assert.deepEqual(onlyPatched(both, patch), patch);
});

Deno.test("pathsIn names what a change is about, without a value", () => {
  const change = { log: { level: null }, servers: { a: { args: ["s3cret"], env: { KEY: "s3cret" } } } };
  assert.deepEqual(pathsIn(change), [["log", "level"], ["servers", "a", "args"], [
    "servers",
    "a",
    "env",
    "KEY",
  ]]);
});
