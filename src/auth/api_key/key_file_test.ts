import assert from "node:assert/strict";
import { ensureFirstKey, firstKeyPath, readFirstKey } from "./first_key.ts";
import { type KeyEntry, keyFile, lapseOf } from "./key_file.ts";
import { digestOf, makeKey, parseKey } from "./key_text.ts";
import { KeyUsage, readUsage } from "./key_usage.ts";

function entry(name: string, more: Partial<KeyEntry> = {}): KeyEntry {
  const { id, secret } = makeKey();
  return { id, name, digest: digestOf(secret), scopes: [], createdAt: new Date().toISOString(), ...more };
}

async function withFolder(use: (path: string, folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(`${folder}/api-keys.json`, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("keyFile.parse reads what was written, and says what is wrong with anything else but never what it holds", () => {
  const keys = [entry("ci", { scopes: ["a"], expiresAt: "2030-01-01T00:00:00.000Z" })];
  assert.deepEqual(keyFile.parse(JSON.stringify({ format: 1, keys })), keys);
  assert.deepEqual(keyFile.parse(undefined), []);
  const [key] = keys;
  const broken = [
    "",
    "{",
    "[]",
    '{"format":2,"keys":[]}',
    ...[
      { id: "x" },
      { name: "a b" },
      { digest: "s3cret" },
      { scopes: ["a b"] },
      { createdAt: "yesterday" },
      { more: 1 },
    ].map((wrong) => JSON.stringify({ format: 1, keys: [{ ...key, ...wrong }] })),
  ];
  for (const text of broken) {
    assert.throws(() => keyFile.parse(text), (error: Error) => {
      assert.match(error.message, /^it is (no JSON|no file of keys: .+)$/, text);
      assert.doesNotMatch(error.message, /s3cret/);
      return true;
    });
  }
});

Deno.test("lapseOf says why a key does not count: what was revoked is that, whenever it would have expired", () => {
  const now = Date.parse("2026-01-01T00:00:00.000Z");
  const at = (ms: number) => new Date(now + ms).toISOString();
  assert.equal(lapseOf(entry("a"), now), undefined);
  assert.equal(lapseOf(entry("a", { expiresAt: at(1) }), now), undefined);
  assert.equal(lapseOf(entry("a", { expiresAt: at(0) }), now), "expired");
  assert.equal(lapseOf(entry("a", { expiresAt: at(-1), revokedAt: at(-5) }), now), "revoked");
});

Deno.test("keyFile.change loses nothing where many change at once, and leaves a file for its owner alone", async () => {
  await withFolder(async (path) => {
    const names = Array.from({ length: 20 }, (_, index) => `key${index}`);
    await Promise.all(names.map((name) => keyFile.change(path, (keys) => [...keys, entry(name)])));
    assert.deepEqual(keyFile.read(path).map(({ name }) => name).sort(), names.sort());
    const { mode } = await Deno.stat(path);
    if (mode !== null) assert.equal(mode & 0o777, 0o600);
    await assert.rejects(keyFile.change(path, () => {
      throw new Error("no");
    }));
    assert.equal(keyFile.read(path).length, names.length);
  });
});

Deno.test("ensureFirstKey makes one key for all who start at once, whose text can be read", async () => {
  await withFolder(async (path) => {
    const made = await Promise.all(Array.from({ length: 6 }, () => ensureFirstKey(path)));
    assert.equal(made.filter(Boolean).length, 1);
    const [only, ...others] = keyFile.read(path);
    assert.deepEqual(others, []);
    const first = readFirstKey(path);
    assert.deepEqual([parseKey(first?.text ?? "")?.id, first?.entry], [only?.id, only]);
    await keyFile.change(path, (keys) => keys.map((key) => ({ ...key, revokedAt: key.createdAt })));
    assert.equal(await ensureFirstKey(path), false);
    await Deno.remove(firstKeyPath(path));
    assert.equal(readFirstKey(path), undefined);
  });
});

Deno.test("KeyUsage writes at its end what was used, and keeps what others have written", async () => {
  await withFolder(async (path) => {
    await keyFile.change(path, () => []);
    const faults: unknown[] = [];
    for (const id of ["a", "b"]) {
      await using usage = new KeyUsage(path, (error) => faults.push(error));
      usage.note(id);
      usage.note("both");
    }
    const used = readUsage(path);
    assert.deepEqual(Object.keys(used).sort(), ["a", "b", "both"]);
    await Deno.writeTextFile(`${path}.used`, "{");
    assert.deepEqual(readUsage(path), {});
    assert.deepEqual(faults, []);
  });
});

Deno.test("parseKey takes keys of ours alone", () => {
  const { id, secret, text } = makeKey();
  assert.deepEqual(parseKey(text), { id, secret });
  for (
    const other of ["", "ks_", `${text}x`, ` ${text}`, text.toUpperCase(), text.slice(0, -1), `${text}\n`]
  ) {
    assert.equal(parseKey(other), undefined, other);
  }
});
