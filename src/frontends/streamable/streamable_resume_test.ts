import assert from "node:assert/strict";
import { type EventStore, memoryEventStore } from "../../core/event_store.ts";
import type { JsonRpcMessage } from "../../core/message/jsonrpc.ts";
import { looseUnread } from "../../../tests/support/waiting_limits.ts";
import { fakeClock } from "../../../tests/support/fake_clock.ts";
import { settled } from "../../../tests/support/far_end.ts";
import { cancelled, failure, notification, request, result } from "../../../tests/support/messages.ts";
import {
  drain,
  eventsIn,
  messagesIn,
  resumeRig,
  type ResumeRigOptions,
  seenIn,
  SlowStore,
  take,
} from "../../../tests/support/resume_rig.ts";

const LIMITS = { bytes: 1 << 20, events: 1_000, ageMs: 600_000 };
const note = (n: number) => notification("notifications/message", { data: n });

async function assertNotResumable(response: Response, id: string): Promise<void> {
  assert.equal(response.status, 400);
  const { error, ...rest } = await response.json();
  assert.deepEqual(rest, { jsonrpc: "2.0", id: null });
  assert.equal(error.code, -32000);
  assert(error.message.includes(JSON.stringify(id)), error.message);
  assert.match(error.message, /Listen without Last-Event-ID/);
}

/** A call in the middle of its stream, whose client left after so many events. */
async function brokenOff(options: ResumeRigOptions = {}, count = 1) {
  const rig = await resumeRig(options);
  const stream = eventsIn(await rig.post(request(1)));
  for (let n = 1; n <= count; n++) await rig.say(note(n), 1);
  const seen = await take(stream, count + 1);
  await stream.cancel();
  return { rig, ids: seen.map(({ id }) => id ?? "") };
}

Deno.test("streamable gives every event of a session an id of its own, and begins each stream with one", async () => {
  const rig = await resumeRig();
  const standing = eventsIn(await rig.get());
  await rig.say(note(0));
  const streams = [eventsIn(await rig.post(request(1))), eventsIn(await rig.post(request(2)))];
  for (const id of [1, 2]) {
    await rig.say(note(id), id);
    await rig.say(result(id), id);
  }
  const seen = [await take(standing, 2), await take(streams[0]!, 3), await take(streams[1]!, 3)];
  assert.deepEqual(seen.map(messagesIn), [[note(0)], [note(1), result(1)], [note(2), result(2)]]);
  for (const [first, ...rest] of seen) {
    assert.equal(first?.message, undefined);
    assert(rest.every(({ message }) => message));
  }
  const ids = seen.flat().map(({ id }) => id ?? "");
  assert.equal(new Set(ids).size, 8);
  for (const id of ids) assert.match(id, /^[0-9a-f]{8}\.\d+-\d+$/);
  assert((standing.retryMs ?? 0) >= 100);
  await standing.cancel();
  await rig.end();
});

for (const version of ["2025-03-26", "2025-06-18"]) {
  Deno.test(`streamable sends a client of ${version} no event without data, for it would read it as JSON`, async () => {
    const rig = await resumeRig({ version });
    const standing = eventsIn(await rig.get());
    await rig.say(note(0));
    const left = eventsIn(await rig.post(request(1)));
    await rig.say(note(1), 1);
    const seen = [...await take(standing, 1), ...await take(left, 1)];
    assert.deepEqual(messagesIn(seen), [note(0), note(1)]);
    assert(seen.every(({ id }) => id));
    await left.cancel();
    await rig.say(result(1), 1);
    assert.deepEqual(messagesIn(await drain(await rig.get(seen[1]?.id))), [result(1)]);
    await standing.cancel();
    await rig.end();
  });
}

Deno.test("streamable without an event store has no ids and resumes nothing", async () => {
  const rig = await resumeRig({ events: undefined });
  const answered = await rig.post(request(1));
  await rig.say(note(1), 1);
  await rig.say(result(1), 1);
  const texts = [note(1), result(1)].map((message) => `event: message\ndata: ${JSON.stringify(message)}\n\n`);
  assert.equal(await answered.text(), texts.join(""));
  await assertNotResumable(await rig.get("00000000.1-0"), "00000000.1-0");
  const left = eventsIn(await rig.post(request(2)));
  await rig.say(note(2), 2);
  await left.cancel();
  await rig.say(result(2), 2);
  assert.deepEqual(rig.drops(), ["its client is gone"]);
  await rig.end();
});

