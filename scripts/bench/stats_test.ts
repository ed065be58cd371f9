import assert from "node:assert/strict";
import { latencyFigures, percentile, spread } from "./stats.ts";

Deno.test("percentile takes the nearest rank", () => {
  const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
  assert.deepEqual([0, 1, 50, 99, 100].map((percent) => percentile(hundred, percent)), [1, 1, 50, 99, 100]);
  assert.equal(percentile([7], 99), 7);
  assert.throws(() => percentile([], 50), RangeError);
});

Deno.test("latencyFigures sorts numbers as numbers", () => {
  assert.deepEqual(latencyFigures([100, 9, 20]), { p50: 20, p99: 100 });
});

Deno.test("spread has the middle of an even count", () => {
  assert.deepEqual(spread([4, 1, 3, 2]), { median: 2.5, min: 1, max: 4 });
  assert.deepEqual(spread([30, 4, 100]), { median: 30, min: 4, max: 100 });
  assert.throws(() => spread([]), RangeError);
});
