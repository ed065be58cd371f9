import assert from "node:assert/strict";
import { durationText } from "./duration.ts";

Deno.test("durationText uses the largest unit that needs no fraction", () => {
  const texts = [86_400_000, 5_400_000, 600_000, 90_000, 1_000, 1_500, 20, 0].map(durationText);
  assert.deepEqual(texts, ["24h", "90m", "10m", "90s", "1s", "1500ms", "20ms", "0ms"]);
});
