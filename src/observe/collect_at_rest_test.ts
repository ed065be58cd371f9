import assert from "node:assert/strict";
import { fakeClock } from "../../tests/support/fake_clock.ts";
import { collectAtRest } from "./collect_at_rest.ts";

const MB = 1024 * 1024;

function rig() {
  const heap = { used: 50 * MB, live: 50 * MB, collections: 0 };
  const sink = collectAtRest({
    collect: () => {
      heap.collections++;
      heap.used = heap.live;
    },
    used: () => heap.used,
  });
  const happens = () => sink({ type: "gateway.stopped" });
  return { heap, happens };
}

Deno.test("collectAtRest collects once when nothing happens any more, and not while something does", () => {
  using clock = fakeClock();
  const { heap, happens } = rig();
  for (let second = 0; second < 10; second++) {
    happens();
    heap.used += 10 * MB;
    clock.pass(400);
  }
  assert.equal(heap.collections, 0);
  clock.pass(60_000);
  assert.deepEqual([heap.collections, clock.timers], [1, 0]);
});

Deno.test("collectAtRest collects nothing where little has come since the last time, or V8 was faster", () => {
  using clock = fakeClock();
  const { heap, happens } = rig();
  const after = (used: number) => {
    heap.used = used * MB;
    happens();
    clock.pass(3_000);
    return heap.collections;
  };
  assert.equal(after(60), 1);
  assert.equal(after(62), 1);
  assert.equal(after(16), 1);
  assert.equal(after(23), 1);
  assert.equal(after(25), 2);
});
