import assert from "node:assert/strict";
import { remembered } from "./remembered.ts";

Deno.test("remembered judges a text once, and every text rightly", () => {
  let judged = 0;
  const isLong = remembered((text) => {
    judged++;
    return text.length > 3;
  });
  for (let time = 0; time < 3; time++) assert.deepEqual([isLong("long"), isLong("no")], [true, false]);
  assert.equal(judged, 2);
});

Deno.test("remembered keeps no more than a few hundred verdicts", () => {
  let judged = 0;
  const identity = remembered((text) => (judged++, text));
  for (let text = 0; text < 1000; text++) assert.equal(identity(`${text}`), `${text}`);
  assert.equal(judged, 1000);
  identity("0");
  identity("999");
  assert.equal(judged, 1001);
});
