import assert from "node:assert/strict";
import { Queue } from "../base/queue.ts";
import { each, type Readable } from "../base/readable.ts";
import { settled } from "../../tests/support/far_end.ts";
import { notification, request } from "../../tests/support/messages.ts";
import { around, continued, heard } from "./around.ts";
import { type Envelope, memoryChannels } from "./channel.ts";

const envelopes = [1, 2, 3].map((id): Envelope => ({ message: request(id) }));

function queueOf(...items: Envelope[]): Queue<Envelope> {
  const queue = new Queue<Envelope>();
  for (const item of items) void queue.push(item);
  return queue;
}

async function all(messages: Readable<Envelope>): Promise<Envelope[]> {
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

Deno.test("heard gives on what the listener makes of it, and tells it of the end first", async () => {
  const steps: unknown[] = [];
  const queue = queueOf(...envelopes);
  queue.end();
  const messages = heard(queue, {
    hear: ({ message }) => ({ message, fleeting: true }),
    over: (failure) => steps.push(failure),
  });
  messages.read((envelope) => void steps.push(envelope), () => steps.push("over"));
  await settled();
  const given = envelopes.map(({ message }) => ({ message, fleeting: true }));
  assert.deepEqual(steps, [...given, undefined, "over"]);
});

Deno.test("heard passes a failure on, after the listener has heard it", async () => {
  const steps: string[] = [];
  const queue = queueOf(...envelopes);
  queue.fail(new Error("broken"));
  const messages = heard(queue, {
    hear: (envelope) => envelope,
    over: (failure) => steps.push(`${failure?.error}`),
  });
  messages.read(() => {}, (failure) => steps.push(`over: ${failure?.error}`));
  await settled();
  assert.deepEqual(steps, ["Error: broken", "over: Error: broken"]);
});

Deno.test("heard holds its source back for as long as its reader waits, and knows when it is done", async () => {
  const room = Promise.withResolvers<void>();
  const taken: Envelope[] = [];
  const over = Promise.withResolvers<void>();
  const queue = queueOf(...envelopes);
  const messages = heard(queue, { hear: (envelope) => envelope });
  messages.read((envelope) => {
    taken.push(envelope);
    return room.promise;
  }, () => over.resolve());
  await Promise.resolve();
  await Promise.resolve();
  assert.deepEqual([taken.length, queue.size], [1, 2]);
  const idle = messages.idle();
  assert(idle);
  room.resolve();
  await idle;
  assert.equal(messages.idle(), undefined);
  queue.end();
  await over.promise;
  assert.deepEqual(taken, envelopes);
});

Deno.test("heard lets its source go when its reader breaks off", async () => {
  const queue = queueOf(...envelopes);
  const broken = () => {
    throw new Error("enough");
  };
  await assert.rejects(each(heard(queue, { hear: (envelope) => envelope }), broken), /enough/);
  assert.deepEqual([queue.ended, queue.size], [true, 0]);
});

Deno.test("continued begins with what was read ahead, and with what still comes there meanwhile", async () => {
  const [first, second, third] = envelopes;
  const ahead = [first!];
  const rest = queueOf(third!);
  rest.end();
  const taken: Envelope[] = [];
  await each(continued(ahead, rest), (envelope) => {
    if (envelope === first) ahead.push(second!);
    taken.push(envelope);
  });
  assert.deepEqual(taken, envelopes);
});

Deno.test("continued passes on that what follows is the end, or a failure", async () => {
  const ending = new Queue<Envelope>();
  ending.end();
  assert.deepEqual(await all(continued([...envelopes], ending)), envelopes);
  const failing = new Queue<Envelope>();
  failing.fail(new Error("broken"));
  await assert.rejects(all(continued([], failing)), /broken/);
});

Deno.test("continued holds what was read ahead back for as long as its reader waits, and tells what that throws", async () => {
  const [first, second] = envelopes;
  const room = Promise.withResolvers<void>();
  const taken: Envelope[] = [];
  const rest = queueOf(second!);
  const reading = each(continued([first!], rest), (envelope) => {
    taken.push(envelope);
    return room.promise;
  });
  await settled();
  assert.deepEqual([taken.length, rest.size], [1, 1]);
  room.reject(new Error("broken"));
  await assert.rejects(reading, /broken/);
  assert.deepEqual(taken, [first]);
});
