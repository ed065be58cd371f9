import assert from "node:assert/strict";
import { fakeClock } from "../../../tests/support/fake_clock.ts";
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

Deno.test("RepeatedAttempts counts strangers of one address by what they lack, and nobody whose credentials were judged", () => {
  using _clock = fakeClock();
  const told: unknown[] = [];
  const attempts = new RepeatedAttempts((attempt, count) =>
    told.push([
      ...attempt.type === "auth.refused" ? [attempt.reason, attempt.tool] : [],
      attempt.address,
      count,
    ])
  );
  const one = { type: "auth.refused", kind: undefined, credential: undefined, address: "10.0.0.1" } as const;
  const stranger = { ...one, unjudged: true } as const;
  const counted = (more: Partial<Attempt>) =>
    attempts.count({ ...stranger, reason: "absent", ...more } as Attempt);
  assert.deepEqual([counted({}), counted({}), counted({ address: "10.0.0.2" })], [false, true, false]);
  const tools = ["a", "b", "c"].map((tool) => counted({ reason: "insufficient scope", tool }));
  assert.deepEqual(tools, [false, true, true]);
  const judged = () => attempts.count({ ...one, reason: "wrong" });
  assert.deepEqual([judged(), judged()], [false, false]);
  attempts.flush();
  // Which tools those have asked for that are counted is not told: there may be many.
  assert.deepEqual(told, [["absent", undefined, "10.0.0.1", 1], [
    "insufficient scope",
    undefined,
    "10.0.0.1",
    2,
  ]]);
});
