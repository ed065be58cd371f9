import assert from "node:assert/strict";
import { StoppingError } from "./errors.ts";
import { Stopping } from "./stopping.ts";

Deno.test("Stopping refuses nothing until it has begun, and everything from then on", () => {
  const stopping = new Stopping();
  stopping.refuse();
  assert.equal(stopping.refusal(), undefined);
  stopping.begin();
  stopping.begin();
  assert.throws(() => stopping.refuse(), StoppingError);
  assert(stopping.refusal() instanceof StoppingError);
});
