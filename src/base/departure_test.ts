import assert from "node:assert/strict";
import { Departure } from "./departure.ts";

Deno.test("Departure tells who waits and who comes later, by the first reason", () => {
  const [first, second] = [new Error("first"), new Error("second")];
  const departure = new Departure();
  const { signal } = departure;
  assert.equal(signal.aborted, false);
  for (const reason of [first, second]) departure.tell(reason);
  assert.equal(signal.reason, first);
  assert.equal(departure.signal, signal);
  const late = new Departure();
  late.tell(first);
  assert.equal(late.signal.reason, first);
});
