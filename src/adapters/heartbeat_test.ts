import assert from "node:assert/strict";
import { Inbox } from "../../tests/contract/inbox.ts";
import { type FakeClock, fakeClock } from "../../tests/support/fake_clock.ts";
import { FarEnd, settled } from "../../tests/support/far_end.ts";
import {
  cancelled,
  failure,
  notification,
  progress,
  request,
  result,
  tracked,
} from "../../tests/support/messages.ts";
import { pulled } from "../../tests/support/pulled.ts";
import { heard } from "../core/around.ts";
import { type Channel, memoryChannels } from "../core/channel.ts";
import { DisconnectedError } from "../core/errors.ts";
import type { JsonRpcMessage, Params, ProgressToken } from "../core/message/jsonrpc.ts";
import { withHeartbeat } from "./heartbeat.ts";

const EVERY_MS = 20;

interface Rig extends AsyncDisposable {
  readonly client: FarEnd;
  /** The gateway's end, with heartbeats. */
  readonly channel: Channel;
  readonly clock: FakeClock;
  /** Has the messages taken in by the gateway. */
  take(...messages: JsonRpcMessage[]): Promise<void>;
  /** The next message that the client hears, which must be progress. */
  hearProgress(): Promise<Params>;
}

function rig(everyMs = EVERY_MS): Rig {
  const clock = fakeClock();
  const [far, near] = memoryChannels();
  const client = new FarEnd(far);
  const channel = withHeartbeat(near, { everyMs });
  const inbox = new Inbox(channel);
  return {
    client,
    channel,
    clock,
    async take(...messages) {
      client.say(...messages);
      assert.deepEqual(await inbox.take(messages.length), messages);
    },
    async hearProgress() {
      const message = await client.hear();
      assert("method" in message && message.method === "notifications/progress", JSON.stringify(message));
      return message.params ?? {};
    },
    async [Symbol.asyncDispose]() {
      clock[Symbol.dispose]();
      await channel[Symbol.asyncDispose]();
      await far[Symbol.asyncDispose]();
    },
  };
}

function reported(progressToken: ProgressToken, value: unknown, more: Params = {}) {
  return notification("notifications/progress", { progressToken, progress: value, ...more });
}

Deno.test("withHeartbeat tells a call that hears nothing that it still runs, on its own stream", async () => {
  await using r = rig();
  await r.take(tracked("call", "t"));
  r.clock.pass(EVERY_MS);
  const { message, relatesTo } = await r.client.next();
  assert.equal(relatesTo, "call");
  assert("params" in message && message.method === "notifications/progress");
  assert.equal(message.params?.progressToken, "t");
  assert.equal(message.params?.message, `Still running after ${EVERY_MS} ms`);
});

Deno.test("withHeartbeat increases the progress each time, and stays far below the first real step", async () => {
  await using r = rig();
  await r.take(tracked(1, "t"));
  let last = 0;
  for (let beat = 0; beat < 20; beat++) {
    r.clock.pass(EVERY_MS);
    const { progress } = await r.hearProgress();
    assert(Number(progress) > last && Number(progress) < 1e-6, `${progress} after ${last}`);
    last = Number(progress);
  }
});

Deno.test("withHeartbeat leaves real progress as it is where that is an increase, text and all", async () => {
  await using r = rig();
  await r.take(tracked(1, "t"));
  r.clock.pass(EVERY_MS);
  await r.hearProgress();
  const message = reported("t", 0.01, { total: 1, message: "first step" });
  const envelope = { message, text: JSON.stringify(message, null, 1), relatesTo: 1 };
  await r.channel.send(envelope);
  assert.deepEqual(await r.client.next(), envelope);
});

Deno.test("withHeartbeat stays just above real progress, and repeats its total", async () => {
  for (const value of [0.01, 7, 1e12, 0, -3]) {
    await using r = rig();
    await r.take(tracked(1, "t"));
    await r.channel.send({ message: reported("t", value, { total: 1e13, message: "real" }) });
    assert.equal((await r.hearProgress()).progress, value);
    let last = value;
    for (let beat = 0; beat < 3; beat++) {
      r.clock.pass(EVERY_MS);
      const { progress, total, message } = await r.hearProgress();
      assert(Number(progress) > last && Number(progress) < value + 1, `${progress} after ${last}`);
      assert.equal(total, 1e13);
      assert.match(String(message), /^Still running/);
      last = Number(progress);
    }
  }
});

Deno.test("withHeartbeat raises real progress that would be no increase, and keeps what it says", async () => {
  await using r = rig();
  await r.take(tracked(1, "t"));
  await r.channel.send({ message: reported("t", 5) });
  await r.hearProgress();
  r.clock.pass(EVERY_MS);
  const beat = await r.hearProgress();
  await r.channel.send({ message: reported("t", 5, { total: 9, message: "again", extra: true }) });
  const { progress, ...rest } = await r.hearProgress();
  assert(Number(progress) > Number(beat.progress) && Number(progress) < 5.01);
  assert.deepEqual(rest, { progressToken: "t", total: 9, message: "again", extra: true });
  const text = '{"jsonrpc":"2.0","method":"notifications/progress",' +
    '"params":{"progressToken":"t","progress":1,"total":9.0,"bytes":1915883588174806058}}';
  await r.channel.send({ message: JSON.parse(text), text });
  const raised = await r.client.next();
  assert.match(raised.text ?? "", /"progress":5\.\d+,"total":9\.0,"bytes":1915883588174806058}}$/);
});