Deno.test("streamable asks the event store nothing for a plain JSON answer", async () => {
  const touched: string[] = [];
  const store: EventStore = {
    append: () => void touched.push("append"),
    read: () => void touched.push("read"),
    drop: () => void touched.push("drop"),
  };
  const rig = await resumeRig({ events: store, replyMode: "auto" });
  for (const id of [1, 2, 3]) {
    const answered = rig.post(request(id));
    await rig.inbox.next();
    await rig.say(result(id), id);
    assert.deepEqual(await (await answered).json(), result(id));
  }
  assert.deepEqual(touched, []);
  await rig.end();
  assert.deepEqual(touched, []);
});

Deno.test("streamable keeps what a call says after its client left, and goes on with it when the client is back", async () => {
  const { rig, ids } = await brokenOff({}, 2);
  await rig.say(note(3), 1);
  await rig.say(request("s", "sampling/createMessage"), 1);
  const stream = eventsIn(await rig.get(ids[1]));
  const missed = [note(2), note(3), request("s", "sampling/createMessage")];
  assert.deepEqual(messagesIn(await take(stream, 4)), missed);
  await rig.say(note(4), 1);
  await rig.say(result(1), 1);
  assert.deepEqual(messagesIn(await take(stream, 2)), [note(4), result(1)]);
  assert.equal(await stream.next(), undefined);
  assert.deepEqual(rig.drops(), []);
  await rig.end();
});

Deno.test("streamable resumes from the first event without data as well", async () => {
  const { rig, ids } = await brokenOff({}, 0);
  await rig.say(note(1), 1);
  await rig.say(result(1), 1);
  assert.deepEqual(messagesIn(await drain(await rig.get(ids[0]))), [note(1), result(1)]);
  await rig.end();
});

Deno.test("streamable gives the same events the same ids again, and the id that a client came with first", async () => {
  const { rig, ids } = await brokenOff({}, 3);
  const stream = eventsIn(await rig.get(ids[1]));
  assert.deepEqual((await take(stream, 3)).map(({ id }) => id), ids.slice(1));
  await stream.cancel();
  await rig.end();
});

Deno.test("streamable keeps a whole answer for a client that left, as often as it asks", async () => {
  const { rig, ids } = await brokenOff();
  await rig.say(result(1), 1);
  for (let time = 0; time < 2; time++) {
    assert.deepEqual(messagesIn(await drain(await rig.get(ids[1]))), [result(1)]);
    assert.deepEqual(messagesIn(await drain(await rig.get(ids[0]))), [note(1), result(1)]);
  }
  await rig.end();
});

Deno.test("streamable tells a client that has everything not to come again", async () => {
  const rig = await resumeRig();
  const answers: (readonly [number, JsonRpcMessage])[] = [[1, result(1)], [2, failure(2)]];
  for (const [id, answer] of answers) {
    const answered = await rig.post(request(id));
    await rig.say(answer, id);
    const seen = await drain(answered);
    const response = await rig.get(seen.at(-1)?.id);
    assert.deepEqual([response.status, response.body], [204, null]);
    assert.equal(response.headers.get("content-type"), "text/event-stream");
  }
  // A cancelled call ends with an answer that says so.
  const ended = failure(3, "Request cancelled", -32800);
  const begun = await rig.post(request(3));
  await rig.say(note(3), 3);
  await rig.post(cancelled(3));
  const seen = await drain(begun);
  assert.deepEqual(messagesIn(seen), [note(3), ended]);
  assert.equal((await rig.get(seen.at(-1)?.id)).status, 204);
  assert.deepEqual(messagesIn(await drain(await rig.get(seen[0]?.id))), [note(3), ended]);
  await rig.end();
});

Deno.test("streamable begins no stream that could be resumed for a call that is cancelled before its first event", async () => {
  const rig = await resumeRig({ replyMode: "auto" });
  const answering = rig.post(request(1));
  await rig.inbox.next();
  await rig.post(cancelled(1));
  const answered = await answering;
  assert.equal(answered.headers.get("content-type"), "application/json");
  assert.deepEqual(await answered.json(), failure(1, "Request cancelled", -32800));
  await rig.end();
});

