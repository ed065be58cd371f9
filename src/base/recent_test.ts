import assert from "node:assert/strict";
import { Recent } from "./recent.ts";

Deno.test("Recent keeps what is asked for, and forgets what is not, within its bound", () => {
  const recent = new Recent<number>(10);
  recent.set("kept", 1);
  recent.set("left", 2);
  for (let count = 0; count < 1_000; count++) {
    recent.set(`other ${count}`, count);
    assert.equal(recent.get("kept"), 1);
    assert(recent.size <= 10);
  }
  assert.equal(recent.get("left"), undefined);
  assert.equal(recent.get("other 999"), 999);
});

Deno.test("Recent has one value for a key", () => {
  const recent = new Recent<number>(2);
  recent.set("a", 1);
  recent.set("a", 2);
  assert.deepEqual([recent.get("a"), recent.size], [2, 1]);
  recent.set("b", 3);
  assert.deepEqual([recent.get("a"), recent.get("b")], [2, 3]);
});
