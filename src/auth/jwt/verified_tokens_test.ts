import assert from "node:assert/strict";
import { digestOf, VerifiedTokens } from "./verified_tokens.ts";

const LATER = { expiresMs: Date.now() + 3_600_000 };

Deno.test("VerifiedTokens finds what was added, until it expires or all is forgotten", () => {
  const tokens = new VerifiedTokens(10);
  const [one, old] = [digestOf("one"), digestOf("old")];
  tokens.add(one, LATER);
  tokens.add(old, { expiresMs: Date.now() });
  assert.deepEqual([tokens.find(one), tokens.find(old), tokens.find("x")], [LATER, undefined, undefined]);
  tokens.clear();
  assert.equal(tokens.find(one), undefined);
});

Deno.test("VerifiedTokens forgets the oldest of too many", () => {
  const tokens = new VerifiedTokens(2);
  for (const digest of ["a", "b", "c"]) tokens.add(digest, LATER);
  assert.deepEqual(["a", "b", "c"].map((digest) => tokens.find(digest)), [undefined, LATER, LATER]);
});
