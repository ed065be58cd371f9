import assert from "node:assert/strict";
import { NODE_CHILD, STAGES } from "./load_cases.ts";
import { judge, type Mark, MARKS } from "./marks.ts";
import { FLOOR, KEYSTONE } from "./peers.ts";
import { Results } from "./results.ts";

const MARK: Mark = {
  title: "Throughput",
  row: "stateful/16",
  figure: "rate",
  over: { row: "stateful/16", contestant: FLOOR },
  atLeast: 0.75,
};

function results(keystone: (number | null)[], floor: (number | null)[]): Results {
  const rounds = (rates: (number | null)[]) => rates.map((rate) => rate === null ? null : { rate });
  return new Results([
    { name: "stateful/16", contestant: KEYSTONE, rounds: rounds(keystone) },
    { name: "stateful/16", contestant: FLOOR, rounds: rounds(floor) },
  ]);
}

Deno.test("judge takes the median of the ratios of the rounds", () => {
  const [result] = judge(results([80, 20, 90], [100, 20, 100]), [MARK]);
  assert.deepEqual(result, {
    title: "Throughput / floor",
    limit: "≥ 0.75",
    measured: { median: 0.9, min: 0.8, max: 1 },
    reached: true,
  });
});

Deno.test("judge tells what the floor comes to where a mark against another gateway is missed", () => {
  const over = { row: "stateful/16", contestant: "other" };
  const all = results([80], [100]);
  all.add({ name: "stateful/16", contestant: "other" }, { rate: 10 });
  const floorOf = (atLeast: number) => judge(all, [{ ...MARK, over, atLeast }])[0]?.floor;
  assert.deepEqual([floorOf(8), floorOf(9)?.median], [undefined, 10]);
  // Against itself it says nothing.
  assert.equal(judge(all, [{ ...MARK, atLeast: 2 }])[0]?.floor, undefined);
});

Deno.test("judge leaves out a round that one of the two has not", () => {
  const [result] = judge(results([10, 70], [null, 100]), [MARK]);
  assert.deepEqual(result?.measured, { median: 0.7, min: 0.7, max: 0.7 });
  assert.equal(result?.reached, false);
});

Deno.test("judge neither passes nor fails what was not measured", () => {
  assert.deepEqual(judge(new Results(), [MARK]), [{ title: "Throughput / floor", limit: "≥ 0.75" }]);
});

Deno.test("judge compares a figure itself where there is nothing to divide it by", () => {
  const { over: _, atLeast: __, ...rest } = MARK;
  const [result] = judge(results([30], []), [{ ...rest, atMost: 30 }]);
  assert.equal(result?.limit, "≤ 30");
  assert.equal(result?.reached, true);
});

Deno.test("MARKS want a call of 2026-07-28 in front of a server with a handshake answered within 2 ms", () => {
  for (const p50 of [2, 2.01]) {
    const rounds = [{ p50: 0.1 }, { p50 }, { p50: 9 }];
    const measured = judge(new Results([{ name: "modern/1", contestant: KEYSTONE, rounds }]))
      .filter(({ reached }) => reached !== undefined);
    assert.deepEqual(measured, [{
      title: "The same with 1 caller, p50 in ms",
      limit: "≤ 2",
      measured: { median: p50, min: 0.1, max: 9 },
      reached: p50 <= 2,
    }]);
  }
});

Deno.test("every mark has one limit and a row that is measured", () => {
  const names = [
    ...[...STAGES, NODE_CHILD].flat().map(({ name }) => name),
    "memory/idle",
    "memory/session of 1000",
  ];
  for (const { row, atLeast, atMost } of MARKS) {
    assert.notEqual(atLeast === undefined, atMost === undefined);
    assert.ok([...names, "growth/1000", "slow clients/1000", "start/program"].includes(row), row);
  }
});
