import assert from "node:assert/strict";
import { memoryEventStore } from "../../core/event_store.ts";
import { fakeClock } from "../../../tests/support/fake_clock.ts";
import { notification, result } from "../../../tests/support/messages.ts";
import { drain, eventsIn, messagesIn, take } from "../../../tests/support/resume_rig.ts";
import { looseUnread } from "../../../tests/support/waiting_limits.ts";
import { MessageStream } from "./message_stream.ts";
import { SessionEvents } from "./session_events.ts";

const STALL_MS = 10_000;
/** More than may wait for a client that reads slowly. */
const LARGE = notification("notifications/message", { text: "x".repeat(100_000) });

function openStream(primes: boolean) {
  const store = memoryEventStore({ bytes: 1 << 20, events: 100, ageMs: 60_000 });
  const events = new SessionEvents({ session: "s1", store, emit: () => {}, primes: () => primes });
  let gone = 0;
  const stream = new MessageStream({
    session: "s1",
    unread: looseUnread(),
    keepAliveMs: 60_000,
    log: events.log(),
    stallMs: STALL_MS,
    onGone: () => gone++,
  });
  return { stream, gone: () => gone };
}

/** Whether a promise has settled by the time everything that was ready has run. */
async function settles(promise: Promise<void> | void): Promise<boolean> {
  let done = promise === undefined;
  void promise?.then(() => done = true);
  for (let turn = 0; turn < 20; turn++) await undefined;
  return done;
}

Deno.test("MessageStream leaves a client that does not read to resume, and lets the sender go on", async () => {
  using clock = fakeClock();
  const { stream, gone } = openStream(true);
  const unread = eventsIn(stream.connect({}));
  const sent = stream.send({ message: LARGE });
  clock.pass(STALL_MS - 1);
  assert(!await settles(sent));
  clock.pass(1);
  assert(await settles(sent));
  assert.deepEqual([stream.connected, gone()], [false, 1]);
  // From here on nobody is waited for.
  assert.equal(stream.send({ message: LARGE }), undefined);
  const seen = await take(unread, 2);
  assert.deepEqual(messagesIn(seen), [LARGE]);
  assert.equal(await unread.next(), undefined);
  assert.equal(stream.send({ message: result(1) }, true), undefined);
  const response = await stream.resume(1, {});
  assert(response);
  assert.deepEqual(messagesIn(await drain(response)), [LARGE, result(1)]);
});

Deno.test("MessageStream waits for a slow client that reads in the end", async () => {
  using clock = fakeClock();
  const { stream, gone } = openStream(true);
  const slow = eventsIn(stream.connect({}));
  const sent = stream.send({ message: LARGE });
  clock.pass(STALL_MS - 1);
  await take(slow, 2);
  await sent;
  clock.pass(STALL_MS);
  assert.deepEqual([stream.connected, gone()], [true, 0]);
  await slow.cancel();
  assert.equal(gone(), 1);
});

Deno.test("MessageStream waits without an end for a client of a revision that forbids to close its stream", async () => {
  using clock = fakeClock();
  const { stream } = openStream(false);
  const unread = eventsIn(stream.connect({}));
  const sent = stream.send({ message: LARGE });
  clock.pass(10 * STALL_MS);
  assert(!await settles(sent));
  await unread.cancel();
  assert(await settles(sent));
});

Deno.test("MessageStream tells its owner of a client that left, and not of one that gave way", async () => {
  const { stream, gone } = openStream(true);
  const first = eventsIn(stream.connect({}));
  const second = eventsIn(stream.connect({}));
  assert.equal((await first.rest()).length, 1);
  assert.deepEqual([gone(), stream.connected], [0, true]);
  await second.cancel();
  assert.deepEqual([gone(), stream.connected], [1, false]);
});
