import assert from "node:assert/strict";
import { type DeadlineOptions, Deadlines } from "./deadlines.ts";

/** The message of the error with which an entry expires; `renewEveryMs` has it make progress until then. */
async function expiry(options: DeadlineOptions, renewEveryMs = 600_000): Promise<string> {
  using deadlines = new Deadlines(options);
  const { promise, resolve } = Promise.withResolvers<string>();
  const entry = {
    method: "tools/call",
    since: performance.now(),
    expire: ({ message }: Error) => resolve(message),
  };
  const deadline = deadlines.add(entry);
  const steps = setInterval(() => deadlines.renew(deadline), renewEveryMs);
  const message = await promise;
  clearInterval(steps);
  return message;
}

Deno.test("Deadlines name the limit that was first, and its flag", async () => {
  const said = 'The server did not answer "tools/call" within';
  assert.equal(
    await expiry({ requestTimeoutMs: 10, maxRequestMs: 60_000 }),
    `${said} 10ms (--requestTimeout)`,
  );
  assert.equal(
    await expiry({ requestTimeoutMs: 60_000, maxRequestMs: 10 }),
    `${said} 10ms (--maxRequestTime)`,
  );
});

Deno.test("Deadlines let progress prolong the silence that is allowed, and not the whole", async () => {
  assert.match(await expiry({ requestTimeoutMs: 200, maxRequestMs: 500 }, 20), /500ms \(--maxRequestTime\)$/);
});

Deno.test("Deadlines without limits set none", () => {
  const deadlines = new Deadlines({});
  deadlines.add({ method: "ping", since: 0, expire: () => assert.fail("it expired") });
});
