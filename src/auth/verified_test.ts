import assert from "node:assert/strict";
import { Verified } from "./verified.ts";

Deno.test("Verified knows what was right, for as long as it is compared with the same", () => {
  const [before, after] = [{}, {}];
  const verified = new Verified<object, string>();
  verified.add(before, "a", "1");
  assert.equal(verified.get(before, "a"), "1");
  assert.equal(verified.get(before, "b"), undefined);
  assert.equal(verified.get(after, "a"), undefined);
  verified.add(after, "b", "2");
  assert.equal(verified.get(after, "a"), undefined);
  assert.equal(verified.get(before, "a"), undefined);
});

Deno.test("Verified is bounded, and begins anew where it is full", () => {
  const source = {};
  const verified = new Verified<object, number>();
  for (let number = 0; number < 1_500; number++) verified.add(source, `${number}`, number);
  const known = Array.from({ length: 1_500 }, (_, number) => verified.get(source, `${number}`))
    .filter((value) => value !== undefined);
  assert.equal(known.length, 500);
});