Deno.test("streamable never replays what belongs to another stream or another session", async () => {
  const rig = await resumeRig();
  const other = await rig.another();
  const standing = eventsIn(await rig.get());
  const calls = [eventsIn(await rig.post(request(1))), eventsIn(await rig.post(request(2)))];
  const theirs = eventsIn(await other.post(request(1)));
  for (let n = 0; n < 3; n++) {
    await rig.say(note(n));
    await rig.say(note(10 + n), 1);
    await rig.say(note(20 + n), 2);
    await other.say(note(30 + n), 1);
  }
  await rig.say(result(1), 1);
  const seen = [await take(standing, 4), await take(calls[0]!, 5), await take(calls[1]!, 4)];
  const foreign = await take(theirs, 4);
  const after = (at: number) => seen[at]?.[1]?.id;
  await calls[1]?.cancel();
  assert.deepEqual(messagesIn(await drain(await rig.get(after(1)))), [note(11), note(12), result(1)]);
  const again = eventsIn(await rig.get(after(2)));
  assert.deepEqual(messagesIn(await take(again, 3)), [note(21), note(22)]);
  const next = eventsIn(await rig.get(after(0)));
  assert.deepEqual(messagesIn(await take(next, 3)), [note(1), note(2)]);
  for (const { id = "" } of foreign) await assertNotResumable(await rig.get(id), id);
  for (const stream of [again, next, theirs]) await stream.cancel();
  await rig.end();
  await other.end();
});

Deno.test("streamable refuses an id that is malformed, unknown or not yet given", async () => {
  const { rig, ids } = await brokenOff();
  const [stream = ""] = ids[0]!.split("-");
  const bad = [
    ...["1", "-", "abc", stream, `${stream}-`, `${stream}--1`, `${stream}-01`, `${stream}-1.0`],
    ...[`${stream}-1e0`, `${stream}-9999999999999999`, `${stream}-1-1`, `${stream}-1 1`],
    ...[`${stream}-2`, `${stream}9-0`, "00000000.0-0", "__proto__-1"],
  ];
  for (const id of bad) await assertNotResumable(await rig.get(id), id);
  const long = await (await rig.get("x".repeat(5_000))).json();
  assert(long.error.message.length < 300);
  // None of this has taken the call from whoever comes with the right id.
  await rig.say(result(1), 1);
  assert.deepEqual(messagesIn(await drain(await rig.get(ids[1]))), [result(1)]);
  await rig.end();
});

Deno.test("streamable refuses to resume over a gap, and resumes where all that follows is still there", async () => {
  const { rig, ids } = await brokenOff({ events: memoryEventStore({ ...LIMITS, events: 3 }) });
  for (let n = 2; n <= 5; n++) await rig.say(note(n), 1);
  await assertNotResumable(await rig.get(ids[1]), ids[1]!);
  const second = ids[1]!.replace(/1$/, "2");
  const stream = eventsIn(await rig.get(second));
  assert.deepEqual(messagesIn(await take(stream, 4)), [note(3), note(4), note(5)]);
  await stream.cancel();
  await rig.say(result(1), 1);
  await assertNotResumable(await rig.get(second), second);
  await rig.end();
});

Deno.test("streamable lets the GET stream go on where a client left it, with what was said in between", async () => {
  const rig = await resumeRig();
  const first = eventsIn(await rig.get());
  for (const n of [1, 2]) await rig.say(note(n));
  const seen = await take(first, 3);
  await first.cancel();
  await rig.say(note(3));
  const second = eventsIn(await rig.get(seen[1]?.id));
  assert.deepEqual(messagesIn(await take(second, 3)), [note(2), note(3)]);
  await rig.say(note(4));
  assert.deepEqual(messagesIn(await take(second, 1)), [note(4)]);
  // One that does not resume gets what comes from now on.
  const third = eventsIn(await rig.get());
  assert.equal(await second.next(), undefined);
  await rig.say(note(5));
  const last = await take(third, 2);
  assert.deepEqual(messagesIn(last), [note(5)]);
  await third.cancel();
  const fourth = eventsIn(await rig.get(last[0]?.id));
  assert.deepEqual(messagesIn(await take(fourth, 2)), [note(5)]);
  await fourth.cancel();
  await rig.end();
});

