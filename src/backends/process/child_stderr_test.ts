import assert from "node:assert/strict";
import { chunkings } from "../../../tests/support/chunkings.ts";
import { ChildStderr } from "./child_stderr.ts";

/** The lines that are told of these chunks, and the lines that are kept. */
async function read(...chunks: (string | Uint8Array)[]): Promise<{ told: string[]; kept: string[] }> {
  const told: string[] = [];
  const encoder = new TextEncoder();
  const bytes = chunks.map((chunk) => typeof chunk === "string" ? encoder.encode(chunk) : chunk);
  const stderr = new ChildStderr(ReadableStream.from(bytes), (line) => told.push(line));
  await stderr.ended;
  return { told, kept: stderr.lastLines };
}

Deno.test("ChildStderr joins what chunks cut apart, characters too", async () => {
  const bytes = new TextEncoder().encode("größe\n");
  const { told } = await read("one\ntw", "o\r\n\n  \n", bytes.subarray(0, 3), bytes.subarray(3), "last");
  assert.deepEqual(told, ["one", "two", "größe", "last"]);
});

Deno.test("ChildStderr keeps a U+FEFF wherever chunks cut, but for one at the very beginning", async () => {
  for (const mark of ["", "\ufeff"]) {
    for (const chunks of chunkings(`${mark}one\ufefftwo\n\ufeffthree`)) {
      assert.deepEqual((await read(...chunks)).told, ["one\ufefftwo", "\ufeffthree"]);
    }
  }
});

Deno.test("ChildStderr keeps the last twenty lines", async () => {
  const lines = Array.from({ length: 50 }, (_, at) => `line ${at}`);
  const { told, kept } = await read(lines.map((line) => line + "\n").join(""));
  assert.deepEqual([told, kept], [lines, lines.slice(-20)]);
});

Deno.test("ChildStderr cuts a line that is too long, however it comes, and goes on after it", async () => {
  const piece = "x".repeat(7_000);
  const { told } = await read("before\n", piece, piece, piece, "\nafter\n");
  assert.deepEqual(told, ["before", `${"x".repeat(8 * 1024)}…`, "after"]);
});

Deno.test("ChildStderr lets go of a pipe that stays open", async () => {
  let released = false;
  const open = new ReadableStream<Uint8Array>({ cancel: () => void (released = true) });
  const stderr = new ChildStderr(open, () => {});
  await stderr.cancel();
  await stderr.ended;
  assert(released);
});
