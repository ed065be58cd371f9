import assert from "node:assert/strict";
import { globs, timesByGlob } from "./glob_values.ts";

const patterns = (...texts: readonly string[]) => globs().parse(texts).map(({ pattern }) => pattern);
const times = (...texts: readonly string[]) =>
  timesByGlob().parse(texts).map(({ pattern, ms }) => [pattern, ms]);
const fault = (schema: ReturnType<typeof globs | typeof timesByGlob>, text: string) =>
  schema.safeParse([text]).error?.issues[0];

Deno.test("globs are repeated, joined by commas, or both", () => {
  assert.deepEqual(patterns("a", "b_*, {c,d}x", "[,]"), ["a", "b_*", "{c,d}x", "[,]"]);
  const [list] = globs().parse(["read_{a,b},list"]);
  assert.deepEqual(["read_a", "read_b", "list", "read_{a"].map((name) => list?.matches(name)), [
    true,
    true,
    false,
    false,
  ]);
  assert.deepEqual(patterns(), []);
});

Deno.test("globs refuse all when one cannot be read, and say where and why", () => {
  for (const text of ["", "a,", "a,,b", "[a", "a,{b", "a\\"]) {
    const issue = fault(globs(), text);
    assert.match(issue?.message ?? "", /^expected a pattern of names, such as read_\*/, text);
    assert.deepEqual(issue?.path, [0]);
  }
  assert.match(fault(globs(), "a,[b")?.message ?? "", /, but a \[ has no \] behind it$/);
});

Deno.test("timesByGlob have a time for each pattern, and none or 0 is no limit", () => {
  assert.deepEqual(times("search_*=2m", "a=500,b=1.5s", "{c,d}=1h"), [
    ["search_*", 120_000],
    ["a", 500],
    ["b", 1_500],
    ["{c,d}", 3_600_000],
  ]);
  for (const limit of ["none", "0", "0s", "0ms"]) {
    assert.deepEqual(times(`slow=${limit}`), [["slow", undefined]]);
  }
  assert.deepEqual(times("a=b=1s"), [["a=b", 1_000]]);
});

Deno.test("timesByGlob refuse what has no pattern or no time", () => {
  for (const text of ["search", "=1s", "a=", "a=soon", "a=-1", "a,b=1s", "a=1s,", "a=0.1ms", ""]) {
    assert.match(fault(timesByGlob(), text)?.message ?? "", /^expected a pattern of tools and a time/, text);
  }
  assert.match(fault(timesByGlob(), "[a=1s")?.message ?? "", /, but a \[ has no \] behind it$/);
});
