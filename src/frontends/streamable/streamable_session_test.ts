import assert from "node:assert/strict";
import { memoryEventStore } from "../../core/event_store.ts";
import type { JsonRpcRequest } from "../../core/message/jsonrpc.ts";
import { fakeClock } from "../../../tests/support/fake_clock.ts";
import { looseUnread } from "../../../tests/support/waiting_limits.ts";
import { notification, request, result } from "../../../tests/support/messages.ts";
import { drain, eventsIn, messagesIn, take } from "../../../tests/support/resume_rig.ts";
import type { Posted } from "../posted.ts";
import { SessionGroup, type SessionSettings } from "./session_group.ts";
import { StreamableSession } from "./streamable_session.ts";
import { unbounded } from "../../../tests/support/unbounded.ts";

const posted = (message: JsonRpcRequest): Posted => ({
  messages: [{ message, text: JSON.stringify(message), relatesTo: undefined }],
  requests: [message],
  batch: false,
  weight: 1,
  body: { release: () => {} },
});

/** Past its handshake. */
async function begin(options: Partial<SessionSettings> = {}) {
  let ended = 0;
  const settings: SessionSettings = {
    unread: looseUnread(),
    replyMode: "sse",
    keepAliveMs: 60_000,
    sessionTimeoutMs: 1_000,
    maxBufferedMessages: 100,
    maxBufferedBytes: 1 << 20,
    events: memoryEventStore({ bytes: 1 << 20, events: 1_000, ageMs: 600_000 }),
    emit: () => {},
    ...options,
  };
  const group = new SessionGroup(settings, () => {
    ended++;
    group.rest();
  });
  const session = new StreamableSession(group);
  session.begin(unbounded());
  const answered = session.post(posted(request(0, "initialize")));
  await session.send({ message: result(0, { protocolVersion: "2025-11-25" }), relatesTo: 0 });
  await (await answered).text();
  return { session, ended: () => ended > 0 };
}

Deno.test("StreamableSession is idle since its last activity, unless a request or a stream is open", async () => {
  using clock = fakeClock();
  const { session } = await begin({ sessionTimeoutMs: 600_000 });
  assert.equal(session.idleMs, 0);
  clock.pass(50);
  assert.equal(session.idleMs, 50);

  const call = eventsIn(await session.post(posted(request(1))));
  clock.pass(50);
  assert.equal(session.idleMs, undefined);
  const [primed] = await take(call, 1);
  await call.cancel();
  // Its client is gone, but it still runs.
  assert.equal(session.idleMs, undefined);
  clock.pass(50);
  await session.send({ message: result(1), relatesTo: 1 });
  assert.equal(session.idleMs, 0);

  const standing = eventsIn(session.listen());
  clock.pass(50);
  assert.equal(session.idleMs, undefined);
  await standing.cancel();
  clock.pass(20);
  assert.equal(session.idleMs, 20);

  const resumed = eventsIn(await session.resume(primed?.id ?? ""));
  await take(resumed, 2);
  assert.equal(await resumed.next(), undefined);
  clock.pass(30);
  assert.equal(session.idleMs, 30);
  await session[Symbol.asyncDispose]();
});

Deno.test("StreamableSession is not idle while somebody reads what was missed", async () => {
  using clock = fakeClock();
  const { session } = await begin({ sessionTimeoutMs: 600_000 });
  const call = eventsIn(await session.post(posted(request(1))));
  const [primed] = await take(call, 1);
  await call.cancel();
  for (let n = 0; n < 4; n++) {
    const message = notification("notifications/message", { text: "x".repeat(50_000) });
    await session.send({ message, relatesTo: 1 });
  }
  await session.send({ message: result(1), relatesTo: 1 });
  const resumed = eventsIn(await session.resume(primed?.id ?? ""));
  clock.pass(50);
  assert.equal(session.idleMs, undefined);
  await take(resumed, 6);
  assert.equal(await resumed.next(), undefined);
  assert.equal(session.idleMs, 50);
  await session[Symbol.asyncDispose]();
});