Deno.test("streamable closes the older connection of a stream when a newer one resumes it", async () => {
  const rig = await resumeRig();
  const first = eventsIn(await rig.post(request(1)));
  await rig.say(note(1), 1);
  const [primed] = await take(first, 2);
  const second = eventsIn(await rig.get(primed?.id));
  assert.equal(await first.next(), undefined);
  const third = eventsIn(await rig.get(primed?.id));
  await rig.say(result(1), 1);
  assert.deepEqual(messagesIn(await take(third, 3)), [note(1), result(1)]);
  for (const stream of [second, third]) assert.equal((await stream.rest()).length <= 2, true);
  await rig.end();
});

Deno.test("streamable loses and repeats nothing that comes while a slow store is being read", async () => {
  const store = new SlowStore();
  const { rig, ids } = await brokenOff({ events: store });
  const gate = Promise.withResolvers<void>();
  store.gate = gate.promise;
  const resumed = rig.get(ids[0]);
  // By now the store has been read, and its answer is on the way.
  while (store.reads === 0) await settled();
  for (const n of [2, 3]) void rig.say(note(n), 1);
  gate.resolve();
  const stream = eventsIn(await resumed);
  for (const n of [4, 5]) void rig.say(note(n), 1);
  assert.deepEqual(messagesIn(await take(stream, 6)), [1, 2, 3, 4, 5].map(note));
  void rig.say(note(6), 1);
  void rig.say(result(1), 1);
  assert.deepEqual(messagesIn(await take(stream, 2)), [note(6), result(1)]);
  assert.equal(await stream.next(), undefined);
  await rig.end();
});

Deno.test("streamable ends a resumed call that is answered while a slow store is being read", async () => {
  const store = new SlowStore();
  const { rig, ids } = await brokenOff({ events: store });
  const gate = Promise.withResolvers<void>();
  store.gate = gate.promise;
  const resumed = rig.get(ids[0]);
  while (store.reads === 0) await settled();
  void rig.say(result(1), 1);
  gate.resolve();
  assert.deepEqual(messagesIn(await drain(await resumed)), [note(1), result(1)]);
  // At once, although the store has not taken the answer yet.
  const response = await rig.post(request(2));
  void rig.say(result(2), 2);
  const { id: first } = (await take(eventsIn(response), 1))[0]!;
  assert.deepEqual(messagesIn(await drain(await rig.get(first))), [result(2)]);
  await rig.end();
});

Deno.test("streamable ends a resumed call that is cancelled while a slow store is being read", async () => {
  const store = new SlowStore();
  const { rig, ids } = await brokenOff({ events: store });
  const gate = Promise.withResolvers<void>();
  store.gate = gate.promise;
  const resumed = rig.get(ids[0]);
  while (store.reads === 0) await settled();
  await rig.post(cancelled(1));
  gate.resolve();
  // After the id that it came with, and the one event that there was.
  const events = await drain(await resumed);
  assert.deepEqual(events.map(({ id }) => id).slice(0, -1), ids);
  assert.deepEqual(messagesIn(events).at(-1), failure(1, "Request cancelled", -32800));
  await rig.end();
});

Deno.test("streamable resumes nothing of which the store has only the beginning", async () => {
  const store = memoryEventStore(LIMITS);
  const append: EventStore["append"] = (key, event) => {
    if (event.sequence > 2) throw new Error("the store is full");
    return store.append(key, event);
  };
  const read: EventStore["read"] = (key, after) => store.read(key, after);
  const { rig, ids } = await brokenOff({ events: { append, read, drop: () => {} } });
  await rig.say(note(2), 1);
  await rig.say(note(3), 1);
  await assertNotResumable(await rig.get(ids[0]), ids[0]!);
  await rig.say(result(1), 1);
  await assertNotResumable(await rig.get(ids[0]), ids[0]!);
  await rig.end();
});

