import assert from "node:assert/strict";
import { fakeClock } from "../../../tests/support/fake_clock.ts";
import { Farewell } from "./farewell.ts";
import type { Side } from "./frames.ts";

/** And how often it hung up. */
function rig(side: Side) {
  let count = 0;
  const farewell: Farewell = new Farewell(side, () => {
    if (farewell.end()) count++;
  });
  return { farewell, hungUp: () => count };
}

Deno.test("Farewell has a server hang up once both have said goodbye, in either order", () => {
  for (const order of [["said", "heard"], ["heard", "said"]] as const) {
    using clock = fakeClock();
    const { farewell, hungUp } = rig("server");
    assert.equal(farewell.open, true);
    assert.equal(farewell.begin(), true);
    assert.equal(farewell.begin(), false);
    assert.equal(farewell.open, false);
    farewell[order[0]]();
    assert.equal(hungUp(), 0);
    farewell[order[1]]();
    assert.equal(hungUp(), 1);
    assert.equal(farewell.over, true);
    assert.equal(clock.timers, 0);
  }
});

Deno.test("Farewell has a client leave it to the server to hang up, and not wait long for that", () => {
  using clock = fakeClock();
  const { farewell, hungUp } = rig("client");
  farewell.begin();
  farewell.said();
  farewell.heard();
  clock.pass(999);
  assert.equal(hungUp(), 0);
  clock.pass(1);
  assert.equal(hungUp(), 1);
});

Deno.test("Farewell waits anew after each step, and for nothing after the end", () => {
  using clock = fakeClock();
  const { farewell, hungUp } = rig("server");
  farewell.begin();
  clock.pass(900);
  farewell.said();
  clock.pass(900);
  assert.equal(hungUp(), 0);
  assert.equal(farewell.end(), true);
  assert.equal(farewell.end(), false);
  assert.equal(farewell.begin(), false);
  farewell.heard();
  assert.equal(clock.timers, 0);
  assert.equal(hungUp(), 0);
});
