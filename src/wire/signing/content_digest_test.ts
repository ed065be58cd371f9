import assert from "node:assert/strict";
import { contentDigest, digestCheck, emptyCheck } from "./content_digest.ts";

/** RFC 9530, appendix B.1, and RFC 9421, appendix B.2. */
const HELLO = '{"hello": "world"}';
const SHA256 = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:";
const SHA512 =
  "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:";

function fits(field: string, ...pieces: string[]): boolean | undefined {
  const check = digestCheck(field);
  for (const piece of pieces) check?.update(new TextEncoder().encode(piece));
  return check?.fits();
}

Deno.test("contentDigest writes the example of RFC 9530", () => {
  assert.equal(contentDigest(HELLO), SHA256);
});

Deno.test("digestCheck knows a body by either digest, in as many pieces as it comes", () => {
  for (const field of [SHA256, SHA512, `${SHA256}, ${SHA512}`, `md5=:AAAA:, ${SHA256}`]) {
    assert.equal(fits(field, HELLO), true, field);
    assert.equal(fits(field, ...HELLO), true, field);
    assert.equal(fits(field, `${HELLO} `), false, field);
    assert.equal(fits(field), false, field);
  }
  // The stronger one counts.
  assert.equal(fits(`${SHA256}, sha-512=:AAAA:`, HELLO), false);
});

Deno.test("digestCheck refuses what says nothing that counts", () => {
  for (const field of ["", "sha-256", "sha-256=", "sha-256=:x", "md5=:AAAA:", `${SHA256},`, `${SHA256};a`]) {
    assert.equal(fits(field, HELLO), undefined, field);
  }
});

Deno.test("emptyCheck lets nothing pass but nothing", () => {
  const check = emptyCheck();
  assert(check.fits());
  check.update(new Uint8Array());
  assert(check.fits());
  check.update(new Uint8Array(1));
  check.update(new Uint8Array());
  assert(!check.fits());
});
