import assert from "node:assert/strict";
import { timeText } from "./status.ts";

Deno.test("timeText tells a time in its two largest units", () => {
  const cases = [[0, "0s"], [59, "59s"], [60, "1m 0s"], [3_661, "1h 1m"], [86_400, "1d 0h"], [
    200_000,
    "2d 7h",
  ]];
  for (const [seconds, text] of cases) assert.equal(timeText(Number(seconds)), text);
});
