import assert from "node:assert/strict";
import { WrongAnswerError } from "./calls.ts";
import { type Cell, Results } from "./results.ts";
import { runRounds } from "./rounds.ts";

const OPTIONS = { rounds: 2, limitMs: 5_000 };

Deno.test("runRounds measures everyone in turns", async () => {
  const order: string[] = [];
  const cell = (contestant: string): Cell => ({
    name: "row",
    contestant,
    measure() {
      order.push(contestant);
      return Promise.resolve({ rate: order.length });
    },
  });
  const results = new Results();
  await runRounds(["a", "b", "c"].map(cell), results, OPTIONS);
  assert.deepEqual(order, ["a", "b", "c", "c", "b", "a"]);
  assert.deepEqual(results.samples("row", "b", "rate"), [2, 5]);
});

Deno.test("runRounds goes on without what fails, and keeps the reason", async () => {
  let tries = 0;
  const results = new Results();
  const failing = () => Promise.reject(new Error(`try ${++tries}`));
  await runRounds(
    [
      { name: "row", contestant: "broken", measure: failing },
      { name: "row", contestant: "whole", measure: () => Promise.resolve({ rate: 1 }) },
    ],
    results,
    OPTIONS,
  );
  assert.equal(tries, 1);
  assert.equal(results.row("row", "broken").reason, "try 1");
  assert.equal(results.row("row", "broken").wrong, undefined);
  assert.deepEqual(results.samples("row", "whole", "rate"), [1, 1]);
});

Deno.test("runRounds tells a wrong answer from another failure", async () => {
  const results = new Results();
  const measure = () => Promise.reject(new WrongAnswerError("not mine"));
  await runRounds([{ name: "row", contestant: "a", measure }], results, OPTIONS);
  assert.deepEqual(results.wrong.map(({ wrong }) => wrong), ["not mine"]);
});

Deno.test("runRounds ends what takes too long, and tells it so", async () => {
  const results = new Results();
  let reason: unknown;
  const measure = (signal: AbortSignal) =>
    new Promise<never>(() => signal.addEventListener("abort", () => reason = signal.reason));
  await runRounds([{ name: "row", contestant: "slow", measure }], results, {
    rounds: 1,
    limitMs: 10,
    graceMs: 1,
  });
  assert.equal(results.row("row", "slow").reason, "Took longer than 0.01 s");
  assert.ok(reason instanceof Error);
});
