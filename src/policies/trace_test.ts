import assert from "node:assert/strict";
import type { MessageContext } from "../core/policy.ts";
import { trace } from "./trace.ts";
import { request } from "../../tests/support/messages.ts";
import { recorder } from "../../tests/support/recorder.ts";

const context: MessageContext = {
  peer: { session: "s1", wire: "sse", scope: "session" },
  direction: "down",
  envelope: { message: request(1) },
};

Deno.test("trace tells of the message and passes it on untouched", async () => {
  const { emit, events } = recorder();
  const room = Promise.resolve();
  const passed = trace(emit)(context, () => room);
  assert.equal(passed, room);
  await passed;
  assert.deepEqual(events, [{ type: "message", session: "s1", direction: "down", body: request(1) }]);
  assert.deepEqual(context.envelope, { message: request(1) });
});

Deno.test("trace tells of a message that cannot be passed on, too", () => {
  const { emit, events } = recorder();
  const refuse = () => {
    throw new Error("no");
  };
  assert.throws(() => trace(emit)(context, refuse), /no/);
  assert.equal(events.length, 1);
});
