import assert from "node:assert/strict";
import { Random, randomSeed } from "../../../tests/support/random.ts";
import { excessIn, type MessageLimits } from "./message_limits.ts";

const MANY: MessageLimits = { maxDepth: 512, maxBatch: 100, maxParts: 1_000_000, partsOption: "parts" };

/** How deep a value is. */
function depthOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

function randomValue(random: Random, depth: number): unknown {
  if (depth === 0 || random.chance(0.2)) return randomText(random);
  const values = Array.from({ length: random.below(4) }, () => randomValue(random, depth - 1));
  return random.chance(0.5) ? values : Object.fromEntries(values.map((value) => [randomText(random), value]));
}

/** Full of what could be taken for structure, and longer now and then than what is walked through. */
function randomText(random: Random): string {
  return Array.from(
    { length: random.below(random.chance(0.2) ? 200 : 8) },
    () => random.pick(['"', "\\", "[", "]", "{", "}", "a", "ß", "\u{1F600}", "\n", ","]),
  ).join("");
}

Deno.test("excessIn finds out how deep any JSON is", () => {
  const seed = randomSeed();
  const random = new Random(seed);
  for (let round = 0; round < 500; round++) {
    const value = randomValue(random, 7);
    // Long enough to be looked at.
    const text = JSON.stringify([value, "x".repeat(2_000)], undefined, random.below(3));
    const depth = Math.max(1, depthOf([value]));
    const told = (maxDepth: number) => excessIn(text, { ...MANY, maxDepth });
    assert.equal(told(depth), undefined, `seed ${seed}: ${text}`);
    assert.equal(told(depth - 1) === undefined, false, `seed ${seed}: ${text}`);
  }
});

Deno.test("excessIn reads strings of backslashes and quotes once, however they are mixed", () => {
  for (const part of ['\\"', "\\\\", `${"a".repeat(60)}\\"`, "\\u0000"]) {
    const text = `["${part.repeat(300_000)}"]`;
    assert.equal(excessIn(text, MANY), undefined);
    assert.match(excessIn(`${text.slice(0, -1)},${"[".repeat(512)}`, MANY) ?? "", /deeper/, part);
  }
});
