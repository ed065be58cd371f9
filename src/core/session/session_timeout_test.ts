import assert from "node:assert/strict";
import { fakeClock } from "../../../tests/support/fake_clock.ts";
import { settled } from "../../../tests/support/far_end.ts";
import {
  failure,
  notification,
  progress,
  request,
  result,
  tracked,
} from "../../../tests/support/messages.ts";
import { sessionRig } from "../../../tests/support/session_rig.ts";
import { Deadlines } from "../deadlines.ts";

const TIMEOUT_MS = 20;

function timedOut(id: number, method = "tools/call") {
  return failure(
    id,
    `The server did not answer "${method}" within ${TIMEOUT_MS}ms (--requestTimeout)`,
    -32001,
  );
}

Deno.test("Session answers a request that takes too long, and cancels it at the server", async () => {
  using deadlines = new Deadlines({ requestTimeoutMs: TIMEOUT_MS, maxRequestMs: 600_000 });
  const { client, server, told } = sessionRig({ deadlines });
  client.say(request(1));
  assert.deepEqual(await server.hear(), request(1));
  const answer = timedOut(1);
  assert.deepEqual(await client.hear(), answer);
  assert.deepEqual(
    await server.hear(),
    notification("notifications/cancelled", { requestId: 1, reason: answer.error.message }),
  );
  assert.deepEqual(told("request.finished").map(({ outcome }) => outcome), ["timeout"]);
});

Deno.test("Session drops the answer that comes after the timeout", async () => {
  using deadlines = new Deadlines({ requestTimeoutMs: TIMEOUT_MS });
  const { client, server, drops } = sessionRig({ deadlines });
  client.say(request(1));
  assert.deepEqual(await client.hear(), timedOut(1));
  server.say(result(1), notification("next"));
  assert.deepEqual(await client.hear(), notification("next"));
  assert.deepEqual(drops(), ["it answers no open request"]);
});

Deno.test("Session never cancels initialize", async () => {
  using deadlines = new Deadlines({ requestTimeoutMs: TIMEOUT_MS });
  const { client, server } = sessionRig({ deadlines });
  client.say(request(1, "initialize"));
  assert.deepEqual(await client.hear(), timedOut(1, "initialize"));
  await client.close();
  assert.deepEqual((await server.rest()).messages, [request(1, "initialize")]);
});

Deno.test("Session sends nothing to a server of a request that timed out before it was open", async () => {
  using deadlines = new Deadlines({ requestTimeoutMs: TIMEOUT_MS });
  const opening = Promise.withResolvers<void>();
  const rig = sessionRig({
    deadlines,
    openServer: () => opening.promise.then(() => rig.ends.server),
  });
  const { client, server, drops } = rig;
  client.say(request(1));
  assert.deepEqual(await client.hear(), timedOut(1));
  opening.resolve();
  client.say(notification("next"));
  assert.deepEqual(await server.hear(), notification("next"));
  assert.deepEqual(drops(), ["its request was answered meanwhile"]);
});

Deno.test("Session gives a request its time anew at each progress, and the others not", async () => {
  using clock = fakeClock();
  using deadlines = new Deadlines({ requestTimeoutMs: TIMEOUT_MS });
  const { client, server } = sessionRig({ deadlines });
  client.say(tracked(1, "t"), request(2));
  for (const _ of "12") assert("id" in await server.hear());
  clock.pass(TIMEOUT_MS - 1);
  server.say(progress("t"));
  assert.deepEqual(await client.hear(), progress("t"));
  clock.pass(TIMEOUT_MS - 1);
  assert.deepEqual(await client.hear(), timedOut(2));
  server.say(result(1));
  assert.deepEqual(await client.hear(), result(1));
});

Deno.test("Session ends a request at its last limit whatever its progress", async () => {
  using clock = fakeClock();
  using deadlines = new Deadlines({ requestTimeoutMs: TIMEOUT_MS, maxRequestMs: 2 * TIMEOUT_MS });
  const { client, server } = sessionRig({ deadlines });
  client.say(tracked(1, "t"));
  assert("id" in await server.hear());
  for (let step = 0; step < 3; step++) {
    clock.pass(TIMEOUT_MS / 2);
    server.say(progress("t"));
    assert.deepEqual(await client.hear(), progress("t"));
  }
  clock.pass(TIMEOUT_MS / 2);
  const message = `The server did not answer "tools/call" within ${2 * TIMEOUT_MS}ms (--maxRequestTime)`;
  assert.deepEqual(await client.hear(), failure(1, message, -32001));
});

Deno.test("Session leaves nothing to its deadlines, whoever ends it", async () => {
  for (const end of ["answer", "client", "server"] as const) {
    const open = new Set<unknown>();
    using deadlines = new Deadlines({ requestTimeoutMs: 600_000, maxRequestMs: 600_000 });
    const { client, server, over } = sessionRig({ deadlines: watched(deadlines, open) });
    client.say(request(1));
    await server.hear();
    assert.equal(open.size, 1);
    if (end === "answer") server.say(result(1));
    await (end === "server" ? server : client)[end === "answer" ? "close" : "leave"]();
    await over;
    assert.equal(open.size, 0, end);
  }
  await settled();
});

/** Deadlines that tell what is in them. */
function watched(deadlines: Deadlines, open: Set<unknown>): Deadlines {
  const { add, delete: remove } = deadlines;
  return Object.assign(deadlines, {
    add: (entry: Parameters<typeof add>[0]) => {
      const deadline = add.call(deadlines, entry);
      open.add(deadline);
      return deadline;
    },
    delete: (deadline: Parameters<typeof remove>[0]) => {
      open.delete(deadline);
      remove.call(deadlines, deadline);
    },
  });
}
