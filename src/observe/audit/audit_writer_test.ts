import assert from "node:assert/strict";
import { fakeClock } from "../../../tests/support/fake_clock.ts";
import { settled } from "../../../tests/support/far_end.ts";
import { AuditWriter, MAX_WAITING_CHARS } from "./audit_writer.ts";

/** A disk in memory, with so much room; it takes a few bytes at a time. */
class Disk {
  text = "";
  room = Infinity;
  files = 1;
  closed = false;
  /** Where set, a write waits for it. */
  stuck: Promise<void> | undefined;

  look = (): Promise<void> => Promise.resolve();
  makeRoom = (): Promise<void> => Promise.resolve();

  write = async (bytes: Uint8Array): Promise<number> => {
    await this.stuck;
    const count = Math.min(bytes.length, this.room, 7);
    if (count === 0) throw new Error("No space left on device");
    this.room -= count;
    this.text += new TextDecoder().decode(bytes.subarray(0, count));
    return count;
  };

  close = (): void => void (this.closed = true);
}

function rig(maxBytes = 1_000) {
  const disk = new Disk();
  const told: string[] = [];
  const writer = new AuditWriter(disk, {
    maxBytes,
    seal: (said) => said,
    onTrouble: (reason) => void told.push(reason),
    onRecovered: () => void told.push("recovered"),
  });
  return { disk, told, writer };
}

Deno.test("AuditWriter gathers what comes for a moment, and writes all of it in order", async () => {
  using clock = fakeClock();
  const { disk, told, writer } = rig();
  for (const line of ["one\n", "two\n", "three\n"]) writer.push(line);
  await settled();
  assert.equal(disk.text, "");
  clock.pass(100);
  await settled();
  assert.equal(disk.text, "one\ntwo\nthree\n");
  writer.push("four\n");
  clock.pass(100);
  await settled();
  assert.equal(disk.text, "one\ntwo\nthree\nfour\n");
  assert.deepEqual(told, []);
});

Deno.test("AuditWriter holds what cannot be written, says so, and goes on in the middle of a line when it can be", async () => {
  using clock = fakeClock();
  const { disk, told, writer } = rig();
  disk.room = 5;
  writer.push("first line\n");
  clock.pass(100);
  await settled();
  assert.deepEqual([disk.text, writer.trouble], ["first", "No space left on device"]);
  writer.push("second line\n");
  // It tries again, and tells of the same trouble once.
  clock.pass(500);
  await settled();
  assert.deepEqual(told, ["No space left on device"]);
  disk.room = Infinity;
  clock.pass(500);
  await settled();
  assert.equal(disk.text, "first line\nsecond line\n");
  assert.deepEqual([told, writer.trouble], [["No space left on device", "recovered"], undefined]);
});

Deno.test("AuditWriter is in trouble while more waits than it may hold, and drops none of it", async () => {
  const { disk, told, writer } = rig(10_000_000);
  const slow = Promise.withResolvers<void>();
  disk.stuck = slow.promise;
  disk.write = async (bytes) => {
    await disk.stuck;
    disk.text += `${bytes.length} `;
    return bytes.length;
  };
  const line = `${"x".repeat(99_999)}\n`;
  const count = Math.ceil(MAX_WAITING_CHARS / line.length) + 3;
  for (let pushed = 0; pushed < count; pushed++) writer.push(line);
  assert.deepEqual(told, ["it is written more slowly than it grows"]);
  slow.resolve();
  assert.equal(await writer.close(), 0);
  assert.equal(disk.text.trim().split(" ").reduce((sum, one) => sum + Number(one), 0), count * line.length);
  assert.deepEqual(told.slice(1), ["recovered"]);
});

Deno.test("AuditWriter writes at its end what is left, and counts what it could not", async () => {
  const { disk, writer } = rig();
  writer.push("a line\n");
  assert.equal(await writer.close(), 0);
  assert.deepEqual([disk.text, disk.closed], ["a line\n", true]);
  const full = rig();
  full.disk.room = 3;
  full.writer.push("a line\n");
  full.writer.push("another\n");
  assert.equal(await full.writer.close(), 2);
  assert.deepEqual([full.disk.text, full.disk.closed], ["a l", true]);
});

Deno.test("AuditWriter writes no more at once than a file may hold, where lines allow it", async () => {
  const { disk, writer } = rig(10);
  const asked: number[] = [];
  disk.makeRoom = (...[bytes]: number[]) => {
    asked.push(bytes ?? 0);
    return Promise.resolve();
  };
  for (const line of ["1234\n", "5678\n", "9\n", "longer than that\n"]) writer.push(line);
  assert.equal(await writer.close(), 0);
  assert.deepEqual(asked, [10, 2, 17]);
});
