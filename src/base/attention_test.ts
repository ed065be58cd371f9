import assert from "node:assert/strict";
import { Attention } from "./attention.ts";
import { settled } from "../../tests/support/far_end.ts";

const LONG_MS = 60_000;

Deno.test("Attention has caught up at once where nothing comes", async () => {
  await new Attention().caughtUp(LONG_MS);
});

Deno.test("Attention waits for the work, and for what is heard after it", async () => {
  const attention = new Attention();
  const work = Promise.withResolvers<void>();
  attention.hear();
  let heardMore = false;
  const deaf = attention.whileDeaf(work.promise).then(() => {
    attention.hear();
    heardMore = true;
  });
  let over = false;
  const caughtUp = attention.caughtUp(LONG_MS).then(() => over = true);
  await settled();
  assert.equal(over, false);
  work.resolve();
  await caughtUp;
  assert(heardMore);
  await deaf;
});

Deno.test("Attention waits for all that is heard, a few turns after one another", async () => {
  const attention = new Attention();
  let heard = 0;
  const hearing = (async () => {
    for (; heard < 50; heard++) {
      attention.hear();
      for (let turn = 0; turn < 4; turn++) await undefined;
    }
  })();
  await attention.caughtUp(LONG_MS);
  assert.equal(heard, 50);
  await hearing;
});

Deno.test("Attention waits for work that follows work", async () => {
  const attention = new Attention();
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const work = attention.whileDeaf(first.promise).then(() => attention.whileDeaf(second.promise));
  let over = false;
  const caughtUp = attention.caughtUp(LONG_MS).then(() => over = true);
  first.resolve();
  await settled();
  await settled();
  assert.equal(over, false);
  second.resolve();
  await Promise.all([caughtUp, work]);
});

Deno.test("Attention listens again after work that failed", async () => {
  const attention = new Attention();
  await assert.rejects(attention.whileDeaf(Promise.reject(new Error("no"))));
  await attention.caughtUp(LONG_MS);
});

Deno.test("Attention waits no longer than it is told", async () => {
  const attention = new Attention();
  const work = Promise.withResolvers<void>();
  const deaf = attention.whileDeaf(work.promise);
  await attention.caughtUp(0);
  work.resolve();
  await deaf;
});
