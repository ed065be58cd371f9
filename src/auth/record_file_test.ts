import assert from "node:assert/strict";
import * as z from "zod";
import { firstKeyPath } from "./api_key/first_key.ts";
import { KeyUsage, readUsage } from "./api_key/key_usage.ts";
import { locked, recordFile } from "./record_file.ts";

const file = recordFile("names", z.string());

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(await Deno.realPath(folder));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function held(path: string): Promise<Deno.FsFile> {
  const lock = await Deno.open(`${path}.lock`, { create: true, write: true });
  await lock.lock(true);
  return lock;
}

Deno.test("locked waits for whoever is at it, and gives up on one that does not end", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/names.json`;
    const asked: string[] = [];
    {
      using _ = await held(path);
      const message = `another process holds ${path}.lock`;
      await assert.rejects(locked(path, () => Promise.resolve(void asked.push("x")), 30), { message });
      await assert.rejects(locked(path, () => Promise.resolve(void asked.push("x")), 0), { message });
    }
    assert.deepEqual(asked, []);
    const lock = await held(path);
    const changed = file.change(path, () => ["a"]);
    lock.close();
    await changed;
    assert.deepEqual(file.read(path), ["a"]);
  });
});

Deno.test("KeyUsage ends all the same where somebody holds the file, and says so", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/keys.json`;
    using _ = await held(path);
    const faults: unknown[] = [];
    {
      await using usage = new KeyUsage(path, (error) => faults.push(error));
      usage.note("a");
    }
    assert.deepEqual(faults.map(String), [`Error: another process holds ${path}.lock`]);
  });
});

Deno.test({
  name: "a file that a link leads to is changed where it is, with all that stands beside it",
  ignore: Deno.build.os === "windows",
  async fn() {
    await withFolder(async (folder) => {
      await Deno.mkdir(`${folder}/real`);
      const [link, real] = [`${folder}/keys.json`, `${folder}/real/api-keys.json`];
      await Deno.symlink("middle.json", link);
      await Deno.symlink("real/api-keys.json", `${folder}/middle.json`);
      // Also before there is one.
      for (const names of [["a"], ["a", "b"]]) {
        await file.change(link, () => names);
        assert.deepEqual([file.read(real), file.read(link)], [names, names]);
        assert((await Deno.lstat(link)).isSymlink);
      }
      {
        await using usage = new KeyUsage(link, (error) => assert.fail(String(error)));
        usage.note("a");
      }
      assert.deepEqual(Object.keys(readUsage(link)), ["a"]);
      assert.deepEqual(readUsage(real), readUsage(link));
      assert.equal(firstKeyPath(link), firstKeyPath(real));
      const names = (path: string) => [...Deno.readDirSync(path)].map(({ name }) => name).sort();
      assert.deepEqual(names(folder), ["keys.json", "middle.json", "real"]);
      assert.deepEqual(names(`${folder}/real`), [
        ...["api-keys.json", "api-keys.json.lock", "api-keys.json.used"],
      ]);
    });
  },
});
