import assert from "node:assert/strict";
import { joinedBytes } from "./joined_bytes.ts";

Deno.test("joinedBytes has all parts in their order, and is nobody else's memory", () => {
  const first = Uint8Array.of(1, 2);
  const all = joinedBytes(first, new Uint8Array(), Uint8Array.of(3));
  first[0] = 9;
  assert.deepEqual(all, Uint8Array.of(1, 2, 3));
  assert.deepEqual(joinedBytes(), new Uint8Array());
});
