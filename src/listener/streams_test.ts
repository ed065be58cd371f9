import assert from "node:assert/strict";
import { Streams } from "./streams.ts";

/** And why its connection was dropped. */
function streams() {
  const reasons: string[] = [];
  const streams = new Streams({ address: "192.0.2.1", drop: (reason) => void reasons.push(reason) });
  return { streams, reasons };
}

Deno.test("Streams drops a connection when each of its requests is given up, and not before", () => {
  const { streams: all, reasons } = streams();
  const [first, second] = [all.enter(), all.enter()];
  assert.equal(first.address, "192.0.2.1");
  first.drop("slow");
  first.drop("slow");
  assert.deepEqual(reasons, []);
  second.drop("slow too");
  assert.deepEqual(reasons, ["slow too"]);
});

Deno.test("Streams drops a connection on which nothing is left but what was given up", () => {
  const { streams: all, reasons } = streams();
  const [first, second] = [all.enter(), all.enter()];
  first.drop("slow");
  second.leave();
  second.leave();
  assert.deepEqual(reasons, ["all its streams are held up"]);
});

Deno.test("Streams leaves a connection alone whose given up request has ended", () => {
  const { streams: all, reasons } = streams();
  const [first, second] = [all.enter(), all.enter()];
  first.drop("slow");
  first.leave();
  first.drop("late");
  second.leave();
  assert.deepEqual(reasons, []);
});
