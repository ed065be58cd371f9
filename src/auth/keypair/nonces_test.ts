import assert from "node:assert/strict";
import { Nonces } from "./nonces.ts";

const NOW = 1_800_000_000;

Deno.test("Nonces lets each be used once for as long as it counts, and forgets it then", () => {
  const nonces = new Nonces({ max: 4, windowS: 180 });
  assert.equal(nonces.use("k", "a", { end: NOW + 30, now: NOW }), "fresh");
  assert.equal(nonces.use("k", "a", { end: NOW + 30, now: NOW }), "used");
  // Also where it would end at another time.
  assert.equal(nonces.use("k", "a", { end: NOW + 90, now: NOW + 10 }), "used");
  assert.equal(nonces.use("k", "a", { end: NOW + 30, now: NOW + 30 }), "used");
  assert.equal(nonces.use("k", "b", { end: NOW + 120, now: NOW + 60 }), "fresh");
  assert.equal(nonces.use("k", "c", { end: NOW + 120, now: NOW + 60 }), "fresh");
});

Deno.test("Nonces refuses when it is full, and forgets nothing before its time for that", () => {
  const nonces = new Nonces({ max: 6, windowS: 180 });
  for (const nonce of ["a", "b", "c"]) {
    assert.equal(nonces.use("k", nonce, { end: NOW + 30, now: NOW }), "fresh");
  }
  assert.equal(nonces.use("k", "d", { end: NOW + 30, now: NOW }), "full");
  for (const nonce of ["a", "b", "c"]) {
    assert.equal(nonces.use("k", nonce, { end: NOW + 30, now: NOW + 20 }), "used");
  }
  // It was not used up.
  assert.equal(nonces.use("k", "d", { end: NOW + 90, now: NOW + 60 }), "fresh");
});

Deno.test("Nonces does not take what it may have forgotten when the clock is put back", () => {
  const nonces = new Nonces({ max: 10, windowS: 180 });
  assert.equal(nonces.use("k", "a", { end: NOW + 30, now: NOW }), "fresh");
  assert.equal(nonces.use("k", "b", { end: NOW + 3_630, now: NOW + 3_600 }), "fresh");
  assert.equal(nonces.use("k", "a", { end: NOW + 30, now: NOW }), "over");
  assert.equal(nonces.use("k", "c", { end: NOW + 90, now: NOW + 30 }), "fresh");
});

Deno.test("Nonces remembers for days where clocks may differ by so much", () => {
  const nonces = new Nonces({ max: 10, windowS: 500_000 });
  assert.equal(nonces.use("k", "a", { end: NOW + 400_000, now: NOW }), "fresh");
  assert.equal(nonces.use("k", "a", { end: NOW + 400_000, now: NOW + 399_999 }), "used");
  assert.equal(nonces.use("k", "b", { end: NOW + 900_000, now: NOW + 450_000 }), "fresh");
  assert.equal(nonces.use("k", "a", { end: NOW + 400_000, now: NOW + 450_000 }), "over");
});

Deno.test("Nonces leaves room for other keys, whichever of them is busy", () => {
  const nonces = new Nonces({ max: 12, windowS: 180 });
  /** How many more of twenty a key gets. */
  const more = (key: string): number => {
    const tries = Array.from(
      { length: 20 },
      () => nonces.use(key, crypto.randomUUID(), { end: NOW + 30, now: NOW }),
    );
    return tries.filter((outcome) => outcome === "fresh").length;
  };
  assert.deepEqual(["a", "b", "c", "a", "d"].map(more), [6, 3, 2, 0, 1]);
  // There is none left at all.
  assert.equal(nonces.use("e", "n", { end: NOW + 30, now: NOW }), "full");
  // What it held is its own again.
  assert.equal(nonces.use("a", "n", { end: NOW + 150, now: NOW + 120 }), "fresh");
});

Deno.test("Nonces takes the nonce of one key for no nonce of another", () => {
  const nonces = new Nonces({ max: 12, windowS: 180 });
  assert.equal(nonces.use("a", "n", { end: NOW + 30, now: NOW }), "fresh");
  assert.equal(nonces.use("b", "n", { end: NOW + 30, now: NOW }), "fresh");
  assert.equal(nonces.use("a", "n", { end: NOW + 30, now: NOW }), "used");
});
