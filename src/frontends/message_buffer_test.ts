import assert from "node:assert/strict";
import { notification } from "../../tests/support/messages.ts";
import { MessageBuffer } from "./message_buffer.ts";

const said = (text: string) => ({ message: notification("notifications/said"), text });

function rest(buffer: MessageBuffer): (string | undefined)[] {
  const texts: (string | undefined)[] = [];
  for (let next = buffer.take(); next; next = buffer.take()) texts.push(next.text);
  return texts;
}

Deno.test("MessageBuffer gives what it keeps in its order", () => {
  const buffer = new MessageBuffer({ maxBufferedMessages: 3, maxBufferedBytes: 100 });
  assert.deepEqual(["a", "b", "c"].map((text) => buffer.add(said(text))), [0, 0, 0]);
  assert.deepEqual(rest(buffer), ["a", "b", "c"]);
});

Deno.test("MessageBuffer lets the oldest go when there are too many", () => {
  const buffer = new MessageBuffer({ maxBufferedMessages: 2, maxBufferedBytes: 100 });
  assert.deepEqual(["a", "b", "c", "d"].map((text) => buffer.add(said(text))), [0, 0, 1, 1]);
  assert.deepEqual(rest(buffer), ["c", "d"]);
});

Deno.test("MessageBuffer lets go as many as the newest needs, and that too when it is too large by itself", () => {
  const buffer = new MessageBuffer({ maxBufferedMessages: 10, maxBufferedBytes: 10 });
  for (const text of ["aaa", "bbb", "ccc"]) buffer.add(said(text));
  assert.equal(buffer.add(said("ddddddd")), 2);
  assert.deepEqual(rest(buffer), ["ccc", "ddddddd"]);
  buffer.add(said("e"));
  assert.equal(buffer.add(said("f".repeat(11))), 2);
  assert.deepEqual(rest(buffer), []);
  // What has gone weighs nothing any more.
  assert.equal(buffer.add(said("g".repeat(10))), 0);
});
