import assert from "node:assert/strict";
import { fakeClock } from "../../tests/support/fake_clock.ts";
import { attemptLimit } from "./attempts.ts";

Deno.test("attemptLimit has an address wait after some failures, longer with each, and no other address", () => {
  using clock = fakeClock();
  const limit = attemptLimit({
    free: 3,
    windowMs: 60_000,
    firstWaitMs: 1_000,
    maxWaitMs: 5_000,
    maxKeys: 100,
  });
  const waits: string[] = [];
  for (let count = 0; count < 7; count++) {
    limit.failed("10.0.0.1");
    const seconds = limit.refusal("::ffff:10.0.0.1")?.headers["Retry-After"];
    if (seconds === undefined) continue;
    waits.push(seconds);
    clock.pass(Number(seconds) * 1_000);
    assert.equal(limit.refusal("10.0.0.1"), undefined);
  }
  assert.deepEqual(waits, ["1", "2", "4", "5", "5"]);
  limit.failed("10.0.0.1");
  assert.equal(limit.refusal("10.0.0.1")?.status, 429);
  for (const other of ["10.0.0.2", "::1", undefined]) assert.equal(limit.refusal(other), undefined);
});

Deno.test("attemptLimit takes a /64 of IPv6 for one address", () => {
  using _clock = fakeClock();
  const limit = attemptLimit({
    free: 2,
    windowMs: 60_000,
    firstWaitMs: 1_000,
    maxWaitMs: 5_000,
    maxKeys: 100,
  });
  for (const address of ["2001:db8::1", "2001:db8::2"]) limit.failed(address);
  assert(limit.refusal("2001:db8::abcd"));
  assert.equal(limit.refusal("2001:db8:0:1::1"), undefined);
});
