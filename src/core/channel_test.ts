import assert from "node:assert/strict";
import { type Envelope, memoryChannels, textOf } from "./channel.ts";
import { DisconnectedError } from "./errors.ts";
import { FarEnd } from "../../tests/support/far_end.ts";
import { notification, request } from "../../tests/support/messages.ts";

Deno.test("memoryChannels joins two ends in both directions", async () => {
  const [left, right] = memoryChannels();
  void left.send({ message: request(1) });
  void right.send({ message: request(2) });
  assert.deepEqual(await new FarEnd(right).hear(), request(1));
  assert.deepEqual(await new FarEnd(left).hear(), request(2));
});

Deno.test("memoryChannels ends the far side after what was sent, and still lets it talk back", async () => {
  const [left, right] = memoryChannels();
  const far = new FarEnd(right);
  void left.send({ message: request(1) });
  await left.close();
  assert.deepEqual(await far.rest(), { messages: [request(1)], error: undefined });
  far.say(notification("still/here"));
  assert.deepEqual(await new FarEnd(left).hear(), notification("still/here"));
});

Deno.test("memoryChannels takes nothing more from an end that was closed", async () => {
  const [left] = memoryChannels();
  await left.close();
  assert.throws(() => left.send({ message: request(1) }), DisconnectedError);
});

Deno.test("memoryChannels tells the far side of a disposal: what waits, then an error, then no more talk", async () => {
  const [left, right] = memoryChannels();
  void left.send({ message: request(1) });
  await left[Symbol.asyncDispose]();
  const { messages, error } = await new FarEnd(right).rest();
  assert.deepEqual(messages, [request(1)]);
  assert(error instanceof DisconnectedError);
  assert.throws(() => right.send({ message: request(2) }), DisconnectedError);
  assert.throws(() => left.send({ message: request(3) }), DisconnectedError);
});

Deno.test("memoryChannels ends its own incoming when it is disposed", async () => {
  const [left] = memoryChannels();
  const rest = new FarEnd(left).rest();
  await left[Symbol.asyncDispose]();
  assert.deepEqual(await rest, { messages: [], error: undefined });
});

Deno.test("memoryChannels can be closed and disposed more than once, in any order", async () => {
  const [left, right] = memoryChannels();
  await left[Symbol.asyncDispose]();
  await left.close();
  await left[Symbol.asyncDispose]();
  await right.close();
  await right[Symbol.asyncDispose]();
});

Deno.test("memoryChannels holds a sender back, and lets go of it when the far side is disposed", async () => {
  const [left, right] = memoryChannels();
  let room: Promise<void> | void = undefined;
  while (!room) room = left.send({ message: request(1) });
  await right[Symbol.asyncDispose]();
  await room;
});

Deno.test("memoryChannels counts the text of a message as its weight", () => {
  const [left] = memoryChannels();
  const text = " ".repeat(1024 * 1024);
  assert(left.send({ message: request(1), text }) instanceof Promise);
});

Deno.test("textOf gives the text as it came", () => {
  assert.equal(textOf({ message: request(1), text: '{ "as": "it came" }' }), '{ "as": "it came" }');
});

Deno.test("textOf serialises a message without text once", () => {
  const envelope: Envelope = { message: request(1) };
  const text = textOf(envelope);
  assert.deepEqual(JSON.parse(text), request(1));
  envelope.message = request(2);
  assert.equal(textOf(envelope), text);
});
