import assert from "node:assert/strict";
import { fakeClock } from "../../tests/support/fake_clock.ts";
import { TimeLimit } from "./time_limit.ts";

const LIMIT_MS = 30;

/** A limit whose entries are names, and what fell due, each with the time of that. */
function timeLimit() {
  const clock = fakeClock();
  const over: [name: string, at: number][] = [];
  const limit = new TimeLimit<string>(LIMIT_MS, (name) => over.push([name, performance.now()]));
  return { limit, over, clock, [Symbol.dispose]: () => clock[Symbol.dispose]() };
}

Deno.test("TimeLimit tells of each entry once, in order, and not before its time", () => {
  using it = timeLimit();
  it.limit.add("a");
  it.limit.add("b");
  it.clock.pass(10);
  it.limit.add("c");
  it.clock.pass(LIMIT_MS - 11);
  assert.deepEqual(it.over, []);
  it.clock.pass(1_000);
  assert.deepEqual(it.over, [["a", LIMIT_MS], ["b", LIMIT_MS], ["c", LIMIT_MS + 10]]);
});

Deno.test("TimeLimit counts an entry anew that is renewed", () => {
  using it = timeLimit();
  const ticket = it.limit.add("a");
  it.limit.add("b");
  it.clock.pass(10);
  it.limit.renew(ticket);
  it.clock.pass(1_000);
  assert.deepEqual(it.over, [["b", LIMIT_MS], ["a", LIMIT_MS + 10]]);
});

Deno.test("TimeLimit says nothing of an entry that was taken out, and goes on with the others", () => {
  using it = timeLimit();
  const ticket = it.limit.add("a");
  it.clock.pass(10);
  it.limit.add("b");
  it.limit.delete(ticket);
  it.clock.pass(1_000);
  assert.deepEqual(it.over, [["b", LIMIT_MS + 10]]);
});

Deno.test("TimeLimit lets an entry be renewed while it is told of it", async () => {
  let times = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  using limit = new TimeLimit<string>(5, () => ++times < 3 ? limit.renew(ticket) : resolve());
  const ticket = limit.add("a");
  await promise;
  assert.equal(times, 3);
});

Deno.test("TimeLimit has no timer once it is cleared, nor once nothing is left in it", () => {
  using it = timeLimit();
  it.limit.add("a");
  it.limit.clear();
  assert.equal(it.clock.timers, 0);
  it.limit.add("b");
  it.clock.pass(1_000);
  assert.deepEqual([it.over, it.clock.timers], [[["b", LIMIT_MS]], 0]);
  it.limit.add("c");
  it.limit[Symbol.dispose]();
  assert.equal(it.clock.timers, 0);
});

Deno.test("TimeLimit sets one timer for all that comes and goes", () => {
  using limit = new TimeLimit<number>(600_000, () => {});
  const { setTimeout } = globalThis;
  let timers = 0;
  globalThis.setTimeout = ((...args: Parameters<typeof setTimeout>) => {
    timers++;
    return setTimeout(...args);
  }) as typeof setTimeout;
  try {
    for (let entry = 0; entry < 1_000; entry++) {
      limit.delete(limit.add(entry));
    }
  } finally {
    globalThis.setTimeout = setTimeout;
  }
  assert.equal(timers, 1);
});

Deno.test("TimeLimit with a grain reads the clock once in that time, and tells nobody early", () => {
  using clock = fakeClock();
  const over: [name: string, at: number][] = [];
  using limit = new TimeLimit<string>(80, (name) => over.push([name, performance.now()]), 10);
  limit.add("a");
  clock.pass(9);
  limit.add("b");
  const { now } = performance;
  performance.now = () => assert.fail("the clock was read for an entry");
  try {
    limit.delete(limit.add("gone"));
  } finally {
    performance.now = now;
  }
  clock.pass(1_000);
  assert.deepEqual(over.map(([name]) => name), ["a", "b"]);
  for (const [name, at] of over) {
    const since = name === "a" ? 0 : 9;
    assert.ok(at - since >= 80 && at - since <= 100, `${name} after ${at - since} ms`);
  }
  assert.equal(clock.timers, 0);
});
