import assert from "node:assert/strict";
import { fakeClock } from "../../tests/support/fake_clock.ts";
import { Failures, wholeSeconds } from "./failures.ts";

const LIMITS = { free: 3, windowMs: 60_000, firstWaitMs: 1_000, maxWaitMs: 10_000, maxKeys: 10 };

/** The wait after each of so many failures, which are waited for. */
function waits(failures: Failures, count: number, pass: (ms: number) => void, key = "a"): number[] {
  return Array.from({ length: count }, () => {
    failures.add(key);
    const waitMs = failures.waitMs(key);
    pass(waitMs);
    assert.equal(failures.waitMs(key), 0);
    return waitMs;
  });
}

Deno.test("Failures cost nothing at first, and then a wait that doubles up to its bound", () => {
  using clock = fakeClock();
  const failures = new Failures(LIMITS);
  assert.equal(failures.waitMs("a"), 0);
  assert.deepEqual(waits(failures, 8, (ms) => clock.pass(ms)), [
    0,
    0,
    1_000,
    2_000,
    4_000,
    8_000,
    10_000,
    10_000,
  ]);
  failures.add("a");
  clock.pass(9_999);
  assert.equal(failures.waitMs("a"), 1);
  assert.equal(failures.waitMs("b"), 0);
});

Deno.test("Failures are forgotten after a while without one, which begins when the wait is over", () => {
  using clock = fakeClock();
  const failures = new Failures(LIMITS);
  waits(failures, 5, (ms) => clock.pass(ms));
  clock.pass(59_999);
  assert.deepEqual(waits(failures, 1, (ms) => clock.pass(ms)), [8_000]);
  clock.pass(60_000);
  assert.deepEqual(waits(failures, 3, (ms) => clock.pass(ms)), [0, 0, 1_000]);
});

Deno.test("Failures are known of no more than may be, and of who goes on", () => {
  using _clock = fakeClock();
  const failures = new Failures(LIMITS);
  for (let count = 0; count < 3; count++) failures.add("a");
  for (let other = 0; other < 1_000; other++) {
    failures.add(`other ${other}`);
    assert(failures.waitMs("a") > 0);
  }
});

Deno.test("wholeSeconds never says that there is no wait", () => {
  assert.deepEqual([0, 1, 1_000, 1_001].map(wholeSeconds), [1, 1, 1, 2]);
});
