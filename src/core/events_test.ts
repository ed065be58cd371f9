import assert from "node:assert/strict";
import { background, bus, type GatewayEvent } from "./events.ts";
import { recorder } from "../../tests/support/recorder.ts";

const warning: GatewayEvent = { type: "warning", text: "w" };

Deno.test("bus tells every sink, in order", () => {
  const heard: string[] = [];
  const emit = bus([() => heard.push("a"), () => heard.push("b")]);
  emit(warning);
  emit(warning);
  assert.deepEqual(heard, ["a", "b", "a", "b"]);
});

Deno.test("bus goes on after a sink that throws", () => {
  const broken = () => {
    throw new Error("disk full");
  };
  const { emit, events } = recorder();
  bus([broken, emit])(warning);
  assert.deepEqual(events, [warning]);
});

Deno.test("background makes an event of a failure that nobody awaits", async () => {
  const { emit, events } = recorder();
  const error = new Error("late");
  background(Promise.resolve(), "quiet", emit);
  background(Promise.reject(error), "here", emit);
  await Promise.resolve();
  await Promise.resolve();
  assert.deepEqual(events, [{ type: "fault", where: "here", error }]);
});
