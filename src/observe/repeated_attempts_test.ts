import assert from "node:assert/strict";
import { fakeClock } from "../../tests/support/fake_clock.ts";
import { type Attempt, RepeatedAttempts } from "./repeated_attempts.ts";

function attempt(credential: string, address = "127.0.0.1"): Attempt {
  return { type: "auth.accepted", kind: "apiKey", credential, address, principal: `apiKey/${credential}` };
}

Deno.test("RepeatedAttempts counts what was accepted before, for a second, each credential and address by itself", () => {
  using clock = fakeClock();
  const told: [string | undefined, string | undefined, number][] = [];
  const attempts = new RepeatedAttempts(({ credential, address }, count) =>
    told.push([credential, address, count])
  );
  const counted = (...args: Parameters<typeof attempt>) => attempts.count(attempt(...args));
  assert.deepEqual([counted("a"), counted("a"), counted("b"), counted("a"), counted("a", "::1")], [
    ...[false, true, false, true, false],
  ]);
  clock.pass(999);
  assert.deepEqual(told, []);
  clock.pass(1);
  assert.deepEqual(told, [["a", "127.0.0.1", 2]]);
  // Nothing is counted for longer than that.
  assert.equal(counted("a"), false);
  assert.equal(clock.timers, 1);
  attempts.flush();
  assert.deepEqual([told.length, clock.timers], [1, 0]);
});

Deno.test("RepeatedAttempts is bounded, and loses no count for that", () => {
  using _clock = fakeClock();
  let told = 0;
  const attempts = new RepeatedAttempts((_, count) => told += count);
  let lines = 0;
  for (let number = 0; number < 5_000; number++) {
    for (let time = 0; time < 2; time++) if (!attempts.count(attempt(`${number}`))) lines++;
  }
  attempts.flush();
  assert.equal(lines + told, 10_000);
});

Deno.test("RepeatedAttempts tells at its end of all that it has counted, and counts nothing after it", () => {
  using clock = fakeClock();
  const told: number[] = [];
  const attempts = new RepeatedAttempts((_, count) => told.push(count));
  for (let time = 0; time < 4; time++) attempts.count(attempt("a"));
  attempts[Symbol.dispose]();
  assert.deepEqual([told, clock.timers], [[3], 0]);
  assert.deepEqual([attempts.count(attempt("a")), attempts.count(attempt("a"))], [false, false]);
  assert.equal(clock.timers, 0);
});

const STRANGER = {
  ...{ type: "auth.refused", kind: undefined, credential: undefined, address: "10.0.0.1" },
  ...{ reason: "absent", countable: true },
} as const;
const LACKING = { reason: "insufficient scope" } as const;

/** Counts refusals, and comes to what is told of them in the end. */
function refusals() {
  const told: unknown[] = [];
  const attempts = new RepeatedAttempts((attempt, count) => {
    if (attempt.type === "auth.refused") told.push([attempt.reason, attempt.tool, attempt.address, count]);
  });
  return {
    counted: (more: Partial<Attempt>) => attempts.count({ ...STRANGER, ...more } as Attempt),
    told() {
      attempts.flush();
      return told;
    },
  };
}

Deno.test("RepeatedAttempts counts strangers of one network by what they lack, and nobody whose credentials were judged", () => {
  using _clock = fakeClock();
  const { counted, told } = refusals();
  const addresses = ["10.0.0.1", "10.0.0.1", "10.0.0.2", "2001:db8::1", "2001:db8::2"];
  assert.deepEqual(addresses.map((address) => counted({ address })), [false, true, false, false, true]);
  const tools = ["a", "b", "c"].map((tool) => counted({ ...LACKING, tool }));
  assert.deepEqual(tools, [false, true, true]);
  const judged = () => counted({ reason: "wrong", countable: undefined } as Partial<Attempt>);
  assert.deepEqual([judged(), judged()], [false, false]);
  assert.deepEqual([0, 1].map(() => counted({ ...LACKING, backend: "two" })), [false, true]);
  // Which tools those have asked for that are counted is not told: there may be many.
  assert.deepEqual(told(), [
    ["absent", undefined, "10.0.0.1", 1],
    ["absent", undefined, "2001:db8::1", 1],
    ["insufficient scope", undefined, "10.0.0.1", 2],
    ["insufficient scope", undefined, "10.0.0.1", 1],
  ]);
});

Deno.test("RepeatedAttempts counts somebody known by each tool, and holds little of long names", () => {
  using _clock = fakeClock();
  const { counted, told } = refusals();
  const known = { ...LACKING, principal: "apiKey/ci", credential: "1" };
  const tools = ["a", "a", "b", "a", `${"x".repeat(300)}1`, `${"x".repeat(300)}2`];
  assert.deepEqual(tools.map((tool) => counted({ ...known, tool })), [false, true, false, true, false, true]);
  const [, cut] = told() as [string, string][];
  assert.deepEqual(told().length, 2);
  assert(cut && cut[1].length <= 201, cut?.[1]);
});
