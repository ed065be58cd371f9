import assert from "node:assert/strict";
import { InTurn } from "./in_turn.ts";
import { Queue, type QueueOptions } from "./queue.ts";
import type { Failure } from "./readable.ts";
import { settled } from "../../tests/support/far_end.ts";

function rig(items: readonly number[] = [], options?: QueueOptions) {
  const queue = new Queue<number>(options);
  for (const item of items) void queue.push(item);
  return { queue, inTurn: new InTurn(queue) };
}

/** The rest: what was taken of it, and the end once it has come. */
function rest(inTurn: InTurn<number>) {
  const taken: number[] = [];
  const ends: (Failure | undefined)[] = [];
  inTurn.read((item) => void taken.push(item), (failure) => void ends.push(failure));
  return { taken, ends };
}

/** What is looked for, and what was looked at until then. */
function lookout(wanted: number) {
  const seen: number[] = [];
  const look = (item: number): string | undefined => {
    seen.push(item);
    return item === wanted ? `found ${item}` : undefined;
  };
  return { seen, look };
}

Deno.test("InTurn gives the first items to who seeks, and the rest to who reads, in order", async () => {
  const { queue, inTurn } = rig([1, 2, 3]);
  const { seen, look } = lookout(2);
  assert.equal(await inTurn.seek(look), "found 2");
  const { taken, ends } = rest(inTurn);
  await settled();
  void queue.push(4);
  await settled();
  queue.end();
  assert.deepEqual([seen, taken, ends], [[1, 2], [3, 4], [undefined]]);
});

Deno.test("InTurn gives everything to who reads first", async () => {
  const { queue, inTurn } = rig([1, 2]);
  const { taken, ends } = rest(inTurn);
  queue.end();
  await settled();
  assert.deepEqual([taken, ends], [[1, 2], [undefined]]);
});

Deno.test("InTurn lets one seek after the other, none of whom sees what another has seen", async () => {
  const { inTurn } = rig([1, 2, 3, 4, 5]);
  const [first, second] = [lookout(2), lookout(4)];
  assert.equal(await inTurn.seek(first.look), "found 2");
  assert.equal(await inTurn.seek(second.look), "found 4");
  const { taken } = rest(inTurn);
  await settled();
  assert.deepEqual([first.seen, second.seen, taken], [[1, 2], [3, 4], [5]]);
});

Deno.test("InTurn.seek shows no item before it is done with the last one", async () => {
  const { inTurn } = rig([1, 2]);
  const seen: number[] = [];
  const room = Promise.withResolvers<void>();
  const found = inTurn.seek(async (item) => {
    seen.push(item);
    await room.promise;
    return item === 2 ? "found" : undefined;
  });
  await settled();
  assert.deepEqual(seen, [1]);
  room.resolve();
  assert.equal(await found, "found");
});

Deno.test("InTurn reads nothing before somebody asks, nor between two readers, and holds the producer back", async () => {
  const { queue, inTurn } = rig([1, 2], { highWater: 2 });
  await settled();
  assert.equal(queue.size, 2);
  await inTurn.seek(lookout(1).look);
  let released = false;
  void queue.push(3)?.then(() => released = true);
  await settled();
  assert.deepEqual([queue.size, released], [2, false]);
  const { taken } = rest(inTurn);
  await settled();
  assert.deepEqual([taken, released], [[2, 3], true]);
});

Deno.test("InTurn.read holds its source back for as long as its reader waits", async () => {
  const { queue, inTurn } = rig([1, 2, 3]);
  const room = Promise.withResolvers<void>();
  await inTurn.seek(lookout(1).look);
  const taken: number[] = [];
  inTurn.read((item) => {
    taken.push(item);
    return room.promise;
  }, () => {});
  await settled();
  assert.deepEqual([taken, queue.size], [[2], 1]);
  room.resolve();
  await settled();
  assert.deepEqual(taken, [2, 3]);
});

