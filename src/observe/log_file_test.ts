import assert from "node:assert/strict";
import { ConfigError } from "../core/errors.ts";
import { LogFile } from "./log_file.ts";
import { logPaths } from "./rotating_file.ts";

async function temporary() {
  const folder = await Deno.makeTempDir();
  return {
    path: `${folder}/log`,
    folder,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

const write = (log: LogFile, text: string) => log.write(new TextEncoder().encode(text));
const read = (path: string) => Deno.readTextFile(path).catch(() => undefined);

Deno.test("LogFile goes on in a new file when one is full, and keeps so many", async () => {
  await using at = await temporary();
  const log = LogFile.open(at.path, { maxBytes: 4, keep: 2 });
  for (const text of ["a\n", "b\n", "c\n", "d\n", "e\n", "f\n", "g\n"]) await write(log, text);
  log.close();
  const paths = logPaths(at.path, 3);
  assert.deepEqual(await Promise.all(paths.map(read)), ["g\n", "e\nf\n", "c\nd\n", undefined]);
});

Deno.test("LogFile keeps none where none is to be kept", async () => {
  await using at = await temporary();
  const log = LogFile.open(at.path, { maxBytes: 2, keep: 0 });
  await write(log, "a\n");
  await write(log, "b\n");
  log.close();
  assert.deepEqual(await Array.fromAsync(Deno.readDir(at.folder), ({ name }) => name), ["log"]);
  assert.equal(await read(at.path), "b\n");
});

Deno.test("LogFile goes on behind what is there, which counts", async () => {
  await using at = await temporary();
  await Deno.writeTextFile(at.path, "old\n");
  const log = LogFile.open(at.path, { maxBytes: 8, keep: 1 });
  await write(log, "b\n");
  assert.equal(await read(at.path), "old\nb\n");
  await write(log, "more\n");
  log.close();
  assert.deepEqual([await read(at.path), await read(`${at.path}.1`)], ["more\n", "old\nb\n"]);
});

Deno.test("LogFile writes a text that is larger than a file, into one of its own", async () => {
  await using at = await temporary();
  const log = LogFile.open(at.path, { maxBytes: 4, keep: 1 });
  await write(log, "long line\n");
  await write(log, "b\n");
  log.close();
  assert.deepEqual([await read(at.path), await read(`${at.path}.1`)], ["b\n", "long line\n"]);
});

Deno.test({
  name: "LogFile makes files that their owner alone can read",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using at = await temporary();
    const log = LogFile.open(at.path, { maxBytes: 1, keep: 1 });
    await write(log, "a\n");
    await write(log, "b\n");
    log.close();
    for (const path of logPaths(at.path, 1)) assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600, path);
  },
});

Deno.test("LogFile loses no line where the full file cannot be put aside", async () => {
  await using at = await temporary();
  // A folder with something in it is where the full file should go.
  await Deno.mkdir(`${at.path}.1/x`, { recursive: true });
  const log = LogFile.open(at.path, { maxBytes: 2, keep: 1 });
  await write(log, "a\n");
  await write(log, "b\n");
  log.close();
  assert.equal(await read(at.path), "a\nb\n");
});

Deno.test("LogFile.open names the option and the path of a file that cannot be written", async () => {
  await using at = await temporary();
  assert.throws(
    () => LogFile.open(`${at.folder}/missing/log`, { maxBytes: 1, keep: 1 }),
    (error) =>
      error instanceof ConfigError &&
      /^--logFile ".*\/missing\/log": its folder is not there/.test(error.message),
  );
});
