import assert from "node:assert/strict";
import { Backlog } from "../../core/backlog.ts";
import { DisconnectedError } from "../../core/errors.ts";
import type { JsonRpcMessage } from "../../core/message/jsonrpc.ts";
import { settled } from "../../../tests/support/far_end.ts";
import { cancelled, notification, request, result } from "../../../tests/support/messages.ts";
import { HandshakeGate } from "./handshake_gate.ts";

function rig(say: (message: JsonRpcMessage) => Promise<void> | void = () => {}) {
  const said: JsonRpcMessage[] = [];
  const backlog = new Backlog(1_000);
  const order = new HandshakeGate({
    backlog,
    say({ message }) {
      said.push(message);
      return say(message);
    },
  });
  return { said, backlog, order, send: (message: JsonRpcMessage) => order.send({ message }) };
}

Deno.test("HandshakeGate waits for each message that was held, and what comes meanwhile is behind it", async () => {
  const taken = Promise.withResolvers<void>();
  const { said, backlog, order, send } = rig((message) => "id" in message ? undefined : taken.promise);
  const [first, second, third] = [notification("notifications/initialized"), request(1), request(2)];
  send(request(0, "initialize"));
  send(first);
  send(second);
  assert.equal(backlog.size, JSON.stringify(first).length);
  order.hear(result(0));
  send(third);
  await settled();
  assert.deepEqual([said.slice(1), backlog.size], [[first], 0]);
  taken.resolve();
  await settled();
  assert.deepEqual(said.slice(1), [first, second, third]);
  send(request(4));
  assert.deepEqual(said.at(-1), request(4));
});

Deno.test("HandshakeGate leaves out what is cancelled before it was said, and lets the rest of the cancellations pass", () => {
  const { said, order, send } = rig();
  for (const message of [request("early"), request(0, "initialize"), request(1)]) send(message);
  for (const id of [1, "early"]) send(cancelled(id));
  order.answered(0);
  assert.deepEqual(said, [request("early"), request(0, "initialize"), cancelled("early")]);
});

Deno.test("HandshakeGate does not hold a second handshake up behind one that is never answered", async () => {
  const { said, order, send } = rig();
  for (const message of [request(0, "initialize"), notification(), request(1, "initialize")]) send(message);
  order.answered(0);
  assert.deepEqual(said.slice(1), [request(1, "initialize")]);
  order.answered(1);
  await settled();
  assert.deepEqual(said.slice(2), [notification()]);
});

Deno.test("HandshakeGate says nothing to who is gone, and counts nothing any more", async () => {
  const { said, backlog, order, send } = rig((message) => {
    if ("method" in message && message.method !== "initialize") throw new DisconnectedError("gone");
  });
  for (const message of [request(0, "initialize"), notification("a"), notification("b")]) send(message);
  order.answered(0);
  await settled();
  assert.deepEqual([said.length, backlog.size], [3, 0]);
  for (const message of [request(2, "initialize"), notification("c")]) send(message);
  order.clear();
  assert.equal(backlog.size, 0);
});
