import assert from "node:assert/strict";
import { nobody } from "../../../tests/support/nobody.ts";
import { recorder } from "../../../tests/support/recorder.ts";
import { BusyError } from "../../core/errors.ts";
import { Credentials } from "../credentials.ts";
import { basicUsers } from "./basic.ts";
import { hashPassword } from "./password_hash.ts";
import { userFile } from "./user_file.ts";

async function users(names: readonly string[]) {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/users.json`;
  const hash = await hashPassword("right one");
  const createdAt = new Date().toISOString();
  await userFile.change(path, () => names.map((name) => ({ name, hash, scopes: ["a"], createdAt })));
  const record = recorder();
  const kind = await basicUsers({ path, emit: record.emit });
  const given = (authorization: string) => {
    const request = new Request("http://127.0.0.1/mcp", { headers: { authorization } });
    return kind.identify(new Credentials(request, nobody(), { apiKeyInQuery: false }));
  };
  return {
    kind,
    given,
    login: (name: string, password: string) =>
      given(`Basic ${new TextEncoder().encode(`${name}:${password}`).toBase64()}`),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

Deno.test("basicUsers knows a password by itself, and from then on without waiting", async () => {
  await using rig = await users(["ann"]);
  const first = rig.login("ann", "right one");
  assert(first instanceof Promise);
  const identity = await first;
  assert(identity && "principal" in identity);
  assert.deepEqual([identity.principal.name, identity.scopes], ["basic/ann", ["a"]]);
  const second = rig.login("ann", "right one");
  assert(!(second instanceof Promise));
  assert.deepEqual(await rig.login("ann", "wrong one"), { why: "wrong", credential: "ann" });
  assert.deepEqual(await rig.login("bob", "right one"), { why: "unknown" });
});

Deno.test("basicUsers refuses what is no name and password", async () => {
  await using rig = await users(["ann"]);
  for (const text of ["!", btoa("ann"), btoa("\xff:\xff"), "YW5u="]) {
    assert.deepEqual(rig.given(`Basic ${text}`), { why: "malformed" }, text);
  }
  assert.equal(rig.given("Bearer x"), undefined);
});

Deno.test("basicUsers checks one password once for all who come with it, and tells too many others to come later", async () => {
  await using rig = await users(["ann"]);
  const same = Array.from({ length: 200 }, () => rig.login("ann", "right one"));
  const others = Array.from(
    { length: 80 },
    async (_, index) => await rig.login("ann", `guess number ${index}`),
  );
  const outcomes = await Promise.allSettled(others);
  const refused = outcomes.filter((outcome) => outcome.status === "rejected");
  assert(refused.length > 0);
  assert(refused.every(({ reason }) => reason instanceof BusyError));
  for (const verdict of await Promise.all(same)) assert(verdict && "principal" in verdict);
});