Deno.test("withHeartbeat leaves progress that does not increase alone where it has said nothing itself", async () => {
  await using r = rig(60_000);
  await r.take(tracked(1, "t"));
  for (const value of [5, 5, 1, "odd"]) {
    await r.channel.send({ message: reported("t", value) });
    assert.equal((await r.hearProgress()).progress, value);
  }
});

Deno.test("withHeartbeat says nothing as long as the server does, call by call", async () => {
  await using r = rig();
  await r.take(tracked(1, "busy"), tracked(2, "quiet"));
  for (let step = 0; step < 3; step++) {
    r.clock.pass(EVERY_MS - 1);
    r.channel.send({ message: progress("busy") });
    const heard = step === 0 ? [] : [await r.hearProgress()];
    assert.deepEqual(heard.map(({ progressToken }) => progressToken), step === 0 ? [] : ["quiet"]);
    const { progressToken, message } = await r.hearProgress();
    assert.deepEqual([progressToken, message], ["busy", undefined]);
  }
});

Deno.test("withHeartbeat keeps the tokens 1 and the text 1 apart", async () => {
  await using r = rig();
  await r.take(tracked("a", 1), tracked("b", "1"));
  r.clock.pass(EVERY_MS);
  const tokens = [await r.hearProgress(), await r.hearProgress()].map(({ progressToken }) => progressToken);
  assert.deepEqual(tokens, [1, "1"]);
  r.channel.send({ message: result("a") });
  assert.deepEqual(await r.client.hear(), result("a"));
  for (let beat = 0; beat < 2; beat++) {
    r.clock.pass(EVERY_MS);
    assert.equal((await r.hearProgress()).progressToken, "1");
  }
});

Deno.test("withHeartbeat says nothing of a call without a token, nor after its answer or its cancellation", async () => {
  await using r = rig();
  await r.take(request(1), tracked(2, "a"), tracked("2", "b"), tracked(3, "c"));
  await r.take(cancelled(3));
  r.channel.send({ message: result(2) });
  r.channel.send({ message: failure("2") });
  r.clock.pass(3 * EVERY_MS);
  r.channel.send({ message: notification("last") });
  const heard = [await r.client.hear(), await r.client.hear(), await r.client.hear()];
  assert.deepEqual(heard, [result(2), failure("2"), notification("last")]);
});

Deno.test("withHeartbeat goes on after the client's half-close, and stops at its own", async () => {
  await using r = rig();
  await r.take(tracked(1, "t"));
  await r.client.close();
  r.clock.pass(EVERY_MS);
  await r.hearProgress();
  await r.channel.close();
  assert.deepEqual((await r.client.rest()).messages, []);
  assert.equal(r.clock.timers, 0);
});

Deno.test("withHeartbeat does not pile up words for a client that does not read", async () => {
  using clock = fakeClock();
  const [far, near] = memoryChannels();
  const room = Promise.withResolvers<void>();
  let sent = 0;
  const slow = { ...near, send: () => (sent++, room.promise) };
  await using channel = withHeartbeat(slow, { everyMs: EVERY_MS });
  const inbox = new Inbox(channel);
  void far.send({ message: tracked(1, "t") });
  await inbox.next();
  clock.pass(3 * EVERY_MS);
  assert.equal(sent, 1);
  room.resolve();
  await settled();
  clock.pass(EVERY_MS);
  assert.equal(sent, 2);
});

Deno.test("withHeartbeat survives a client that is gone", async () => {
  for (const way of ["throws", "rejects"] as const) {
    using clock = fakeClock();
    const [far, near] = memoryChannels();
    const asked = Promise.withResolvers<void>();
    const gone = () => {
      asked.resolve();
      const error = new DisconnectedError("The client is gone");
      if (way === "throws") throw error;
      return Promise.reject(error);
    };
    await using channel = withHeartbeat({ ...near, send: gone }, { everyMs: EVERY_MS });
    const inbox = new Inbox(channel);
    void far.send({ message: tracked(1, "t") });
    await inbox.next();
    clock.pass(EVERY_MS);
    await asked.promise;
    await settled();
  }
});

Deno.test("withHeartbeat reads nothing that it is not asked for", async () => {
  using clock = fakeClock();
  const [far, near] = memoryChannels();
  for (const id of [1, 2, 3]) void far.send({ message: tracked(id, id) });
  let reads = 0;
  const incoming = heard(near.incoming, {
    hear(envelope) {
      reads++;
      return envelope;
    },
  });
  await using channel = withHeartbeat({ ...near, incoming }, { everyMs: EVERY_MS });
  const messages = pulled(channel.incoming);
  await messages.next();
  clock.pass(3 * EVERY_MS);
  await settled();
  assert.equal(reads, 1);
});

Deno.test("withHeartbeat has no timer once nothing waits", async () => {
  await using r = rig();
  await r.take(tracked(1, "t"), tracked(2, "u"));
  await r.take(cancelled(1));
  assert.equal(r.clock.timers, 1);
  r.channel.send({ message: result(2) });
  assert.deepEqual(await r.client.hear(), result(2));
  assert.equal(r.clock.timers, 0);
});

Deno.test("withHeartbeat hears of calls that are read without promises, and knows when all are taken", async () => {
  await using r = rig();
  const taken: JsonRpcMessage[] = [];
  r.channel.incoming.read(({ message }) => void taken.push(message), () => {});
  r.client.say(tracked(1, "t"));
  await r.channel.incoming.idle();
  assert.deepEqual(taken, [tracked(1, "t")]);
  r.clock.pass(EVERY_MS);
  assert.equal((await r.hearProgress()).progressToken, "t");
});
