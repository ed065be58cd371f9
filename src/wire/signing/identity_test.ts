import assert from "node:assert/strict";
import { IDENTITY_PATH, NONCE, provedBy, signedStatement } from "./identity.ts";
import { makeKeyPair } from "./key_pair.ts";

const { pair } = makeKeyPair();
const ASKED = { origin: "https://gateway.example", nonce: "n".repeat(24) };
const SAID = signedStatement(pair, { ...ASKED, time: "2026-01-01T00:00:00.000Z" });

Deno.test("provedBy takes a statement of that origin to that question, and tells whose it is", () => {
  assert.equal(provedBy(JSON.parse(JSON.stringify(SAID)), ASKED).line, pair.publicKey.line);
  assert(NONCE.test(ASKED.nonce));
  assert.equal(IDENTITY_PATH, "/.well-known/keystone-identity");
});

Deno.test("provedBy takes nothing else", () => {
  const other = makeKeyPair().pair.publicKey.line;
  for (
    const [answer, expected] of [
      [undefined, /no proof/],
      [null, /no proof/],
      ["text", /no proof/],
      [{ ...SAID, signature: 1 }, /no proof/],
      [{ ...SAID, time: undefined }, /no proof/],
      [{ ...SAID, nonce: "m".repeat(24) }, /for somebody else/],
      [{ ...SAID, origin: "https://other.example" }, /of another server/],
      [{ ...SAID, time: "2026-01-01T00:00:01.000Z" }, /signed wrongly/],
      [{ ...SAID, key: other }, /signed wrongly/],
      [{ ...SAID, key: "ssh-rsa AAAA" }, /expected a key of Ed25519/],
      [{ ...SAID, signature: "AAAA" }, /signed wrongly/],
      [signedStatement(pair, { ...ASKED, origin: "https://other.example", time: "" }), /of another server/],
    ] as const
  ) assert.throws(() => provedBy(answer, ASKED), expected, JSON.stringify(answer));
  const moved = signedStatement(pair, { ...ASKED, origin: "https://other.example", time: "" });
  assert.throws(() => provedBy({ ...moved, origin: ASKED.origin }, ASKED), /signed wrongly/);
});
