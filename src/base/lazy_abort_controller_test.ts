import assert from "node:assert/strict";
import { LazyAbortController } from "./lazy_abort_controller.ts";

Deno.test("LazyAbortController tells who waits and who comes later, by the first reason", () => {
  const [first, second] = [new Error("first"), new Error("second")];
  const controller = new LazyAbortController();
  const { signal } = controller;
  assert.equal(signal.aborted, false);
  for (const reason of [first, second]) controller.abort(reason);
  assert.equal(signal.reason, first);
  assert.equal(controller.signal, signal);
  const later = new LazyAbortController();
  later.abort(first);
  assert.equal(later.signal.reason, first);
});
