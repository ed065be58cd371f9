/** What the archives hold, as the tools of those who get them read it. */
import assert from "node:assert/strict";
import { tarball } from "./tarball.ts";
import { zip } from "./zip.ts";
import { printedBy } from "../../tests/support/programs.ts";

const modified = new Date("2001-01-01T00:00:00Z");
const FILES = [
  { name: "keystone.js", content: new TextEncoder().encode("// the program\n"), executable: false },
  { name: "deno", content: crypto.getRandomValues(new Uint8Array(50_000)), executable: true },
  { name: "empty", content: new Uint8Array(), executable: false },
];

/** Has a tool unpack an archive, and compares what comes out. */
async function assertUnpacks(archive: Uint8Array, program: string, args: readonly string[]): Promise<string> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeFile(`${folder}/archive`, archive);
    const { success, stderr } = await new Deno.Command(program, {
      args: [...args, `${folder}/archive`],
      cwd: folder,
      stdin: "null",
    }).output();
    assert(success, new TextDecoder().decode(stderr));
    for (const { name, content } of FILES) {
      assert.deepEqual(await Deno.readFile(`${folder}/${name}`), content);
      const { mtime } = await Deno.stat(`${folder}/${name}`);
      if (program === "tar") assert.deepEqual(mtime, modified); // a zip's dates have no time zone
    }
    return folder;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test({
  name: "tar unpacks what tarball has packed, with its dates (needs tar)",
  ignore: await printedBy("tar", "--version") === undefined,
  async fn() {
    await assertUnpacks(tarball(FILES, { modified, level: 1 }), "tar", ["-xzf"]);
  },
});

Deno.test({
  name: "tar tells who may do what with files of a tarball (needs GNU's tar)",
  ignore: !(await printedBy("tar", "--version"))?.includes("GNU"),
  async fn() {
    const path = await Deno.makeTempFile();
    await Deno.writeFile(path, tarball(FILES, { modified }));
    const lines = (await printedBy("tar", "--utc", "--numeric-owner", "-tvzf", path))?.trimEnd().split("\n");
    assert.deepEqual(lines?.map((line) => line.replace(/ +/g, " ")), [
      "-rw-r--r-- 0/0 15 2001-01-01 00:00 keystone.js",
      "-rwxr-xr-x 0/0 50000 2001-01-01 00:00 deno",
      "-rw-r--r-- 0/0 0 2001-01-01 00:00 empty",
    ]);
    await Deno.remove(path);
  },
});

Deno.test({
  name: "unzip unpacks what zip has packed (needs unzip)",
  ignore: await printedBy("unzip", "-v") === undefined,
  async fn() {
    await assertUnpacks(zip(FILES, { modified }), "unzip", ["-q"]);
  },
});

Deno.test("archives of the same files are the same", () => {
  for (const pack of [tarball, zip]) assert.deepEqual(pack(FILES, { modified }), pack(FILES, { modified }));
});

Deno.test("a name that a tarball has no room for is refused", () => {
  const file = { name: "x".repeat(101), content: new Uint8Array(), executable: false };
  assert.throws(() => tarball([file], { modified }), RangeError);
});
