import assert from "node:assert/strict";
import { isSameToken, makeToken } from "./token.ts";

Deno.test("isSameToken compares texts of any length", () => {
  const token = makeToken();
  assert(isSameToken(token, token));
  for (const other of ["", "x", token.slice(1), `${token}x`, makeToken()]) assert(!isSameToken(other, token));
});

Deno.test("makeToken makes what stands in a header as it is, and never the same", () => {
  const tokens = new Set(Array.from({ length: 100 }, makeToken));
  assert.equal(tokens.size, 100);
  for (const token of tokens) assert.match(token, /^[\w-]{43}$/);
});
