import assert from "node:assert/strict";
import { Nonces } from "./nonces.ts";

const NOW = 1_800_000_000;

Deno.test("Nonces lets each be used once for as long as it counts, and forgets it then", () => {
  const nonces = new Nonces({ max: 2, windowS: 180 });
  assert.equal(nonces.use("a", NOW + 30, NOW), "fresh");
  assert.equal(nonces.use("a", NOW + 30, NOW), "used");
  // Also where it would end at another time.
  assert.equal(nonces.use("a", NOW + 90, NOW + 10), "used");
  assert.equal(nonces.use("a", NOW + 30, NOW + 30), "used");
  assert.equal(nonces.use("b", NOW + 120, NOW + 60), "fresh");
  assert.equal(nonces.use("c", NOW + 120, NOW + 60), "fresh");
});

Deno.test("Nonces refuses when it is full, and forgets nothing before its time for that", () => {
  const nonces = new Nonces({ max: 3, windowS: 180 });
  for (const nonce of ["a", "b", "c"]) assert.equal(nonces.use(nonce, NOW + 30, NOW), "fresh");
  assert.equal(nonces.use("d", NOW + 30, NOW), "full");
  for (const nonce of ["a", "b", "c"]) assert.equal(nonces.use(nonce, NOW + 30, NOW + 20), "used");
  // It was not used up.
  assert.equal(nonces.use("d", NOW + 90, NOW + 60), "fresh");
});

Deno.test("Nonces does not take what it may have forgotten when the clock is put back", () => {
  const nonces = new Nonces({ max: 10, windowS: 180 });
  assert.equal(nonces.use("a", NOW + 30, NOW), "fresh");
  assert.equal(nonces.use("b", NOW + 3_630, NOW + 3_600), "fresh");
  assert.equal(nonces.use("a", NOW + 30, NOW), "over");
  assert.equal(nonces.use("c", NOW + 90, NOW + 30), "fresh");
});

Deno.test("Nonces remembers for days where clocks may differ by so much", () => {
  const nonces = new Nonces({ max: 10, windowS: 500_000 });
  assert.equal(nonces.use("a", NOW + 400_000, NOW), "fresh");
  assert.equal(nonces.use("a", NOW + 400_000, NOW + 399_999), "used");
  assert.equal(nonces.use("b", NOW + 900_000, NOW + 450_000), "fresh");
  assert.equal(nonces.use("a", NOW + 400_000, NOW + 450_000), "over");
});
