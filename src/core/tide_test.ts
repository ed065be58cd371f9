import assert from "node:assert/strict";
import { fakeClock } from "../../tests/support/fake_clock.ts";
import { Tide } from "./tide.ts";

const MB = 1024 * 1024;

function tide() {
  const told = { flows: 0, ebbs: 0 };
  return { told, tide: new Tide({ onFlow: () => told.flows++, onEbb: () => told.ebbs++ }) };
}

Deno.test("Tide tells once, after a while, that much was held and most of it is gone", () => {
  using clock = fakeClock();
  const { told, tide: it } = tide();
  const after = (levels: number[]) => {
    for (const level of levels) it.level(level * MB);
    const before = told.ebbs;
    clock.pass(2_000);
    return [before, told.ebbs];
  };
  // Little, or not gone.
  assert.deepEqual(after([10, 0, 16, 0]), [0, 0]);
  assert.deepEqual(after([100, 50, 100]), [0, 0]);
  assert.deepEqual(after([0, 100, 0, 100]), [0, 1]);
  assert.deepEqual(after([17, 0]), [1, 2]);
  assert.deepEqual(after([16, 0]), [2, 2]);
});

Deno.test("Tide tells of each so much that comes or goes while much is held", () => {
  using _clock = fakeClock();
  const { told, tide: it } = tide();
  const after = (levels: number[]) => {
    for (const level of levels) it.level(level * MB);
    return told.flows;
  };
  assert.equal(after([4, 16, 4, 16]), 0);
  assert.equal(after([20, 24, 20, 16.5, 0]), 0);
  assert.equal(after([17]), 1);
  assert.equal(after([33]), 2);
  assert.equal(after([25, 17]), 3);
});
