/** What every EventStore owes to the frontends. */
import assert from "node:assert/strict";
import type { EventLimits, EventStore, StoredEvent, StreamKey } from "../../src/core/event_store.ts";

interface OpenEventStore extends AsyncDisposable {
  readonly store: EventStore;
}

/** Opens an empty store with these limits. */
type OpenStore = (limits: EventLimits) => Promise<OpenEventStore>;

const AMPLE: EventLimits = { bytes: 1 << 20, events: 100, ageMs: 600_000 };
const A: StreamKey = { session: "a", stream: "1" };

function storedEvent(sequence: number, last = false): StoredEvent {
  return { sequence, data: `{"n":${sequence}}`, last };
}

/** Events with the next sequences, one after the other. */
export async function fillStream(store: EventStore, key: StreamKey, ...sequences: number[]): Promise<void> {
  for (const sequence of sequences) await store.append(key, storedEvent(sequence));
}

/** Undefined as `read` has it. */
export async function sequencesOf(store: EventStore, key: StreamKey, after = 0) {
  return (await store.read(key, after))?.map(({ sequence }) => sequence);
}

export function eventStoreContract(name: string, open: OpenStore): void {
  const test = (what: string, run: (store: EventStore) => Promise<void>, limits: Partial<EventLimits> = {}) =>
    Deno.test(`${name} event store ${what}`, async () => {
      await using opened = await open({ ...AMPLE, ...limits });
      await run(opened.store);
    });

  test("gives back what followed a place, in order and unchanged", async (store) => {
    const events = [
      { sequence: 1, data: '{"text":"über\\n\u{1F600}"}', last: false },
      { sequence: 2, data: "x".repeat(10_000), last: false },
      { sequence: 3, data: "", last: true },
    ];
    for (const event of events) await store.append(A, event);
    assert.deepEqual(await store.read(A, 0), events);
    assert.deepEqual(await store.read(A, 1), events.slice(1));
    assert.deepEqual(await store.read(A, 3), []);
  });

  test("tells a place that it does not know from one that nothing followed", async (store) => {
    assert.equal(await store.read(A, 0), undefined);
    await fillStream(store, A, 1, 2);
    assert.equal(await store.read(A, 3), undefined);
    assert.equal(await store.read({ ...A, stream: "2" }, 0), undefined);
    assert.equal(await store.read({ ...A, session: "b" }, 0), undefined);
  });

  test("keeps streams and sessions apart, whatever their names", async (store) => {
    const keys: StreamKey[] = [
      A,
      { session: "a", stream: "2" },
      { session: "b", stream: "1" },
      { session: "a:1", stream: "2" },
      { session: "a", stream: "1:2" },
      { session: "__proto__", stream: "constructor" },
    ];
    for (const [at, key] of keys.entries()) {
      await store.append(key, { sequence: 1, data: `of ${at}`, last: false });
    }
    for (const [at, key] of keys.entries()) {
      assert.deepEqual(await store.read(key, 0), [{ sequence: 1, data: `of ${at}`, last: false }]);
    }
  });

  test("forgets one session with all its streams, and may be told so twice", async (store) => {
    const others = [{ session: "b", stream: "1" }, { session: "a2", stream: "1" }];
    for (const key of [A, { ...A, stream: "2" }, ...others]) await fillStream(store, key, 1);
    for (let time = 0; time < 2; time++) await store.drop("a");
    assert.equal(await store.read(A, 0), undefined);
    assert.equal(await store.read({ ...A, stream: "2" }, 0), undefined);
    for (const key of others) assert.deepEqual(await sequencesOf(store, key), [1]);
  });

  test(
    "drops the oldest events of a session that has too many, and says where they are missing",
    async (store) => {
      const other = { ...A, stream: "other" };
      const foreign = { ...A, session: "b" };
      await fillStream(store, foreign, 1);
      await fillStream(store, A, 1, 2);
      await fillStream(store, other, 1);
      await fillStream(store, A, 3, 4);
      // Of five events three are left, wherever they belong: those after the second.
      assert.equal(await store.read(A, 0), undefined);
      assert.equal(await store.read(A, 1), undefined);
      assert.deepEqual(await sequencesOf(store, A, 2), [3, 4]);
      assert.deepEqual(await sequencesOf(store, other), [1]);
      await fillStream(store, A, 5);
      assert.equal(await store.read(other, 0), undefined);
      assert.deepEqual(await sequencesOf(store, A, 2), [3, 4, 5]);
      assert.deepEqual(await sequencesOf(store, foreign), [1]);
    },
    { events: 3 },
  );

  test("goes on with a session that was forgotten", async (store) => {
    await fillStream(store, A, 1);
    await store.drop("a");
    await fillStream(store, A, 2);
    assert.equal(await store.read(A, 0), undefined);
    assert.deepEqual(await sequencesOf(store, A, 1), [2]);
  });
}
