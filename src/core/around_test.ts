import assert from "node:assert/strict";
import { Queue } from "../base/queue.ts";
import { each, read } from "../base/readable.ts";
import { notification, request } from "../../tests/support/messages.ts";
import { around, continued, heard } from "./around.ts";
import { type Envelope, memoryChannels } from "./channel.ts";

const envelopes = [1, 2, 3].map((id): Envelope => ({ message: request(id) }));

function queueOf(...items: Envelope[]): Queue<Envelope> {
  const queue = new Queue<Envelope>();
  for (const item of items) void queue.push(item);
  return queue;
}

async function all(messages: AsyncIterable<Envelope>): Promise<Envelope[]> {
  const taken: Envelope[] = [];
  for await (const envelope of messages) taken.push(envelope);
  return taken;
}

/** As a session reads, without a promise for each message. */
async function allRead(messages: AsyncIterable<Envelope>): Promise<Envelope[]> {
  const taken: Envelope[] = [];
  await each(messages, (envelope) => void taken.push(envelope));
  return taken;
}

Deno.test("around leaves a channel as it is but for what is changed", async () => {
  const [near, far] = memoryChannels();
  const steps: string[] = [];
  const same = around(near, {});
  assert.equal(same.incoming, near.incoming);
  void same.send({ message: notification() });
  const changed = around(same, {
    send: () => void steps.push("send"),
    close: () => Promise.resolve(void steps.push("close")),
    dispose: () => Promise.resolve(void steps.push("dispose")),
  });
  void changed.send({ message: request(1) });
  await changed.close();
  await changed[Symbol.asyncDispose]();
  await same.close();
  assert.deepEqual(await all(far.incoming), [{ message: notification() }]);
  assert.deepEqual(steps, ["send", "close", "dispose"]);
  await same[Symbol.asyncDispose]();
  assert.throws(() => far.send({ message: request(1) }));
});

Deno.test("heard gives on what the listener makes of it, and tells it of the end first, in both ways of reading", async () => {
  for (const taken of [all, allRead]) {
    const steps: unknown[] = [];
    const queue = queueOf(...envelopes);
    queue.end();
    const messages = heard(queue, {
      hear: ({ message }) => ({ message, fleeting: true }),
      over: (failure) => steps.push(failure),
    });
    assert.deepEqual(await taken(messages), envelopes.map(({ message }) => ({ message, fleeting: true })));
    assert.deepEqual(steps, [undefined]);
  }
});

Deno.test("heard passes a failure on, after the listener has heard it", async () => {
  for (const taken of [all, allRead]) {
    const steps: unknown[] = [];
    const queue = queueOf(...envelopes);
    queue.fail(new Error("broken"));
    const messages = heard(queue, {
      hear: (envelope) => envelope,
      over: (failure) => steps.push(failure?.error),
    });
    await assert.rejects(taken(messages), /broken/);
    assert.deepEqual(steps.map(String), ["Error: broken"]);
  }
});

Deno.test("heard holds its source back for as long as its reader waits", async () => {
  const room = Promise.withResolvers<void>();
  const taken: Envelope[] = [];
  const over = Promise.withResolvers<void>();
  const queue = queueOf(...envelopes);
  read(heard(queue, { hear: (envelope) => envelope }), (envelope) => {
    taken.push(envelope);
    return room.promise;
  }, () => over.resolve());
  await Promise.resolve();
  await Promise.resolve();
  assert.deepEqual([taken.length, queue.size], [1, 2]);
  room.resolve();
  queue.end();
  await over.promise;
  assert.deepEqual(taken, envelopes);
});

Deno.test("heard lets its source go when nobody reads any more", async () => {
  const queue = queueOf(...envelopes);
  for await (const _ of heard(queue, { hear: (envelope) => envelope })) break;
  assert.deepEqual([queue.ended, queue.size], [true, 0]);
});

Deno.test("continued begins with what was read ahead, in both ways of reading", async () => {
  for (const taken of [all, allRead]) {
    const queue = new Queue<Envelope>();
    const [first, second, third] = envelopes;
    const messages = continued([first!], queue.next(), queue);
    void queue.push(second!);
    void queue.push(third!);
    queue.end();
    assert.deepEqual(await taken(messages), envelopes);
  }
});

Deno.test("continued passes on that what it waited for is the end, or a failure", async () => {
  for (const taken of [all, allRead]) {
    const ending = new Queue<Envelope>();
    const messages = continued(envelopes, ending.next(), ending);
    ending.end();
    assert.deepEqual(await taken(messages), envelopes);
    const failing = new Queue<Envelope>();
    const broken = continued([], failing.next(), failing);
    failing.fail(new Error("broken"));
    await assert.rejects(taken(broken), /broken/);
  }
});
