import assert from "node:assert/strict";
import { LogFile } from "../../observe/log_file.ts";
import { TextLog } from "../../../tests/support/keystone.ts";
import { follow, lastLines, openEnd } from "./log_tail.ts";

async function temporary() {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/log`;
  const log = (maxBytes: number) => LogFile.open(path, { maxBytes, keep: 1_000 });
  return { path, log, [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
}

const write = (log: LogFile, text: string) => log.write(new TextEncoder().encode(text));

async function last(path: string, lines: number): Promise<string> {
  using end = await openEnd(path);
  return new TextDecoder().decode(await lastLines(path, end!, lines));
}

Deno.test("lastLines has the end of a file, however long it is and whether or not it ends with a line", async () => {
  await using at = await temporary();
  const cases: [string, number, string][] = [
    ["", 3, ""],
    ["a\n", 0, ""],
    ["a\nb\nc\n", 2, "b\nc\n"],
    ["a\nb\nc", 2, "b\nc"],
    ["a\nb\nc", 1, "c"],
    ["a\n\n\n", 2, "\n\n"],
    ["a\nb\n", 9, "a\nb\n"],
    [`${"ä".repeat(100_000)}\nb\n`, 1, "b\n"],
    [`x\n${"ä".repeat(100_000)}\nb\n`, 2, `${"ä".repeat(100_000)}\nb\n`],
  ];
  for (const [text, lines, expected] of cases) {
    await Deno.writeTextFile(at.path, text);
    assert(await last(at.path, lines) === expected, `${text.slice(0, 10)} ${lines}`);
  }
});

Deno.test("lastLines goes on in the files that were full before", async () => {
  await using at = await temporary();
  const log = at.log(4);
  for (const text of ["a\n", "b\n", "c\n", "d\n", "e\n"]) await write(log, text);
  log.close();
  assert.deepEqual(await Promise.all([1, 2, 3, 4, 5, 9].map((lines) => last(at.path, lines))), [
    "e\n",
    "d\ne\n",
    "c\nd\ne\n",
    "b\nc\nd\ne\n",
    "a\nb\nc\nd\ne\n",
    "a\nb\nc\nd\ne\n",
  ]);
});

Deno.test("openEnd finds nothing where there is no log", async () => {
  await using at = await temporary();
  assert.equal(await openEnd(at.path), undefined);
});

Deno.test("follow writes each line once, in order, over as many files as it takes", async () => {
  await using at = await temporary();
  const log = at.log(20);
  await write(log, "before\n");
  const end = await openEnd(at.path);
  const { readable, writable } = new TransformStream<Uint8Array<ArrayBuffer>>();
  const writer = writable.getWriter();
  const seen = new TextLog(readable);
  const stop = new AbortController();
  const followed = follow(at.path, end!, {
    write: (bytes) => writer.write(Uint8Array.from(bytes)),
    signal: stop.signal,
  });
  const lines = Array.from({ length: 40 }, (_, index) => `line ${index}\n`);
  for (const line of lines.slice(0, 20)) await write(log, line);
  await seen.matching(/line 19\n/);
  // It was followed to here, and finds many files at its next look.
  for (const line of lines.slice(20)) await write(log, line);
  await seen.matching(/line 39\n/);
  stop.abort();
  await followed;
  await writer.close();
  await seen.ended;
  log.close();
  assert.equal(seen.text, lines.join(""));
});
