import assert from "node:assert/strict";
import { pause, pauseBefore } from "./retry.ts";

const RETRY = { attempts: 9, firstDelayMs: 100, maxDelayMs: 1000 };

Deno.test("pauseBefore doubles its longest pause each time, up to the limit", () => {
  const longest = [1, 2, 3, 4, 5, 100, 5000].map((attempt) => pauseBefore(attempt, RETRY, () => 1));
  assert.deepEqual(longest, [100, 200, 400, 800, 1000, 1000, 1000]);
});

Deno.test("pauseBefore takes a random part, from nothing on", () => {
  assert.equal(pauseBefore(3, RETRY, () => 0), 0);
  assert.equal(pauseBefore(3, RETRY, () => 0.25), 100);
  assert.equal(pauseBefore(1, { ...RETRY, firstDelayMs: 0 }, () => 1), 0);
  const pauses = new Set(Array.from({ length: 20 }, () => pauseBefore(3, RETRY)));
  assert(pauses.size > 1);
});

/** A signal that knows how many listen to it. */
function countedSignal() {
  const abort = new AbortController();
  let listeners = 0;
  const { signal } = abort;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (type: string, listener: EventListener) => (listeners++, add(type, listener));
  signal.removeEventListener = (
    type: string,
    listener: EventListener,
  ) => (listeners--, remove(type, listener));
  return { abort, signal, listeners: () => listeners };
}

Deno.test("pause settles after its time, and leaves no listener behind", async () => {
  const { signal, listeners } = countedSignal();
  const since = performance.now();
  const pausing = pause(20, signal);
  assert.equal(listeners(), 1);
  await pausing;
  assert(performance.now() - since >= 19);
  assert.equal(listeners(), 0);
});

Deno.test("pause rejects with the reason of its signal, at once, whenever that fires", async () => {
  const { abort, signal } = countedSignal();
  const pausing = pause(1e9, signal);
  const reason = new Error("enough");
  abort.abort(reason);
  await assert.rejects(pausing, reason);
  await assert.rejects(pause(1e9, signal), reason);
});
