import assert from "node:assert/strict";
import { ConfigError } from "../core/errors.ts";
import type { GatewayRecord } from "./gateway_record.ts";
import { checkName, StateFolder } from "./state_folder.ts";

const RECORD: GatewayRecord = {
  format: 1,
  name: "a",
  pid: 4711,
  version: "1.2.3",
  startedAt: "2026-01-01T00:00:00.000Z",
  admin: { url: "http://127.0.0.1:9", token: "t".repeat(43) },
  urls: [],
  flags: [],
  cwd: "/",
};

async function temporary() {
  const path = await Deno.makeTempDir();
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

const onUnix = Deno.build.os !== "windows";

Deno.test("StateFolder.open makes a folder of its owner, and refuses one that others may write in", async () => {
  await using parent = await temporary();
  const path = `${parent.path}/x/y`;
  await StateFolder.open(path);
  if (!onUnix) return;
  assert.equal((await Deno.stat(path)).mode! & 0o777, 0o700);
  await Deno.chmod(path, 0o777);
  await assert.rejects(
    StateFolder.open(path),
    (error) => error instanceof ConfigError && /^--stateDir ".*": others may write there/.test(error.message),
  );
});

Deno.test("StateFolder.open says what is wrong with a folder that is none", async () => {
  await using parent = await temporary();
  await Deno.writeTextFile(`${parent.path}/file`, "");
  await assert.rejects(
    StateFolder.open(`${parent.path}/file`),
    (error) => error instanceof ConfigError && /^--stateDir ".*\/file": /.test(error.message),
  );
});

Deno.test("StateFolder keeps records for their owner alone, and leaves no unfinished ones", async () => {
  await using parent = await temporary();
  const folder = await StateFolder.open(parent.path);
  assert.equal(await folder.read("a"), undefined);
  await folder.write(RECORD);
  await folder.write({ ...RECORD, pid: 4712 });
  assert.deepEqual(await folder.read("a"), { ...RECORD, pid: 4712 });
  assert.deepEqual(await Array.fromAsync(Deno.readDir(parent.path), ({ name }) => name), ["a.json"]);
  if (onUnix) assert.equal((await Deno.stat(folder.fileOf("a", "json"))).mode! & 0o777, 0o600);
  assert.deepEqual(await folder.names(), ["a"]);
});

Deno.test("StateFolder.read refuses a file that is too large, with its path", async () => {
  await using parent = await temporary();
  const folder = await StateFolder.open(parent.path);
  await Deno.writeTextFile(folder.fileOf("a", "json"), " ".repeat(4 * 2 ** 20 + 1));
  await assert.rejects(
    folder.read("a"),
    /a\.json is no record of a gateway \(it is larger than 4194304 bytes\)/,
  );
});

Deno.test("StateFolder.lock has one holder at a time", async () => {
  await using parent = await temporary();
  const folder = await StateFolder.open(parent.path);
  {
    using held = await folder.lock("a");
    assert(held);
    assert.equal(await folder.lock("a"), undefined);
    using other = await folder.lock("b");
    assert(other);
  }
  using again = await folder.lock("a");
  assert(again);
});

Deno.test("StateFolder.holder tells which process has a lock, and nothing where none has", async () => {
  await using parent = await temporary();
  const folder = await StateFolder.open(parent.path);
  {
    using _held = await folder.lock("a");
    assert.deepEqual(await folder.holder("a"), { path: folder.fileOf("a", "lock"), pid: Deno.pid });
  }
  const asked = await Promise.all(Array.from({ length: 20 }, () => folder.holder("a")));
  assert(asked.every((holder) => holder === undefined));
  assert.equal(await folder.holder("never"), undefined);
  await folder.clear("never");
  assert.deepEqual(await Array.fromAsync(Deno.readDir(folder.path), ({ name }) => name), ["a.lock"]);
});

Deno.test("StateFolder.leave and clear wait for who has the lock for a moment", async () => {
  await using parent = await temporary();
  const folder = await StateFolder.open(parent.path);
  const held = await folder.lock(RECORD.name);
  const left = folder.leave(RECORD);
  held?.[Symbol.dispose]();
  assert.equal(await left, true);
});

Deno.test("StateFolder.leave writes over no record, and leaves none while another holds the lock", async () => {
  await using parent = await temporary();
  const folder = await StateFolder.open(parent.path);
  {
    using _held = await folder.lock(RECORD.name);
    assert.equal(await folder.leave(RECORD), false);
  }
  assert.equal(await folder.leave(RECORD), true);
  assert.equal(await folder.leave({ ...RECORD, pid: 1 }), false);
  assert.equal((await folder.read(RECORD.name))?.pid, RECORD.pid);
});

Deno.test("StateFolder.clear leaves alone the record of who holds the lock", async () => {
  await using parent = await temporary();
  const folder = await StateFolder.open(parent.path);
  await folder.write(RECORD);
  {
    using _held = await folder.lock("a");
    await folder.clear("a");
    assert(await folder.read("a"));
  }
  await folder.clear("a");
  assert.equal(await folder.read("a"), undefined);
});

Deno.test("checkName lets no name be a path", () => {
  for (const name of ["default", "a", "0", "a.b-c_d", "x".repeat(64)]) assert.equal(checkName(name), name);
  for (const name of ["", ".", "..", "a/b", "a\\b", "../x", "-a", ".a", "a b", "ä", "a\n", "x".repeat(65)]) {
    assert.throws(() => checkName(name), (error) => error instanceof ConfigError, name);
  }
});
