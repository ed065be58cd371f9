import assert from "node:assert/strict";
import { spelledAt } from "./members.ts";

Deno.test("spelledAt finds the text of what JSON.parse finds there", () => {
  const json = ` {"a" : {"x":1.0}, "b":[{"a":2}], "s":"\\"a\\":{", "\\u0061":\n{ "c}":{"x": 2} ,"x":1e2\r} }`;
  const cases: [string[], string | undefined][] = [
    [["a"], '{ "c}":{"x": 2} ,"x":1e2\r}'],
    [["a", "x"], "1e2"],
    [["a", "c}", "x"], "2"],
    [["b"], '[{"a":2}]'],
    [["s"], '"\\"a\\":{"'],
    [["b", "a"], undefined],
    [["a", "x", "y"], undefined],
    [["c"], undefined],
  ];
  for (const [path, expected] of cases) assert.equal(spelledAt(json, path), expected, path.join("."));
  assert.equal(spelledAt("[]", ["a"]), undefined);
  assert.equal(spelledAt("{}", ["a"]), undefined);
});
