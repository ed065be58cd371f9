import assert from "node:assert/strict";
import { Table } from "./table.ts";
import { Random, randomSeed } from "../../tests/support/random.ts";

interface Entry {
  readonly name: string;
}

function table(...entries: [number | string, string][]): Table<number | string, Entry> {
  const filled = new Table<number | string, Entry>();
  for (const [key, name] of entries) filled.set(key, { name });
  return filled;
}

function names(entries: readonly Entry[]): string[] {
  return entries.map(({ name }) => name);
}

Deno.test("Table gives what was set, and tells numbers from texts", () => {
  const entries = table([1, "number"], ["1", "text"]);
  assert.equal(entries.get(1)?.name, "number");
  assert.equal(entries.get("1")?.name, "text");
  assert.equal(entries.get(2), undefined);
  assert.deepEqual([entries.has("1"), entries.has("2"), entries.size], [true, false, 2]);
});

Deno.test("Table tells numbers from texts, and 0 and the empty text from nothing, where there is one entry too", () => {
  const keys = [0, "0", "", 1, "1"];
  for (const key of keys) {
    const entries = table([key, "it"]);
    assert.deepEqual(keys.filter((other) => entries.has(other)), [key]);
    for (const other of keys) if (other !== key) assert.equal(entries.take(other), undefined);
    assert.equal(entries.take(key)?.name, "it");
    assert.equal(entries.size, 0);
  }
});

Deno.test("Table takes an entry out once", () => {
  const entries = table([1, "a"], [2, "b"]);
  assert.equal(entries.take(1)?.name, "a");
  assert.equal(entries.take(1), undefined);
  assert.equal(entries.get(1), undefined);
  assert.deepEqual([entries.size, names(entries.values())], [1, ["b"]]);
});

Deno.test("Table has the newer of two entries under one key, at the place of the older", () => {
  const entries = table([1, "a"], [2, "b"], [1, "c"]);
  assert.deepEqual([entries.size, names(entries.values())], [2, ["c", "b"]]);
});

Deno.test("Table knows its sole entry", () => {
  const entries = table();
  assert.equal(entries.sole(), undefined);
  entries.set(1, { name: "a" });
  assert.equal(entries.sole()?.name, "a");
  entries.set(2, { name: "b" });
  assert.equal(entries.sole(), undefined);
  entries.take(1);
  assert.equal(entries.sole()?.name, "b");
});

Deno.test("Table may be changed while its values are gone through, and emptied", () => {
  const entries = table([1, "a"], [2, "b"], [3, "c"]);
  const seen: string[] = [];
  for (const { name } of entries.values()) {
    seen.push(name);
    entries.take(2);
    entries.set(seen.length + 10, { name: "new" });
  }
  assert.deepEqual(seen, ["a", "b", "c"]);
  entries.clear();
  assert.deepEqual([entries.size, entries.values()], [0, []]);
});

Deno.test("Table does what a Map does", () => {
  const seed = randomSeed();
  const random = new Random(seed);
  const keys = [0, "", "0", 1, "1", "a", 1.5];
  for (let run = 0; run < 200; run++) {
    const entries = table();
    const model = new Map<number | string, Entry>();
    const used = keys.slice(0, 1 + random.below(keys.length));
    for (let step = 0; step < 50; step++) {
      const key = random.pick(used);
      if (random.chance(0.45)) {
        const entry = { name: `${step}` };
        entries.set(key, entry);
        model.set(key, entry);
      } else if (random.chance(0.02)) {
        entries.clear();
        model.clear();
      } else {
        assert.equal(entries.take(key), model.get(key), `seed ${seed}`);
        model.delete(key);
      }
      const sole = model.size === 1 ? [...model.values()][0] : undefined;
      assert.deepEqual([entries.size, entries.sole()], [model.size, sole], `seed ${seed}`);
      assert.deepEqual(entries.values(), [...model.values()], `seed ${seed}`);
      for (const each of keys) assert.equal(entries.get(each), model.get(each), `seed ${seed}`);
    }
  }
});
