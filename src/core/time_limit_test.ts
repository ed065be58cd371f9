import assert from "node:assert/strict";
import { TimeLimit } from "./time_limit.ts";

const LIMIT_MS = 30;

/** A limit whose entries are names; `due` settles with what fell due, and after how long, once there are so many. */
function timeLimit(ms = LIMIT_MS) {
  const since = performance.now();
  const over: { name: string; afterMs: number }[] = [];
  let heard = Promise.withResolvers<void>();
  const limit = new TimeLimit<string>(ms, (name) => {
    over.push({ name, afterMs: performance.now() - since });
    heard.resolve();
    heard = Promise.withResolvers();
  });
  const due = async (count: number) => {
    while (over.length < count) await heard.promise;
    return over;
  };
  return { limit, over, due };
}

function later(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

Deno.test("TimeLimit tells of each entry once, in order, and not before its time", async () => {
  const { limit, due } = timeLimit();
  using _ = limit;
  limit.add("a");
  limit.add("b");
  await later(10);
  limit.add("c");
  const over = await due(3);
  assert.deepEqual(over.map(({ name }) => name), ["a", "b", "c"]);
  assert(over[0]!.afterMs >= LIMIT_MS, `${over[0]!.afterMs}`);
  assert(over[2]!.afterMs >= LIMIT_MS + 9, `${over[2]!.afterMs}`);
});

Deno.test("TimeLimit counts an entry anew that is renewed", async () => {
  const { limit, due } = timeLimit();
  using _ = limit;
  const ticket = limit.add("a");
  limit.add("b");
  await later(10);
  limit.renew(ticket);
  const over = await due(2);
  assert.deepEqual(over.map(({ name }) => name), ["b", "a"]);
  assert(over[1]!.afterMs >= LIMIT_MS + 9, `${over[1]!.afterMs}`);
});

Deno.test("TimeLimit says nothing of an entry that was taken out, and goes on with the others", async () => {
  const { limit, due } = timeLimit();
  using _ = limit;
  const ticket = limit.add("a");
  await later(10);
  limit.add("b");
  limit.delete(ticket);
  assert.deepEqual((await due(1)).map(({ name }) => name), ["b"]);
});

Deno.test("TimeLimit lets an entry be renewed while it is told of it", async () => {
  let times = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  using limit = new TimeLimit<string>(5, () => ++times < 3 ? limit.renew(ticket) : resolve());
  const ticket = limit.add("a");
  await promise;
  assert.equal(times, 3);
});

Deno.test("TimeLimit has no timer once it is cleared, nor once nothing is left in it", async () => {
  const { limit, over, due } = timeLimit(5);
  limit.add("a");
  limit.clear();
  limit.add("b");
  await due(1);
  const { limit: long } = timeLimit(600_000);
  long.add("c");
  long[Symbol.dispose]();
  assert.deepEqual(over.map(({ name }) => name), ["b"]);
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
