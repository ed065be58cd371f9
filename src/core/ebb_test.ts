import assert from "node:assert/strict";
import { fakeClock } from "../../tests/support/fake_clock.ts";
import { Ebb } from "./ebb.ts";

const MB = 1024 * 1024;

Deno.test("Ebb tells once, after a while, that much was held and most of it is gone", () => {
  using clock = fakeClock();
  let told = 0;
  const ebb = new Ebb(() => told++);
  const after = (levels: number[]) => {
    for (const level of levels) ebb.level(level * MB);
    const before = told;
    clock.pass(2_000);
    return [before, told];
  };
  // Little, or not gone.
  assert.deepEqual(after([10, 0, 30, 0]), [0, 0]);
  assert.deepEqual(after([100, 50, 100]), [0, 0]);
  assert.deepEqual(after([0, 100, 0, 100]), [0, 1]);
  assert.deepEqual(after([20, 0]), [1, 2]);
  assert.deepEqual(after([20, 0]), [2, 2]);
});
