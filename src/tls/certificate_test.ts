import assert from "node:assert/strict";
import { DAY_MS, daysUntil, factsOf, isSameName } from "./certificate.ts";
import { makeSelfSigned } from "./self_signed.ts";

Deno.test("factsOf reads the first certificate of a chain, whatever is written around it", () => {
  const [leaf, issuer] = [1, 2].map(() => makeSelfSigned({ names: ["a.example"], validMs: DAY_MS }).cert);
  assert(leaf && issuer);
  const chain = `Subject: CN = a\n${leaf}\nIssuer\n${issuer}`;
  assert.equal(factsOf(chain)?.fingerprint, factsOf(leaf)?.fingerprint);
});

Deno.test("factsOf knows nothing of what is no certificate", () => {
  assert.equal(factsOf(""), undefined);
  assert.equal(factsOf("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), undefined);
});

Deno.test("daysUntil counts whole days, and is below zero from the end on", () => {
  const left = [2 * DAY_MS, 2 * DAY_MS - 1, 0, -1].map((ms) => daysUntil(1_000 + ms, 1_000));
  assert.deepEqual(left, [2, 1, 0, -1]);
});

Deno.test("isSameName minds neither the case of a name nor the way that an address is written", () => {
  assert(isSameName("Box.Example", "box.example"));
  assert(isSameName("::1", "0:0:0:0:0:0:0:1"));
  assert(isSameName("::ffff:1.2.3.4", "::FFFF:102:304"));
  assert(!isSameName("1.2.3.4", "::ffff:1.2.3.4"));
  assert(!isSameName("a.example", "b.example"));
});
