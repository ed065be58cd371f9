import assert from "node:assert/strict";
import { Queue, type QueueOptions } from "./queue.ts";
import { each, type Failure } from "./readable.ts";
import { settled } from "../../tests/support/far_end.ts";
import { pulled } from "../../tests/support/pulled.ts";

function filled(items: readonly number[], options?: QueueOptions): Queue<number> {
  const queue = new Queue<number>(options);
  for (const item of items) void queue.push(item);
  return queue;
}

function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index);
}

/** Whether a promise has settled by the time everything that was ready has run. */
async function settles(promise: Promise<void> | void): Promise<boolean> {
  let done = false;
  void promise?.then(() => done = true);
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  return done;
}

Deno.test("Queue gives items in order, those that waited and those that come later", async () => {
  const queue = filled([0, 1]);
  const all = Array.fromAsync(pulled(queue));
  await settled();
  void queue.push(2);
  void queue.push(3);
  queue.end();
  assert.deepEqual(await all, [0, 1, 2, 3]);
});

Deno.test("Queue keeps its order over many refills", async () => {
  const queue = new Queue<number>();
  const items = pulled(queue);
  let [next, expected] = [0, 0];
  for (let round = 0; round < 50; round++) {
    for (let count = 0; count < 100; count++) void queue.push(next++);
    for (let count = 0; count < 90; count++) assert.equal((await items.next()).value, expected++);
  }
  assert.equal(queue.size, 500);
  queue.end();
  assert.deepEqual(await Array.fromAsync(items), range(5000).slice(4500));
});

Deno.test("Queue hands an item over to a waiting consumer without keeping it", async () => {
  const queue = new Queue<number>({ highWater: 1 });
  const next = pulled(queue).next();
  await settled();
  assert.equal(queue.push(1, 1e9), undefined);
  assert.equal(queue.size, 0);
  assert.equal(queue.weight, 0);
  assert.deepEqual(await next, { value: 1, done: false });
});

Deno.test("Queue holds the producer back from highWater on, until one item less waits", async () => {
  const queue = filled([0], { highWater: 2 });
  const room = queue.push(1);
  assert.equal(await settles(room), false);
  await pulled(queue).next();
  assert.equal(await settles(room), true);
});

Deno.test("Queue holds the producer back by weight, however few the items", async () => {
  const queue = new Queue<string>({ highWaterWeight: 10 });
  assert.equal(queue.push("small", 9), undefined);
  const room = queue.push("large", 30);
  assert.equal(queue.weight, 39);
  const items = pulled(queue);
  await items.next();
  assert.equal(await settles(room), false);
  await items.next();
  assert.equal(await settles(room), true);
  assert.equal(queue.weight, 0);
});

Deno.test("Queue releases every producer that it held back", async () => {
  const queue = filled([], { highWater: 1 });
  const rooms = [queue.push(0), queue.push(1), queue.push(2)];
  const items = pulled(queue);
  for (let count = 0; count < 3; count++) await items.next();
  for (const room of rooms) assert.equal(await settles(room), true);
});

const BROKEN = {
  throws(): never {
    throw new Error("broken");
  },
  rejects: () => Promise.reject(new Error("broken")),
};

const ENDINGS: Record<string, (queue: Queue<number>) => void> = {
  end: (queue) => queue.end(),
  fail: (queue) => queue.fail(new Error("broken")),
  "the consumer broke off": (queue) => void reader(queue, BROKEN.throws),
};

for (const [how, finish] of Object.entries(ENDINGS)) {
  Deno.test(`Queue releases a held producer and takes nothing more after ${how}`, async () => {
    const queue = new Queue<number>({ highWater: 1 });
    const room = queue.push(0);
    finish(queue);
    assert.equal(await settles(room), true);
    assert.equal(queue.ended, true);
    const { size } = queue;
    assert.equal(queue.push(1), undefined);
    assert.equal(queue.size, size);
  });
}

Deno.test("Queue ends a waiting consumer", async () => {
  const queue = new Queue<number>();
  const next = pulled(queue).next();
  await settled();
  queue.end();
  assert.deepEqual(await next, { value: undefined, done: true });
});

Deno.test("Queue gives what waits before the error, the error once, then the end", async () => {
  const queue = filled([1, 2]);
  const error = new Error("broken");
  queue.fail(error);
  const items = pulled(queue);
  assert.equal((await items.next()).value, 1);
  assert.equal((await items.next()).value, 2);
  await assert.rejects(() => items.next(), error);
  assert.deepEqual(await pulled(queue).next(), { value: undefined, done: true });
});

Deno.test("Queue raises the error in a waiting consumer, once", async () => {
  const queue = new Queue<number>();
  const next = pulled(queue).next();
  await settled();
  queue.fail(new Error("broken"));
  await assert.rejects(next, /broken/);
  assert.equal((await pulled(queue).next()).done, true);
});

Deno.test("Queue lets the first end count: neither end nor fail changes it", async () => {
  const ended = filled([1]);
  ended.end();
  ended.fail(new Error("late"));
  assert.deepEqual(await Array.fromAsync(pulled(ended)), [1]);
  const failed = new Queue<number>();
  failed.fail(new Error("first"));
  failed.end();
  failed.fail(new Error("second"));
  await assert.rejects(() => Array.fromAsync(pulled(failed)), /first/);
});

Deno.test("Queue forgets what waits when the consumer breaks off", async () => {
  const queue = filled([1, 2]);
  void queue.push(3, 100);
  const { taken } = reader(queue, BROKEN.throws);
  await settled();
  assert.deepEqual(taken, [1]);
  assert.equal(queue.ended, true);
  assert.equal(queue.size, 0);
  assert.equal(queue.weight, 0);
});

