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