Deno.test("StreamableSession gives a client that left in the middle of a call its time to come back", async () => {
  using clock = fakeClock();
  const { session, ended } = await begin({ sessionTimeoutMs: 1_000 });
  const call = eventsIn(await session.post(posted(request(1))));
  const [primed] = await take(call, 1);
  // While the client waits, no time is long.
  for (let time = 0; time < 5; time++) clock.pass(900);
  await call.cancel();
  clock.pass(900);
  assert(!ended());
  const resumed = eventsIn(await session.resume(primed?.id ?? ""));
  for (let time = 0; time < 5; time++) clock.pass(900);
  assert(!ended());
  await resumed.cancel();
  clock.pass(900);
  assert(!ended());
  clock.pass(200);
  assert(ended());
  await session[Symbol.asyncDispose]();
});

Deno.test("StreamableSession keeps an answer that nobody waited for until its idle time is over", async () => {
  using clock = fakeClock();
  const { session, ended } = await begin({ sessionTimeoutMs: 1_000 });
  const call = eventsIn(await session.post(posted(request(1))));
  const [primed] = await take(call, 1);
  await call.cancel();
  clock.pass(900);
  await session.send({ message: result(1), relatesTo: 1 });
  clock.pass(900);
  assert(!ended());
  assert.equal((await take(eventsIn(await session.resume(primed?.id ?? "")), 2)).length, 2);
  clock.pass(1_100);
  assert(ended());
  await session[Symbol.asyncDispose]();
});

Deno.test("StreamableSession refuses a second request under the id of an open one, whose answer still comes", async () => {
  const { session } = await begin({ replyMode: "json" });
  const first = session.post(posted(request(1)));
  assert.throws(() => session.post(posted(request(1))), /a request with id 1 is still open/);
  await session.send({ message: result(1, "for the first"), relatesTo: 1 });
  assert.deepEqual(await (await first).json(), result(1, "for the first"));
  await session[Symbol.asyncDispose]();
});

const ASK = request("ask", "roots/list");

Deno.test("StreamableSession asks on its newest POST where the client has no GET stream, and does not guess else", async () => {
  const { session } = await begin();
  const [older, newer] = [await session.post(posted(request(1))), await session.post(posted(request(2)))];
  await session.send({ message: ASK });
  await session.send({ message: notification("notifications/tools/list_changed") });
  await session.send({ message: result(1), relatesTo: 1 });
  await session.send({ message: result(2), relatesTo: 2 });
  assert.deepEqual(messagesIn(await drain(older)), [result(1)]);
  assert.deepEqual(messagesIn(await drain(newer)), [ASK, result(2)]);
  // What is no question waits for the GET stream.
  const standing = eventsIn(session.listen());
  const heard = messagesIn(await take(standing, 2));
  assert.deepEqual(heard, [notification("notifications/tools/list_changed")]);
  const open = await session.post(posted(request(3)));
  await session.send({ message: ASK });
  assert.deepEqual(messagesIn(await take(standing, 1)), [ASK]);
  await session.send({ message: result(3), relatesTo: 3 });
  assert.deepEqual(messagesIn(await drain(open)), [result(3)]);
  await session[Symbol.asyncDispose]();
});

Deno.test("StreamableSession asks with the next POST what came while none was open, and what came first comes first", async () => {
  const { session } = await begin();
  const taken = notification("notifications/cancelled", { requestId: "ask" });
  const kept = notification("notifications/tools/list_changed");
  for (const message of [ASK, kept, taken]) await session.send({ message });
  const call = await session.post(posted(request(1)));
  await session.send({ message: result(1), relatesTo: 1 });
  assert.deepEqual(messagesIn(await drain(call)), [ASK, taken, result(1)]);
  const standing = eventsIn(session.listen());
  assert.deepEqual(messagesIn(await take(standing, 2)), [kept]);
  await session[Symbol.asyncDispose]();
});

Deno.test("StreamableSession has questions wait for the GET stream where POSTs are answered in JSON alone", async () => {
  const { session } = await begin({ replyMode: "json" });
  const call = session.post(posted(request(1)));
  await session.send({ message: ASK });
  await session.send({ message: result(1), relatesTo: 1 });
  assert.deepEqual(await (await call).json(), result(1));
  assert.deepEqual(messagesIn(await take(eventsIn(session.listen()), 2)), [ASK]);
  await session[Symbol.asyncDispose]();
});
