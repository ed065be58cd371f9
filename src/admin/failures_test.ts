import assert from "node:assert/strict";
import { Failures } from "./failures.ts";

Deno.test("Failures lets so many pass in a minute, and counts anew after it", () => {
  let now = 0;
  const failures = new Failures(() => now);
  const add = () => Array.from({ length: 25 }, () => failures.add()).filter(Boolean).length;
  assert.equal(add(), 20);
  now = 59_000;
  assert.equal(add(), 0);
  assert.equal(failures.retryAfterSeconds, 1);
  now = 60_000;
  assert.equal(add(), 20);
});
