import assert from "node:assert/strict";
import { mutated, MutateError } from "./mutate.ts";
import { MUTATIONS } from "./mutations.ts";
import { ROOT } from "./run_deno.ts";

Deno.test("mutations find the lines that they break, and tests that could notice", async () => {
  assert(MUTATIONS.length >= 14);
  for (const mutation of MUTATIONS) {
    const text = await Deno.readTextFile(`${ROOT}/${mutation.file}`);
    assert.notEqual(mutated(text, mutation), text, mutation.harm);
    for (const test of mutation.tests) assert((await Deno.stat(`${ROOT}/${test}`)).isFile, test);
  }
});

Deno.test("mutated refuses a line that is not there, or stands there twice", () => {
  const mutation = { harm: "none", file: "a.ts", search: "b", replace: "$&", tests: [] };
  assert.equal(mutated("abc", mutation), "a$&c");
  assert.throws(
    () => mutated("ac", mutation),
    new MutateError("Expected once, but found 0 times in a.ts: b"),
  );
  assert.throws(() => mutated("abbc", mutation), MutateError);
});
