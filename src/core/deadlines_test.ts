import assert from "node:assert/strict";
import { fakeClock } from "../../tests/support/fake_clock.ts";
import { type DeadlineOptions, Deadlines } from "./deadlines.ts";

/** When an entry expires, and the message of its error; `renewEveryMs` has it make progress until then. */
function expiry(
  options: DeadlineOptions,
  renewEveryMs = 600_000,
): [atMs: number, message: string] | undefined {
  using clock = fakeClock();
  using deadlines = new Deadlines(options);
  let expired: [number, string] | undefined;
  const entry = {
    method: "tools/call",
    since: performance.now(),
    expire: ({ message }: Error) => void (expired ??= [performance.now(), message]),
  };
  const deadline = deadlines.add(entry);
  for (let step = 0; step < 100 && !expired; step++) {
    clock.pass(renewEveryMs);
    if (!expired) deadlines.renew(deadline);
  }
  return expired;
}

Deno.test("Deadlines name the limit that was first, and its flag", () => {
  const said = 'The server did not answer "tools/call" within';
  assert.deepEqual(
    expiry({ requestTimeoutMs: 10, maxRequestMs: 60_000 }),
    [10, `${said} 10ms (--requestTimeout)`],
  );
  assert.deepEqual(
    expiry({ requestTimeoutMs: 60_000, maxRequestMs: 10 }),
    [10, `${said} 10ms (--maxRequestTime)`],
  );
});

Deno.test("Deadlines let progress prolong the silence that is allowed, and not the whole", () => {
  const [atMs, message] = expiry({ requestTimeoutMs: 200, maxRequestMs: 500 }, 20) ?? [];
  assert.equal(atMs, 500);
  assert.match(message ?? "", /500ms \(--maxRequestTime\)$/);
});

Deno.test("Deadlines without limits set none", () => {
  const deadlines = new Deadlines({});
  deadlines.add({ method: "ping", since: 0, expire: () => assert.fail("it expired") });
});

Deno.test("Deadlines have a time of their own for calls of some tools, and the first that fits counts", () => {
  const callTimeouts = [
    { matches: (tool: string) => tool === "slow_free", ms: undefined },
    { matches: (tool: string) => tool.startsWith("slow"), ms: 5_000 },
    { matches: () => true, ms: 1_000 },
  ];
  const after = (tool: string | undefined, options: DeadlineOptions = {}) => {
    using clock = fakeClock();
    using deadlines = new Deadlines({ requestTimeoutMs: 300, callTimeouts, ...options });
    const expired: number[] = [];
    const expire = ({ message }: Error) =>
      void expired.push(performance.now(), /callTimeout/.test(message) ? 1 : 0);
    const deadline = deadlines.add({ method: "tools/call", tool, since: performance.now(), expire });
    clock.pass(60_000);
    deadlines.delete(deadline);
    assert.equal(clock.timers, 0);
    return expired;
  };
  assert.deepEqual(after("slow_free"), []);
  assert.deepEqual(after("slow_one"), [5_000, 1]);
  assert.deepEqual(after("quick"), [1_000, 1]);
  assert.deepEqual(after(undefined), [300, 0]);
  assert.deepEqual(after("quick", { callTimeouts: callTimeouts.slice(0, 1) }), [300, 0]);
});
