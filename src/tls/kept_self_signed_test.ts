import assert from "node:assert/strict";
import { writePrivately } from "../files/private_file.ts";
import { DAY_MS, factsOf, isSameName, namesOf } from "./certificate.ts";
import { keepSelfSigned } from "./kept_self_signed.ts";
import { makeSelfSigned } from "./self_signed.ts";

const NAMES = ["localhost", "127.0.0.1"];

interface Kept extends AsyncDisposable {
  readonly folder: string;
  /** Settles with the fingerprint of what is there then. */
  keep(names?: readonly string[]): Promise<string | undefined>;
  readonly names: Promise<string[]>;
}

async function kept(): Promise<Kept> {
  const root = await Deno.makeTempDir({ prefix: "keystone-tls-" });
  const folder = `${root}/tls`;
  const text = () => Deno.readTextFile(`${folder}/cert.pem`);
  return {
    folder,
    async keep(names = NAMES) {
      await keepSelfSigned(folder, names);
      return factsOf(await text())?.fingerprint;
    },
    get names() {
      return text().then(namesOf);
    },
    [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }),
  };
}

Deno.test("keepSelfSigned makes a certificate once, also where several want it at the same time", async () => {
  await using rig = await kept();
  const all = await Promise.all([rig.keep(), rig.keep(), rig.keep()]);
  assert.deepEqual(new Set([...all, await rig.keep()]).size, 1);
});

Deno.test({
  name: "keepSelfSigned writes files for their owner alone, and refuses a key that others may read",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using rig = await kept();
    await rig.keep();
    const modeOf = (path: string) => (Deno.statSync(path).mode ?? 0) & 0o777;
    assert.deepEqual([modeOf(rig.folder), modeOf(`${rig.folder}/key.pem`)], [0o700, 0o600]);
    await Deno.chmod(`${rig.folder}/key.pem`, 0o640);
    await assert.rejects(rig.keep(), /others than its owner may use it \(mode 0640\).*\(chmod 600\)/);
  },
});

Deno.test("keepSelfSigned makes another one for a name that is missing, and keeps those that there were", async () => {
  await using rig = await kept();
  const first = await rig.keep();
  const second = await rig.keep([...NAMES, "box.example"]);
  assert.notEqual(second, first);
  assert.equal(await rig.keep(["box.example", "::ffff:1"]) === second, false);
  const names = await rig.names;
  for (const name of [...NAMES, "box.example", "::ffff:1"]) {
    assert(names.some((one) => isSameName(one, name)), name);
  }
  const third = await rig.keep();
  assert.equal(await rig.keep(["LOCALHOST"]), third);
});

Deno.test("keepSelfSigned forgets old names where there are too many of them", async () => {
  await using rig = await kept();
  for (let host = 0; host < 25; host++) await rig.keep([`host-${host}.example`]);
  const names = await rig.names;
  assert(names.length <= 20, `${names.length}`);
  assert(names.includes("host-24.example"));
});

Deno.test("keepSelfSigned makes another one in place of one that ends, and of a pair that does not fit", async () => {
  await using rig = await kept();
  const first = await rig.keep();
  const ending = makeSelfSigned({ names: NAMES, validMs: 29 * DAY_MS });
  await writePrivately(`${rig.folder}/cert.pem`, ending.cert);
  await writePrivately(`${rig.folder}/key.pem`, ending.key);
  const second = await rig.keep();
  assert.notEqual(second, factsOf(ending.cert)?.fingerprint);
  await writePrivately(`${rig.folder}/key.pem`, ending.key);
  const third = await rig.keep();
  assert.equal(new Set([first, second, third]).size, 3);
  await writePrivately(`${rig.folder}/key.pem`, "no key");
  assert.notEqual(await rig.keep(), third);
});
