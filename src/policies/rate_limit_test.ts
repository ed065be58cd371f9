import assert from "node:assert/strict";
import { fakeClock } from "../../tests/support/fake_clock.ts";
import { Caller } from "../core/caller.ts";
import { RequestError } from "../core/errors.ts";
import { rateLimit, type RateLimitOptions } from "./rate_limit.ts";

const LET_IN = new Response("in");
const MINUTE = 60_000;

interface From {
  readonly address?: string;
  readonly principal?: string;
}

function callerFrom({ address, principal }: From): Caller {
  const caller = new Caller({ address, drop: () => {} });
  if (principal !== undefined) caller.identify({ name: principal });
  return caller;
}

function limited(more: Partial<RateLimitOptions> = {}) {
  const rate = { count: 6, perMs: MINUTE };
  const { callers: policy } = rateLimit({ rate, burst: 3, maxCallers: 100, ...more });
  /** How many of so many are let in. */
  const letIn = (count: number, from: From = { address: "10.0.0.1" }) => {
    let passed = 0;
    for (let asked = 0; asked < count; asked++) if (!refusalOf(from)) passed++;
    return passed;
  };
  const refusalOf = (from: From, caller = callerFrom(from)): RequestError | undefined => {
    try {
      assert.equal(policy(new Request("http://h/mcp"), caller, () => LET_IN), LET_IN);
      return undefined;
    } catch (error) {
      assert(error instanceof RequestError);
      return error;
    }
  };
  return { letIn, refusalOf };
}

Deno.test("rateLimit lets in a burst, and then as many as the rate says", () => {
  using clock = fakeClock();
  const { letIn } = limited();
  assert.equal(letIn(10), 3);
  clock.pass(9_999);
  assert.equal(letIn(1), 0);
  clock.pass(1);
  assert.equal(letIn(2), 1);
  clock.pass(20_000);
  assert.equal(letIn(5), 2);
  clock.pass(10 * MINUTE);
  assert.equal(letIn(10), 3);
});

Deno.test("rateLimit lets in all of a rate whose interval is no whole number, at once and evenly", () => {
  using clock = fakeClock();
  const { letIn } = limited({ rate: { count: 7, perMs: MINUTE }, burst: 7 });
  assert.equal(letIn(20), 7);
  let passed = 0;
  for (let tenths = 0; tenths < 7 * 600; tenths++) {
    clock.pass(100);
    passed += letIn(1);
  }
  assert.equal(passed, 49);
});

Deno.test("rateLimit says when to come again, as the draft of the headers has it", () => {
  using clock = fakeClock();
  const { letIn, refusalOf } = limited();
  letIn(3);
  clock.pass(2_500);
  const refusal = refusalOf({ address: "10.0.0.1" });
  assert.equal(refusal?.status, 429);
  assert.deepEqual(refusal?.headers, {
    "Retry-After": "8",
    "RateLimit-Policy": '"default";q=6;w=60',
    "RateLimit": '"default";r=0;t=8',
  });
  assert.deepEqual(refusal?.data, { retryAfterMs: 7_500 });
});

Deno.test("rateLimit counts a principal wherever it calls from, and others by address or /64", () => {
  using _clock = fakeClock();
  const { letIn } = limited();
  assert.equal(letIn(2, { address: "10.0.0.1", principal: "apiKey/ci" }), 2);
  assert.equal(letIn(5, { address: "10.0.0.2", principal: "apiKey/ci" }), 1);
  assert.equal(letIn(5, { address: "10.0.0.1", principal: "apiKey/other" }), 3);
  assert.equal(letIn(5, { address: "10.0.0.1" }), 3);
  assert.equal(letIn(5, { address: "::ffff:10.0.0.1" }), 0);
  assert.equal(letIn(2, { address: "2001:db8:1:2::1" }), 2);
  assert.equal(letIn(5, { address: "2001:db8:1:2:ffff::9" }), 1);
  assert.equal(letIn(5, { address: "2001:db8:1:3::1" }), 3);
  assert.equal(letIn(5, { address: "127.0.0.1" }), 3);
  assert.equal(letIn(5, {}), 3);
});

Deno.test("rateLimit knows no more callers than it may, and which of them are at it", () => {
  using _clock = fakeClock();
  const { letIn } = limited({ maxCallers: 10 });
  letIn(3);
  for (let other = 0; other < 1_000; other++) {
    assert.equal(letIn(1, { address: `192.0.2.${other}` }), 1);
    assert.equal(letIn(1), 0);
  }
});

Deno.test("rateLimit leaves probes alone, and limits what else comes of the caller", () => {
  using clock = fakeClock();
  const { refusalOf } = limited();
  for (let asked = 0; asked < 50; asked++) {
    const probe = callerFrom({ address: "10.0.0.1" });
    probe.foundOpen("probes");
    assert.equal(refusalOf({}, probe), undefined);
  }
  const caller = callerFrom({ address: "10.0.0.1" });
  assert.equal(refusalOf({}, caller), undefined);
  assert.equal(caller.allowance?.refusal(3)?.status, 429);
  assert.equal(caller.allowance?.refusal(2), undefined);
  assert.equal(caller.allowance?.refusal(1)?.status, 429);
  clock.pass(30_000);
  // More than there can ever be is all that there can be.
  assert.equal(caller.allowance?.refusal(100), undefined);
  assert.equal(caller.allowance?.refusal(1)?.status, 429);
});

Deno.test("rateLimit counts whom nobody knows by the address, and leaves others of it alone", () => {
  using _clock = fakeClock();
  const rate = { count: 3, perMs: MINUTE };
  const { strangerRefusal, callers } = rateLimit({ rate, burst: 3, maxCallers: 10 });
  const refusals = ["10.0.0.1", "10.0.0.1", "10.0.0.1", "10.0.0.1", "10.0.0.2"].map((address) =>
    strangerRefusal(callerFrom({ address }))?.status
  );
  assert.deepEqual(refusals, [undefined, undefined, undefined, 429, undefined]);
  const known = callerFrom({ address: "10.0.0.1", principal: "a/b" });
  // One who is known by what was signed, with a body that somebody may have altered on the way.
  assert.equal(strangerRefusal(known)?.status, 429);
  assert.equal(callers<Response>(new Request("http://h/mcp"), known, () => LET_IN), LET_IN);
});

Deno.test("rateLimit lets nobody wait for the old time where the clock was set back, nor whoever was quiet", () => {
  using clock = fakeClock();
  const { letIn } = limited();
  const quiet = { address: "10.0.0.9" };
  assert.equal(letIn(1, quiet), 1);
  clock.pass(36_000_000);
  assert.equal(letIn(10), 3);
  const before = Date.now;
  Date.now = () => before() - 39_600_000;
  assert.equal(letIn(1), 0);
  assert.equal(letIn(10, quiet), 3);
  clock.pass(10_000);
  assert.equal(letIn(5), 1);
});

Deno.test("rateLimit lets everybody have a burst, and no more, where the clock was set forward", () => {
  using _clock = fakeClock();
  const { letIn } = limited();
  assert.equal(letIn(10), 3);
  const before = Date.now;
  Date.now = () => before() + 39_600_000;
  assert.equal(letIn(10), 3);
});

Deno.test("rateLimit reaches a rate of more than one in a millisecond, also without a burst", () => {
  using clock = fakeClock();
  const { letIn } = limited({ rate: { count: 10_000, perMs: 1_000 }, burst: 1 });
  let passed = 0;
  for (let ms = 0; ms < 100; ms++) {
    passed += letIn(30);
    clock.pass(1);
  }
  assert(passed >= 1_000 && passed <= 1_011, `${passed}`);
});
