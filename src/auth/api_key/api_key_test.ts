import assert from "node:assert/strict";
import { fakeClock } from "../../../tests/support/fake_clock.ts";
import { nobody } from "../../../tests/support/nobody.ts";
import { Credentials } from "../credentials.ts";
import { apiKeys } from "./api_key.ts";
import { keyFile } from "./key_file.ts";
import { digestOf, makeKey } from "./key_text.ts";

/** A file with two keys, and what judges by it. */
async function rig() {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/keys.json`;
  const key = makeKey();
  const createdAt = new Date().toISOString();
  const revoked = makeKey();
  const entryOf = ({ id, secret }: typeof key) => ({ id, digest: digestOf(secret), scopes: [], createdAt });
  await keyFile.change(path, () => [
    { name: "ci", ...entryOf(key) },
    { name: "old", ...entryOf(revoked), revokedAt: createdAt },
  ]);
  const used: string[] = [];
  const { identify } = apiKeys({ path, onUsed: (id) => used.push(id), emit: () => {} });
  return {
    ...{ key, revoked, used },
    judged(headers: Record<string, string>) {
      const request = new Request("http://127.0.0.1/mcp", { headers });
      return identify(new Credentials(request, nobody(), { apiKeyInQuery: false }));
    },
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

Deno.test("apiKeys takes a key of either field, whatever stands in the other one", async () => {
  await using keys = await rig();
  const { text: right, id } = keys.key;
  const wrong = makeKey();
  const credentialOf = (headers: Record<string, string>) => {
    const verdict = keys.judged(headers);
    return verdict && "principal" in verdict ? verdict.credential : undefined;
  };
  const other = ["Basic YTpi", "Bearer another.kind.of.token", `Bearer ${wrong.text}`, "Bearer"];
  for (const Authorization of other) {
    assert.equal(credentialOf({ Authorization, "X-API-Key": right }), id, Authorization);
    assert.equal(credentialOf({ Authorization, "X-API-Key": wrong.text }), undefined, Authorization);
    assert.equal(credentialOf({ Authorization }), undefined, Authorization);
  }
  for (const more of [{}, { "X-API-Key": wrong.text }, { "X-API-Key": "no key" }]) {
    assert.equal(credentialOf({ Authorization: `Bearer ${right}`, ...more }), id);
  }
  assert.equal(keys.judged({ Authorization: "Bearer another.kind.of.token" }), undefined);
  assert.deepEqual(keys.judged({ Authorization: `Bearer ${wrong.text}` }), {
    ...{ why: "unknown", credential: wrong.id },
  });
});

Deno.test("apiKeys names a key that was somebody's once, whatever stands beside it", async () => {
  await using keys = await rig();
  const { text, id } = keys.revoked;
  for (const other of ["x", makeKey().text]) {
    for (const [one, two] of [[text, other], [other, text]]) {
      const verdict = keys.judged({ Authorization: `Bearer ${one}`, "X-API-Key": `${two}` });
      assert.deepEqual(verdict, { why: "revoked", credential: id });
    }
  }
});

Deno.test("apiKeys tells of the use of a key once a second, also where the clock was set back", async () => {
  await using keys = await rig();
  const use = () => void keys.judged({ "X-API-Key": keys.key.text });
  using clock = fakeClock();
  const realDate = Date.now;
  for (const pass of [0, 0, 999, 1, 500]) {
    clock.pass(pass);
    use();
  }
  assert.equal(keys.used.length, 2);
  Date.now = () => realDate() - 3_600_000;
  use();
  use();
  assert.deepEqual(keys.used, [keys.key.id, keys.key.id, keys.key.id]);
});
