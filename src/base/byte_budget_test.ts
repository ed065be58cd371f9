import assert from "node:assert/strict";
import { ByteBudget } from "./byte_budget.ts";

Deno.test("ByteBudget gives no more than there is, and what was given back again", () => {
  const budget = new ByteBudget(10);
  assert.deepEqual([budget.tryTake(6), budget.tryTake(5), budget.tryTake(4), budget.taken], [
    true,
    false,
    true,
    10,
  ]);
  budget.giveBack(6);
  assert.deepEqual([budget.tryTake(5), budget.taken], [true, 9]);
});
