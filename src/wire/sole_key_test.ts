import assert from "node:assert/strict";
import { endOfSoleKey } from "./sole_key.ts";

Deno.test("endOfSoleKey finds a key that is written once, and none of which that is not certain", () => {
  const cases: [json: string, key: string, end: number | undefined][] = [
    ['{"a":1}', "a", 4],
    ['{"b":"a", "a" : 1}', "a", undefined],
    ['{"a":{"a":1}}', "a", undefined],
    ['{"b":"x\\"a","a":1}', "a", undefined],
    ['{"b":"\\"a\\"","a":1}', "a", 16],
    ['{"\\u0061":1}', "a", undefined],
    ['{"b":"\\u0062","a":1}', "a", undefined],
    ['{"b":"\\\\u0062","a":1}', "a", 18],
    ['{"a/b":1}', "a/b", 6],
    ['{"b":"\\/","a/b":1}', "a/b", undefined],
    ["{}", "a", undefined],
  ];
  for (const [json, key, end] of cases) assert.equal(endOfSoleKey(json, key), end, json);
});
