import assert from "node:assert/strict";
import type { Caller } from "./caller.ts";
import { Ids, SMALL, WrongAnswerError } from "./calls.ts";
import { closedLoop, openLoop } from "./load.ts";

const FILL = "x".repeat(SMALL.request);

/** Calls that are answered at once, and what became of their callers. */
function answering(text: (id: number) => string) {
  const seen = { calls: 0, open: 0, most: 0, closed: 0 };
  const caller: Caller = {
    async call(id) {
      seen.calls++;
      seen.most = Math.max(seen.most, ++seen.open);
      await Promise.resolve();
      seen.open--;
      return text(id);
    },
    close: () => seen.closed++,
  };
  return { seen, callers: [caller, caller, caller] };
}

function right(id: number): string {
  return `{"id":${id},"result":{"content":[{"type":"text","text":"m${id}-${FILL}"}]}}`;
}

function options() {
  return { seconds: 0.05, shape: SMALL, ids: new Ids(), signal: new AbortController().signal };
}

Deno.test("closedLoop counts right answers, and closes its callers", async () => {
  const { seen, callers } = answering(right);
  const { rate, p50 } = await closedLoop(callers, options());
  assert.ok(rate > 0 && p50 >= 0);
  assert.deepEqual([seen.most, seen.open, seen.closed], [3, 0, 3]);
});

Deno.test("closedLoop fails on a wrong answer", async () => {
  const { seen, callers } = answering((id) => right(id + 1));
  await assert.rejects(closedLoop(callers, options()), WrongAnswerError);
  assert.equal(seen.closed, 3);
});

Deno.test("openLoop makes every call that is due, however long that takes", async () => {
  const { seen, callers } = answering(right);
  await openLoop(callers, { ...options(), rate: 1000 });
  assert.deepEqual([seen.calls, seen.open, seen.closed], [50, 0, 3]);
});

Deno.test("openLoop fails on a wrong answer", async () => {
  const { callers } = answering((id) => right(id + 1));
  await assert.rejects(openLoop(callers, { ...options(), rate: 1000 }), WrongAnswerError);
});

Deno.test("a load that is ended early says why", async () => {
  const abort = new AbortController();
  const gone = Promise.withResolvers<string>();
  const caller = { call: () => gone.promise, close: () => gone.reject(new Error("closed")) };
  const load = closedLoop([caller], { ...options(), signal: abort.signal });
  abort.abort(new Error("too late"));
  await assert.rejects(load, /^Error: too late$/);
});