Deno.test("Queue raises no error to a consumer that broke off before", async () => {
  const queue = filled([1]);
  queue.fail(new Error("late"));
  const { ends } = reader(queue, BROKEN.throws);
  await settled();
  assert.deepEqual(ends.map((failure) => `${failure?.error}`), ["Error: broken"]);
  assert.equal((await pulled(queue).next()).done, true);
});

Deno.test("Queue keeps no item in memory that was taken while others wait", async () => {
  const queue = new Queue<Uint8Array>();
  const items = pulled(queue);
  const mebibyte = 1024 * 1024;
  const before = Deno.memoryUsage().external;
  void queue.push(new Uint8Array());
  for (let count = 0; count < 500; count++) {
    void queue.push(new Uint8Array(mebibyte));
    await items.next();
  }
  // The runtime collects such memory long before it is half a gigabyte.
  assert(Deno.memoryUsage().external - before < 300 * mebibyte);
});

/** Reads by calls: what was taken, and the end once it has come. */
function reader(queue: Queue<number>, take: (item: number) => Promise<void> | void = () => {}) {
  const taken: number[] = [];
  const ends: (Failure | undefined)[] = [];
  queue.read((item) => {
    taken.push(item);
    return take(item);
  }, (failure) => void ends.push(failure));
  return { taken, ends };
}

Deno.test("Queue.read takes what waits and what comes later, in order, then the end", async () => {
  const queue = filled([0, 1]);
  const { taken, ends } = reader(queue);
  await settled();
  void queue.push(2);
  void queue.push(3);
  await settled();
  void queue.push(4);
  queue.end();
  assert.deepEqual(ends, []);
  await settled();
  assert.deepEqual([taken, ends], [[0, 1, 2, 3, 4], [undefined]]);
});

Deno.test("Queue.read takes no item before the last one lets it, and holds the producer back meanwhile", async () => {
  const queue = new Queue<number>({ highWater: 1 });
  const { promise, resolve } = Promise.withResolvers<void>();
  const { taken, ends } = reader(queue, (item) => item === 0 ? promise : undefined);
  void queue.push(0);
  const room = queue.push(1);
  await settled();
  assert.deepEqual(taken, [0]);
  assert.equal(await settles(room), false);
  queue.end();
  resolve();
  await settled();
  assert.deepEqual([taken, ends], [[0, 1], [undefined]]);
  assert.equal(await settles(room), true);
});

Deno.test("Queue.read takes what is pushed while it takes", async () => {
  const queue = filled([3]);
  const { taken } = reader(queue, (item) => item > 0 ? queue.push(item - 1) : queue.end());
  await settled();
  assert.deepEqual(taken, [3, 2, 1, 0]);
});

Deno.test("Queue.read tells the error of fail after what waits, one that is undefined too", async () => {
  for (const error of [new Error("broken"), undefined]) {
    const [waiting, idle] = [filled([1]), new Queue<number>()];
    const readers = [reader(waiting), reader(idle)];
    await settled();
    for (const queue of [waiting, idle]) queue.fail(error);
    await settled();
    assert.deepEqual(readers.map(({ taken, ends }) => [taken, ends]), [[[1], [{ error }]], [[], [{
      error,
    }]]]);
  }
});

for (const [how, take] of Object.entries(BROKEN)) {
  Deno.test(`Queue.read ends the queue when its reader ${how}, and lets the producer go`, async () => {
    const queue = new Queue<number>({ highWater: 1 });
    const room = [queue.push(0), queue.push(1)];
    const { taken, ends } = reader(queue, take);
    await settled();
    assert.deepEqual([taken, ends.map((failure) => `${failure?.error}`)], [[0], ["Error: broken"]]);
    assert.equal(queue.ended, true);
    for (const promise of room) assert.equal(await settles(promise), true);
    queue.fail(new Error("late"));
    assert.equal(ends.length, 1);
  });
}

Deno.test("each goes through a source to its end, or rejects with its error", async () => {
  const source = filled([1, 2]);
  const taken: number[] = [];
  source.end();
  await each(source, (item) => void taken.push(item));
  assert.deepEqual(taken, [1, 2]);
  const failed = new Queue<number>();
  failed.fail(new Error("broken"));
  await assert.rejects(each(failed, () => {}), /broken/);
});

Deno.test("Queue.read drops what waits behind an item that woke its reader up and made it throw", async () => {
  const queue = new Queue<number>();
  const { taken } = reader(queue, BROKEN.throws);
  await settled();
  void queue.push(1, 10);
  void queue.push(2, 20);
  await settled();
  assert.deepEqual([taken, queue.size, queue.weight], [[1], 0, 0]);
});

Deno.test("Queue.idle is undefined where nobody reads, and where nothing waits", async () => {
  const queue = filled([1]);
  assert.equal(queue.idle(), undefined);
  reader(queue);
  assert(queue.idle());
  await settled();
  assert.equal(queue.idle(), undefined);
});

Deno.test("Queue.idle waits for what is being taken, and for all that waits behind it", async () => {
  const queue = filled([0, 1, 2]);
  const work = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const { taken } = reader(queue, (item) => work[item]?.promise);
  await settled();
  const idle = queue.idle();
  assert(idle);
  for (const one of work) {
    assert.equal(await settles(idle), false);
    one.resolve();
  }
  await idle;
  assert.deepEqual(taken, [0, 1, 2]);
  void queue.push(1);
  assert(queue.idle());
});

for (const [how, take] of Object.entries(BROKEN)) {
  Deno.test(`Queue.idle waits no longer when the reader ${how}`, async () => {
    const queue = filled([0, 1]);
    reader(queue, take);
    await queue.idle();
    assert.equal(queue.idle(), undefined);
  });
}
