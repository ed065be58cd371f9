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

Deno.test("Attention waits no longer than it is told", async () => {
  const attention = new Attention();
  const work = Promise.withResolvers<void>();
  const deaf = attention.whileDeaf(work.promise);
  await attention.caughtUp(0);
  work.resolve();
  await deaf;
});