Deno.test("streamable serves on with a store that fails, and says that nothing can be resumed", async () => {
  const fails = () => Promise.reject(new Error("the store is down"));
  for (
    const append of [fails, () => {
      throw new Error("the store is down");
    }]
  ) {
    const { rig, ids } = await brokenOff({ events: { append, read: fails, drop: fails } });
    await assertNotResumable(await rig.get(ids[0]), ids[0]!);
    await rig.say(result(1), 1);
    await rig.end();
    assert(rig.told("fault").every(({ where }) => where === "event store"));
    assert(rig.told("fault").length > 0);
  }
});

Deno.test("streamable drops an answer with an event when its client left before it had any id", async () => {
  const rig = await resumeRig({ version: "2025-06-18" });
  const stream = eventsIn(await rig.post(request(1)));
  await stream.cancel();
  await rig.say(result(1), 1);
  assert.deepEqual(rig.drops(), ["its client is gone"]);
  await rig.end();
});

Deno.test("streamable forgets the events of a session with it, and knows none of them any more", async () => {
  const store = memoryEventStore(LIMITS);
  const dropped: string[] = [];
  const events: EventStore = {
    append: (key, event) => store.append(key, event),
    read: (key, after) => store.read(key, after),
    drop: (session) => {
      dropped.push(session);
      return store.drop(session);
    },
  };
  const { rig, ids } = await brokenOff({ events });
  const [stream = ""] = ids[1]!.split("-");
  const key = { session: rig.id, stream };
  assert.equal((await store.read(key, 0))?.length, 1);
  await rig.end();
  assert(dropped.includes(rig.id));
  assert.equal(await store.read(key, 0), undefined);
  assert.equal((await rig.get(ids[0])).status, 404);
});

Deno.test("streamable ends the streams that were resumed with their session", async () => {
  const { rig, ids } = await brokenOff();
  const stream = eventsIn(await rig.get(ids[1]));
  await rig.end();
  const answer = messagesIn(seenIn(await stream.rest()))[0];
  assert(answer && "error" in answer && answer.id === 1);
});

Deno.test("streamable cuts a client off that still reads what it missed when its session ends", async () => {
  const { rig, ids } = await brokenOff();
  const large = notification("notifications/message", { text: "x".repeat(100_000) });
  for (let n = 0; n < 3; n++) await rig.say(large, 1);
  const stream = eventsIn(await rig.get(ids[1]));
  await take(stream, 1);
  await rig.end();
  assert((await stream.rest()).length < 3);
});

Deno.test("streamable takes nobody back while more waits unread than may", async () => {
  using _clock = fakeClock();
  const [size, maxUnreadBytes] = [1 << 17, 1 << 18];
  const unread = looseUnread({ maxUnreadBytes });
  const { rig, ids } = await brokenOff({ unread });
  await rig.say(notification("notifications/message", { data: "x".repeat(size) }), 1);
  // Each of them gives way to the next one, and what it was given waits for it all the same.
  const statuses: number[] = [];
  const taken: Response[] = [];
  for (let count = 0; count < 10; count++) {
    const response = await rig.get(ids[0]);
    statuses.push(response.status);
    if (response.ok) taken.push(response);
    else assert.match((await response.json()).error.message, /--maxUnreadSize/);
  }
  assert.deepEqual(statuses, [200, 200, 503, 503, 503, 503, 503, 503, 503, 503]);
  assert(unread.bytes < maxUnreadBytes + size, `${unread.bytes} bytes`);
  for (const response of taken) await response.body?.cancel();
  assert.equal(unread.bytes, 0);
  const back = eventsIn(await rig.get(ids[0]));
  assert.equal((await take(back, 3)).length, 3);
  await back.cancel();
  await rig.end();
});

Deno.test("streamable answers the server itself for a request that had to go from what waits for the GET stream", async () => {
  const rig = await resumeRig({ maxBufferedMessages: 2, maxBufferedBytes: 1_000 });
  await rig.say(request("first", "roots/list"));
  await rig.say(note(1));
  await rig.say(request(2, "roots/list"));
  await rig.say(request("large", "sampling/createMessage", { text: "x".repeat(1_000) }));
  for (const id of ["first", 2, "large"]) {
    const { message } = await rig.inbox.next();
    assert("error" in message);
    assert.equal(message.id, id);
    assert.equal(message.error.code, -32000);
    assert.match(message.error.message, /GET stream.*--maxBufferedMessages, --maxBufferedSize/);
  }
  await rig.end();
});
