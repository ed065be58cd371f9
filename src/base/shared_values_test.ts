import assert from "node:assert/strict";
import { SharedValues } from "./shared_values.ts";

Deno.test("SharedValues gives one object for one text", () => {
  const values = new SharedValues((text) => ({ text }), 2);
  assert.equal(values.of("a"), values.of("a"));
  assert.notEqual(values.of("a"), values.of("b"));
  assert.deepEqual(values.of("b"), { text: "b" });
});

Deno.test("SharedValues forgets the oldest beyond its bound, and makes it anew", () => {
  const values = new SharedValues((text) => ({ text }), 2);
  const [a, b] = [values.of("a"), values.of("b")];
  values.of("c");
  assert.equal(values.of("b"), b);
  assert.notEqual(values.of("a"), a);
});