Deno.test("InTurn.seek gives nothing when the source ends before, and who reads then hears the end", async () => {
  for (const early of [true, false]) {
    const { queue, inTurn } = rig([1]);
    if (early) queue.end();
    const { seen, look } = lookout(2);
    const found = inTurn.seek(look);
    await settled();
    queue.end();
    assert.deepEqual([await found, seen], [undefined, [1]]);
    const { taken, ends } = rest(inTurn);
    assert.deepEqual(ends, [], "not before read returns");
    await settled();
    assert.deepEqual([taken, ends], [[], [undefined]]);
  }
});

Deno.test("InTurn.seek rejects with the error of its source, which who reads then hears, once", async () => {
  const { queue, inTurn } = rig([1]);
  const error = new Error("broken");
  const found = inTurn.seek(lookout(2).look);
  await settled();
  queue.fail(error);
  await assert.rejects(found, error);
  const { ends } = rest(inTurn);
  await settled();
  assert.deepEqual(ends, [{ error }]);
});

Deno.test("InTurn keeps an end or an error for who reads that comes after what was found", async () => {
  const error = new Error("broken");
  for (const failure of [undefined, { error }]) {
    const { queue, inTurn } = rig([1, 2]);
    assert.equal(await inTurn.seek(lookout(1).look), "found 1");
    if (failure) queue.fail(error);
    else queue.end();
    await settled();
    const { taken, ends } = rest(inTurn);
    await settled();
    assert.deepEqual([taken, ends], [[2], [failure]]);
  }
});

Deno.test("InTurn.read tells of an error that comes while it reads, once", async () => {
  const { queue, inTurn } = rig([1, 2]);
  await inTurn.seek(lookout(1).look);
  const { taken, ends } = rest(inTurn);
  await settled();
  const error = new Error("broken");
  queue.fail(error);
  await settled();
  assert.deepEqual([taken, ends], [[2], [{ error }]]);
});

for (
  const [how, look] of Object.entries({
    throws(): never {
      throw new Error("no such thing");
    },
    rejects: () => Promise.reject(new Error("no such thing")),
  })
) {
  Deno.test(`InTurn.seek rejects when what looks ${how}, and leaves the rest to who reads`, async () => {
    const { queue, inTurn } = rig([1, 2]);
    await assert.rejects(inTurn.seek(look), /no such thing/);
    assert.equal(queue.ended, false);
    await settled();
    assert.equal(queue.size, 1);
    const { taken, ends } = rest(inTurn);
    await settled();
    assert.deepEqual([taken, ends], [[2], []]);
  });
}

Deno.test("InTurn.read takes over from who seeks and has not found anything, who gets nothing", async () => {
  const { queue, inTurn } = rig([1]);
  const { seen, look } = lookout(3);
  const found = inTurn.seek(look);
  await settled();
  const { taken } = rest(inTurn);
  void queue.push(2);
  void queue.push(3);
  assert.equal(await found, undefined);
  await settled();
  assert.deepEqual([seen, taken], [[1], [2, 3]]);
});

Deno.test("InTurn.read lets who seeks finish what it looks at when it takes over", async () => {
  const { inTurn } = rig([1, 2]);
  const room = Promise.withResolvers<string>();
  const found = inTurn.seek(() => room.promise);
  await settled();
  const { taken } = rest(inTurn);
  await settled();
  assert.deepEqual(taken, []);
  room.resolve("late");
  await settled();
  assert.deepEqual([await found, taken], [undefined, [2]]);
});

Deno.test("InTurn ends its source when who reads the rest throws", async () => {
  const { queue, inTurn } = rig([1, 2, 3]);
  await inTurn.seek(lookout(1).look);
  const ends: (Failure | undefined)[] = [];
  const error = new Error("enough");
  inTurn.read(() => {
    throw error;
  }, (failure) => void ends.push(failure));
  await settled();
  assert.deepEqual([ends, queue.ended, queue.size], [[{ error }], true, 0]);
});

Deno.test("InTurn.idle settles when all is taken", async () => {
  const { queue, inTurn } = rig([1, 2]);
  assert.equal(inTurn.idle(), undefined);
  await inTurn.seek(lookout(1).look);
  const { taken } = rest(inTurn);
  await inTurn.idle();
  assert.deepEqual(taken, [2]);
  assert.equal(inTurn.idle(), undefined);
  queue.end();
});
