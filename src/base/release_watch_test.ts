import assert from "node:assert/strict";
import { fakeClock } from "../../tests/support/fake_clock.ts";
import { ReleaseWatch } from "./release_watch.ts";

const MB = 1024 * 1024;

Deno.test("ReleaseWatch tells once, after a while, that much was held and most of it is gone", () => {
  using clock = fakeClock();
  let told = 0;
  const watch = new ReleaseWatch(() => told++);
  const after = (levels: number[]) => {
    for (const level of levels) watch.level(level * MB);
    const before = told;
    clock.pass(2_000);
    return [before, told];
  };
  // Little, or not gone, or back again.
  assert.deepEqual(after([10, 0, 16, 0]), [0, 0]);
  assert.deepEqual(after([100, 5, 100]), [0, 0]);
  assert.deepEqual(after([0, 100]), [0, 0]);
  assert.deepEqual(after([0, 100, 0, 3, 0]), [0, 1]);
  assert.deepEqual(after([0, 16, 0]), [1, 1]);
  assert.deepEqual(after([17, 0]), [1, 2]);
});
