import assert from "node:assert/strict";
import { BEGINNING, Chain, readLine, Stamper } from "./chain.ts";

Deno.test("Stamper has the time of each line to the millisecond, whatever it shares with the line before", () => {
  const [stamper, chain] = [new Stamper(), new Chain(BEGINNING)];
  let at = Date.parse("2026-11-28T23:59:58.995Z");
  for (const ms of [0, 0, 1, 4, 9, 90, 900, 999, 1_000, 86_400_000, -1, -5_000]) {
    at += ms;
    const line = readLine(chain.seal(stamper.stamped({ at, entry: { event: "test" } })).trimEnd());
    assert.equal(line?.fields.time, new Date(at).toISOString());
  }
});
