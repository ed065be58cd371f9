import assert from "node:assert/strict";
import { Unread } from "../core/unread.ts";
import { looseUnread } from "../../tests/support/waiting_limits.ts";
import { Outgoing } from "./outgoing.ts";

const KB = 1024;

/** Of letters that take one byte each. */
function text(size: number): string {
  return "abcdefghijklmnopqrstuvwxyz0".repeat(size / 27 + 1).slice(0, size);
}

Deno.test("Outgoing delivers what was sent, large or small, and then ends", async () => {
  const unread = looseUnread();
  const out = new Outgoing({ session: "s", unread });
  // Some are cut in the middle of a character of two code units.
  const parts = [text(10), text(300 * KB), "a", text(64 * KB), text(70 * KB), `a${"😀".repeat(100 * KB)}`];
  for (const part of parts) void out.send(part);
  out.end();
  void out.send("late");
  assert(unread.bytes > 400 * KB);
  assert(await new Response(out.body).text() === parts.join(""));
  assert.equal(unread.bytes, 0);
});

Deno.test("Outgoing keeps no more of a large message alive than it counts", async () => {
  const out = new Outgoing({ session: "s", unread: looseUnread() });
  void out.send(text(300 * KB));
  const reader = out.body.getReader();
  for (let left = 300; left > 0; left -= 64) {
    const { value } = await reader.read();
    assert.deepEqual([value?.length, value?.buffer.byteLength], [Math.min(left, 64) * KB, value?.length]);
  }
});

Deno.test("Outgoing lets its sender go, and tells of it, when its client is given up or leaves", async () => {
  const dropped: string[] = [];
  const caller = { address: undefined, drop: (reason: string) => void dropped.push(reason) };
  const unread = new Unread({ maxUnreadBytes: 1 << 20, emit: () => {} })
    .within({ maxBufferedMessages: 2, maxBufferedBytes: 1 << 20 });
  let gone = 0;
  const open = () => new Outgoing({ session: "s", unread, caller, onGone: () => gone++ });
  const slow = open();
  const waiting = slow.send(text(100 * KB));
  void slow.send(text(KB));
  void slow.send(text(KB));
  await waiting;
  assert.deepEqual([slow.isOpen, gone, unread.bytes], [false, 1, 0]);
  assert.match(dropped.join(), /^\d+ messages of \d+ bytes wait for the client/);
  await assert.rejects(new Response(slow.body).text(), /wait for the client/);
  const left = open();
  const sent = left.send(text(100 * KB));
  await left.body.cancel();
  await sent;
  assert.deepEqual([left.isOpen, gone, unread.bytes], [false, 2, 0]);
});
