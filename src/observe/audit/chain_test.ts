import assert from "node:assert/strict";
import { BEGINNING, Chain, readLine, Stamper } from "./chain.ts";

Deno.test("Stamper has the time of each line to the millisecond, whatever it shares with the line before", () => {
  const realNow = Date.now;
  const [stamper, chain] = [new Stamper(), new Chain(BEGINNING)];
  let now = Date.parse("2026-11-28T23:59:58.995Z");
  Date.now = () => now;
  try {
    for (const ms of [0, 0, 1, 4, 9, 90, 900, 999, 1_000, 86_400_000, -1, -5_000]) {
      now += ms;
      const line = readLine(chain.seal(stamper.stamped({ event: "test" })).trimEnd());
      assert.equal(line?.fields.time, new Date(now).toISOString());
    }
  } finally {
    Date.now = realNow;
  }
});
