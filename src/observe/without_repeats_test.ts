import assert from "node:assert/strict";
import { assertLinear } from "../../tests/support/processor_time.ts";
import { withoutRepeats } from "./without_repeats.ts";

Deno.test("withoutRepeats tells of a drop once, counts its repetitions, and tells of them later or at the end", () => {
  const told: unknown[] = [];
  const clock = { now: 0 };
  const sink = withoutRepeats(
    (event) => told.push("count" in event ? event.count : event.type),
    () => clock.now,
  );
  const drop = {
    type: "message.dropped",
    session: "s",
    direction: "down",
    reason: "nobody listens",
  } as const;
  for (let time = 0; time < 5; time++) sink(drop);
  sink({ ...drop, reason: "something else", count: 3 });
  assert.deepEqual(told.splice(0), [1, 3]);
  clock.now = 10_000;
  sink(drop);
  assert.deepEqual(told.splice(0), [5]);
  sink(drop);
  sink({ type: "session.closed", session: "another", scope: "session", reason: "x" });
  sink({ type: "session.closed", session: "s", scope: "session", reason: "x" });
  assert.deepEqual(told, ["session.closed", 1, "session.closed"]);
});

Deno.test("withoutRepeats tells once of each server what is odd about it", () => {
  const told: string[] = [];
  const sink = withoutRepeats((event) => told.push("server" in event ? event.server : event.type));
  for (const session of ["a", "b"]) {
    for (const server of ["one", "two"]) sink({ type: "server.odd", session, server, reason: "x" });
  }
  assert.deepEqual(told, ["one", "two"]);
});

const drop = (reason: string, session = "s") =>
  ({ type: "message.dropped", session, direction: "down", reason }) as const;
const closed = (session: string) =>
  ({ type: "session.closed", session, scope: "request", reason: "x" }) as const;

Deno.test("withoutRepeats counts together what one session drops for more reasons than a log needs", () => {
  const told: string[] = [];
  const sink = withoutRepeats(
    (event) => told.push(event.type === "message.dropped" ? `${event.reason}: ${event.count}` : event.type),
    () => 0,
  );
  for (let name = 0; name < 1_000; name++) sink(drop(`nobody receives ${name}`));
  sink(drop("nobody receives 0"));
  sink(drop("nobody receives 0", "another"));
  const many = "for many reasons, of which these are the rest";
  assert.deepEqual(told.splice(0).slice(-3), [
    "nobody receives 15: 1",
    `${many}: 1`,
    "nobody receives 0: 1",
  ]);
  sink(closed("s"));
  assert.deepEqual(told, ["nobody receives 0: 1", `${many}: 983`, "session.closed"]);
});

Deno.test("withoutRepeats forgets no count of a session for which there is no room any more", () => {
  const told: number[] = [];
  const sink = withoutRepeats((event) => "count" in event && told.push(event.count ?? 0), () => 0);
  for (let time = 0; time < 3; time++) sink(drop("x", "first"));
  for (let session = 0; session < 1_000; session++) sink(drop("x", `${session}`));
  assert.deepEqual([told.filter((count) => count === 2), told.length], [[2], 1_002]);
});

Deno.test("withoutRepeats costs the end of a session nothing for what others drop", async () => {
  // So many sessions as there is room for.
  await assertLinear(120, (size) => {
    const sink = withoutRepeats(() => {}, () => 0);
    for (let name = 0; name < 100 * size; name++) sink(drop(`nobody receives ${name}`, `${name % size}`));
    return () => {
      for (let post = 0; post < 10 * size; post++) sink(closed(`post ${post}`));
    };
  });
});
