import assert from "node:assert/strict";
import { printedBy } from "../../tests/support/programs.ts";
import { ROOT, runDeno } from "../run_deno.ts";
import { SUMS, writeChecksums } from "./checksums.ts";

const hasSha256sum = await printedBy("sha256sum", "--version") !== undefined;
const OF_ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

Deno.test("writeChecksums has a sorted line for each file, and none for folders and for itself", async () => {
  await using built = await builtFolder();
  await Deno.writeTextFile(`${built.folder}/${SUMS}`, "of the last time\n");
  assert.deepEqual(await writeChecksums(built.folder), ["a b", "keystone"]);
  assert.equal(
    await Deno.readTextFile(`${built.folder}/${SUMS}`),
    `${OF_ABC}  a b\n${OF_ABC}  keystone\n`,
  );
});

Deno.test({
  name: "writeChecksums writes what sha256sum checks (needs sha256sum)",
  ignore: !hasSha256sum,
  async fn() {
    await using built = await builtFolder();
    await writeChecksums(built.folder);
    const check = () =>
      new Deno.Command("sha256sum", { args: ["--check", SUMS], cwd: built.folder, stderr: "null" }).output();
    assert.equal((await check()).code, 0);
    await Deno.writeTextFile(`${built.folder}/keystone`, "abd");
    assert.equal((await check()).code, 1);
  },
});

Deno.test("checksums.ts tells in one line that nothing was built", async () => {
  const { code, stderr } = await runDeno(["run", "-A", `${ROOT}/scripts/ship/checksums.ts`, "/nowhere/dist"]);
  assert.equal(code, 1);
  assert.equal(stderr, "/nowhere/dist has no file: build what is to be released first\n");
});

async function builtFolder() {
  const folder = await Deno.makeTempDir({ prefix: "keystone-checksums-" });
  for (const name of ["keystone", "a b"]) await Deno.writeTextFile(`${folder}/${name}`, "abc");
  await Deno.mkdir(`${folder}/npm`);
  return { folder, [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
}
