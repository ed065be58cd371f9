import assert from "node:assert/strict";
import { Signatory } from "../../../tests/support/signed.ts";
import { parseAuthorizedKeys } from "./authorized_keys.ts";

const { line, fingerprint } = new Signatory();

Deno.test("parseAuthorizedKeys reads names and scopes, and passes over comments", () => {
  const other = new Signatory();
  const text = `# of the team\n\n${line} ci tools,files\r\n  ${other.line} me@home\n`;
  const keys = parseAuthorizedKeys(text, (key, scopes) => key === fingerprint && scopes.includes("files"));
  const told = [...keys.values()].map(({ identity: { principal, scopes, credential } }) => [
    ...[principal.name, principal.holds?.(), scopes, credential],
  ]);
  assert.deepEqual(told, [
    ["keypair/ci", true, ["tools", "files"], "ci"],
    ["keypair/me@home", false, [], "me@home"],
  ]);
  assert.deepEqual([...keys.keys()], [fingerprint, other.fingerprint]);
});

Deno.test("parseAuthorizedKeys says in which line what is wrong", () => {
  for (
    const [text, expected] of [
      [line, /^line 1: expected a name behind the key/],
      [`\n${line} "ci"`, /^line 2: expected a name behind the key/],
      [`${line} ci a"b`, /^line 1: expected nothing but scopes behind the name/],
      [`${line} ci\n${line} other`, /^line 2: the key stands in a line before$/],
      ["ssh-rsa AAAA ci", /^line 1: expected a key of Ed25519/],
    ] as const
  ) assert.throws(() => parseAuthorizedKeys(text, () => true), { message: expected });
});
