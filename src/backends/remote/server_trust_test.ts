import assert from "node:assert/strict";
import { BackendError, ConfigError } from "../../core/errors.ts";
import { makeKeyPair } from "../../wire/signing/key_pair.ts";
import { knownHosts, pinnedKey } from "./server_trust.ts";

const [first, second] = [makeKeyPair().pair.publicKey, makeKeyPair().pair.publicKey];
const ORIGIN = "https://gateway.example";

function refusal(expected: RegExp) {
  return (error: unknown) => {
    assert(error instanceof BackendError);
    assert(error.permanent);
    assert.match(error.message, expected);
    return true;
  };
}

Deno.test("pinnedKey lets no other key pass", () => {
  const trust = pinnedKey(first.fingerprint);
  trust(ORIGIN, first);
  assert.throws(() => trust(ORIGIN, second), refusal(/^Somebody else may be in the place of the server/));
});

Deno.test("knownHosts trusts who is new, and from then on nobody else in that place", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/known`;
  const told: string[] = [];
  const trust = knownHosts(path, { onTrusted: (text) => told.push(text) });
  trust(ORIGIN, first);
  trust(ORIGIN, first);
  trust("https://other.example", second);
  assert.equal(told.length, 2);
  assert.throws(() => trust(ORIGIN, second), (error: Error) => {
    assert(!error.message.includes(folder), "clients are told of it");
    return refusal(/and had SHA256:.* before/)(error);
  });
  assert.equal(
    await Deno.readTextFile(path),
    `${ORIGIN} ${first.line}\nhttps://other.example ${second.line}\n`,
  );
  // Its owner may put down another one beside it, as comments.
  await Deno.writeTextFile(path, `# moves in May\n${ORIGIN} ${second.line} next\n`, { append: true });
  trust(ORIGIN, second);
  await Deno.writeTextFile(path, "nonsense\n", { append: true });
  assert.throws(() => trust(ORIGIN, first), refusal(/^The file of --knownHosts cannot be used/));
  assert.throws(() => knownHosts(path, { onTrusted: () => {} }), (error) => {
    assert(error instanceof ConfigError);
    assert.match(error.message, /^--knownHosts ".*known": line 5: expected ssh-ed25519/);
    return true;
  });
  await Deno.remove(folder, { recursive: true });
});
