import assert from "node:assert/strict";
import { assertLinear } from "./processor_time.ts";

/** Looks at each pair of so many. */
function pairs(size: number): number {
  let sum = 0;
  for (let one = 0; one < size; one++) for (let other = 0; other < size; other++) sum ^= one * other;
  return sum;
}

Deno.test("assertLinear fails where eight times the size takes far more than eight times as long", async () => {
  await assertLinear(1_000, (size) => () => {
    for (let time = 0; time < size; time++) pairs(200);
  });
  await assert.rejects(
    assertLinear(4_000, (size) => () => pairs(size)),
    /8 times the size took \d+, \d+, \d+, \d+, \d+ times as long/,
  );
});
