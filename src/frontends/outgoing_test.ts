import assert from "node:assert/strict";
import { Unread } from "../core/unread.ts";
import { looseUnread } from "../../tests/support/waiting_limits.ts";
import { Outgoing } from "./outgoing.ts";

const KB = 1024;

function bytes(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, at) => at % 251);
}

Deno.test("Outgoing delivers what was sent, large or small, and then ends", async () => {
  const unread = looseUnread();
  const out = new Outgoing({ session: "s", unread });
  const parts = [bytes(10), bytes(300 * KB), bytes(1), bytes(64 * KB), bytes(70 * KB)];
  for (const part of parts) void out.send(part);
  out.end();
  void out.send(bytes(5));
  assert(unread.bytes > 400 * KB);
  const received = new Uint8Array(await new Response(out.body).arrayBuffer());
  assert.deepEqual(received, new Uint8Array(parts.flatMap((part) => [...part])));
  assert.equal(unread.bytes, 0);
});

Deno.test("Outgoing hands on pieces that keep no large message alive", async () => {
  const out = new Outgoing({ session: "s", unread: looseUnread() });
  void out.send(bytes(300 * KB));
  const { value } = await out.body.getReader().read();
  assert.equal(value?.buffer.byteLength, 64 * KB);
});

Deno.test("Outgoing lets its sender go, and tells of it, when its client is given up or leaves", async () => {
  const dropped: string[] = [];
  const caller = { address: undefined, drop: (reason: string) => void dropped.push(reason) };
  const unread = new Unread({
    maxBufferedMessages: 2,
    maxBufferedBytes: 1 << 20,
    maxUnreadBytes: 1 << 20,
    emit: () => {},
  });
  let gone = 0;
  const open = () => new Outgoing({ session: "s", unread, caller, onGone: () => gone++ });
  const slow = open();
  const waiting = slow.send(bytes(100 * KB));
  void slow.send(bytes(KB));
  void slow.send(bytes(KB));
  await waiting;
  assert.deepEqual([slow.open, gone, unread.bytes], [false, 1, 0]);
  assert.match(dropped.join(), /^\d+ messages of \d+ bytes wait for the client/);
  await assert.rejects(new Response(slow.body).text(), /wait for the client/);
  const left = open();
  const sent = left.send(bytes(100 * KB));
  await left.body.cancel();
  await sent;
  assert.deepEqual([left.open, gone, unread.bytes], [false, 2, 0]);
});
