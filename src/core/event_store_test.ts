import assert from "node:assert/strict";
import { eventStoreContract, fillStream, sequencesOf } from "../../tests/contract/event_store_contract.ts";
import { memoryEventStore } from "./event_store.ts";
import { Random, randomSeed } from "../../tests/support/random.ts";

eventStoreContract("memory", (limits) =>
  Promise.resolve({
    store: memoryEventStore(limits),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }));

const LIMITS = { bytes: 1 << 20, events: 1_000, ageMs: 60_000 };
const key = (session: string, stream = "1") => ({ session, stream });

Deno.test("memoryEventStore drops the oldest events of all sessions when they are too large together", async () => {
  const store = memoryEventStore({ ...LIMITS, bytes: 11_000 });
  const large = (sequence: number) => ({ sequence, data: "x".repeat(3_000), last: false });
  store.append(key("a"), large(1));
  store.append(key("b"), large(1));
  store.append(key("a"), large(2));
  assert.deepEqual(await sequencesOf(store, key("a")), [1, 2]);
  store.append(key("b"), large(2));
  assert.equal(await store.read(key("a"), 0), undefined);
  assert.deepEqual(await sequencesOf(store, key("a"), 1), [2]);
  assert.deepEqual(await sequencesOf(store, key("b")), [1, 2]);
  // One that is too large by itself leaves nothing.
  store.append(key("c"), { sequence: 1, data: "x".repeat(20_000), last: false });
  assert.equal(await store.read(key("c"), 0), undefined);
  assert.equal(await store.read(key("b"), 1), undefined);
});

Deno.test("memoryEventStore counts what an event costs besides its text", async () => {
  const store = memoryEventStore({ bytes: 10_000, events: 1_000, ageMs: 1_000 });
  for (let sequence = 1; sequence <= 100; sequence++) {
    store.append(key("a"), { sequence, data: "", last: false });
  }
  const first = (await sequencesOf(store, key("a"), 99))?.[0];
  assert.equal(first, 100);
  assert.equal(await store.read(key("a"), 10), undefined);
});

Deno.test("memoryEventStore counts two bytes a character where a text has a wide one", async () => {
  const store = memoryEventStore({ ...LIMITS, bytes: 10_000 });
  const events = (data: string) => [1, 2].map((sequence) => ({ sequence, data, last: false }));
  for (const event of events("ä".repeat(4_000))) store.append(key("a"), event);
  assert.deepEqual(await sequencesOf(store, key("a")), [1, 2]);
  for (const event of events("€".repeat(4_000))) store.append(key("b"), event);
  assert.equal(await store.read(key("a"), 1), undefined);
  assert.deepEqual(await sequencesOf(store, key("b"), 1), [2]);
});

Deno.test("memoryEventStore forgets what is too old, whether something is appended or read", async () => {
  let now = 0;
  const store = memoryEventStore(LIMITS, { now: () => now });
  await fillStream(store, key("a"), 1);
  now = 30_000;
  await fillStream(store, key("a"), 2);
  now = 59_999;
  assert.deepEqual(await sequencesOf(store, key("a")), [1, 2]);
  now = 60_000;
  assert.equal(await store.read(key("a"), 0), undefined);
  assert.deepEqual(await sequencesOf(store, key("a"), 1), [2]);
  now = 90_000;
  await fillStream(store, key("b"), 1);
  assert.equal(await store.read(key("a"), 1), undefined);
  assert.deepEqual(await sequencesOf(store, key("b")), [1]);
});

Deno.test("memoryEventStore keeps the old events of a quiet session while another one says much", async () => {
  const store = memoryEventStore({ ...LIMITS, events: 10 });
  await fillStream(store, key("quiet"), 1, 2);
  for (let sequence = 1; sequence <= 20_000; sequence++) await fillStream(store, key("busy"), sequence);
  assert.deepEqual(await sequencesOf(store, key("quiet")), [1, 2]);
  assert.deepEqual((await sequencesOf(store, key("busy"), 19_990))?.length, 10);
  assert.equal(await store.read(key("busy"), 19_989), undefined);
  store.drop("quiet");
  assert.equal(await store.read(key("quiet"), 1), undefined);
  assert.deepEqual((await sequencesOf(store, key("busy"), 19_990))?.length, 10);
});

Deno.test("memoryEventStore refuses limits that keep nothing", () => {
  for (const limits of [{ bytes: 0 }, { events: 0 }, { ageMs: NaN }]) {
    assert.throws(() => memoryEventStore({ ...LIMITS, ...limits }), RangeError);
  }
});

/** What a store with a limit of events alone keeps of one session. */
class Model {
  readonly #events: { readonly stream: string; readonly sequence: number }[] = [];
  readonly #last = new Map<string, number>();

  append(stream: string, limit: number): number {
    const sequence = this.#sequences(stream).last + 1;
    this.#last.set(stream, sequence);
    this.#events.push({ stream, sequence });
    if (this.#events.length > limit) this.#events.shift();
    return sequence;
  }

  #sequences(stream: string) {
    const kept = this.#events.filter((event) => event.stream === stream).map(({ sequence }) => sequence);
    return { kept, last: this.#last.get(stream) ?? 0 };
  }

  read(stream: string, after: number): number[] | undefined {
    const { kept, last } = this.#sequences(stream);
    const known = kept[0] !== undefined && after >= kept[0] - 1 && after <= last;
    return known ? kept.filter((sequence) => sequence > after) : undefined;
  }
}

Deno.test("memoryEventStore reads what is there of each stream, whatever was forgotten of it", async () => {
  const seed = randomSeed();
  const random = new Random(seed);
  const streams = ["1", "2", "3"];
  for (let run = 0; run < 100; run++) {
    const limit = 1 + random.below(8);
    const store = memoryEventStore({ ...LIMITS, events: limit });
    const model = new Model();
    for (let step = 0; step < 60; step++) {
      const stream = random.pick(streams);
      store.append(key("a", stream), { sequence: model.append(stream, limit), data: "", last: false });
      const after = random.below(12);
      for (const each of streams) {
        const found = await sequencesOf(store, key("a", each), after);
        assert.deepEqual(found, model.read(each, after), `seed ${seed}`);
      }
    }
  }
});
