import assert from "node:assert/strict";
import { notification, request } from "../../../tests/support/messages.ts";
import { MessageBuffer } from "./message_buffer.ts";

const said = (text: string) => ({ message: notification("notifications/said"), text });

const goneFor = (buffer: MessageBuffer, text: string) => buffer.add(said(text)).map(({ text }) => text);

function rest(buffer: MessageBuffer): (string | undefined)[] {
  const texts: (string | undefined)[] = [];
  for (let next = buffer.take(); next; next = buffer.take()) texts.push(next.text);
  return texts;
}

Deno.test("MessageBuffer gives what it keeps in its order", () => {
  const buffer = new MessageBuffer({ maxBufferedMessages: 3, maxBufferedBytes: 100 });
  assert.deepEqual(["a", "b", "c"].map((text) => goneFor(buffer, text)), [[], [], []]);
  assert.deepEqual(rest(buffer), ["a", "b", "c"]);
});

Deno.test("MessageBuffer lets the oldest go when there are too many", () => {
  const buffer = new MessageBuffer({ maxBufferedMessages: 2, maxBufferedBytes: 100 });
  assert.deepEqual(["a", "b", "c", "d"].map((text) => goneFor(buffer, text)), [[], [], ["a"], ["b"]]);
  assert.deepEqual(rest(buffer), ["c", "d"]);
});

Deno.test("MessageBuffer lets go as many as the newest needs, and that too when it is too large by itself", () => {
  const buffer = new MessageBuffer({ maxBufferedMessages: 10, maxBufferedBytes: 10 });
  for (const text of ["aaa", "bbb", "ccc"]) buffer.add(said(text));
  assert.deepEqual(goneFor(buffer, "ddddddd"), ["aaa", "bbb"]);
  assert.deepEqual(rest(buffer), ["ccc", "ddddddd"]);
  buffer.add(said("e"));
  assert.deepEqual(goneFor(buffer, "f".repeat(11)), ["e", "f".repeat(11)]);
  assert.deepEqual(rest(buffer), []);
  // What has gone weighs nothing any more.
  assert.deepEqual(goneFor(buffer, "g".repeat(10)), []);
});

Deno.test("MessageBuffer gives all of a kind, and keeps the others in their order", () => {
  const buffer = new MessageBuffer({ maxBufferedMessages: 10, maxBufferedBytes: 10 });
  for (const text of ["aa", "b", "cc", "d"]) buffer.add(said(text));
  buffer.add({ message: request(1), text: "ee" });
  const taken = buffer.takeAll((message) => "id" in message);
  assert.deepEqual(taken.map(({ text }) => text), ["ee"]);
  assert.deepEqual(buffer.takeAll((message) => "id" in message), []);
  // What was taken weighs nothing any more.
  assert.deepEqual(goneFor(buffer, "ffff"), []);
  assert.deepEqual(rest(buffer), ["aa", "b", "cc", "d", "ffff"]);
});
