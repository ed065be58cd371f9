import assert from "node:assert/strict";
import { readSmallFile } from "./small_file.ts";

Deno.test("readSmallFile says why a file cannot be had", async () => {
  const folder = await Deno.makeTempDir();
  const write = (name: string, bytes: Uint8Array) => Deno.writeFileSync(`${folder}/${name}`, bytes);
  write("text", new TextEncoder().encode("ä\n"));
  write("binary", new Uint8Array([0xff, 0xfe, 0x00]));
  write("large", new Uint8Array(4 * 2 ** 20 + 1));
  assert.deepEqual(readSmallFile(`${folder}/text`), { text: "ä\n" });
  assert.deepEqual(readSmallFile(`${folder}/none`), { fault: "there is no such file" });
  assert.deepEqual(readSmallFile(`${folder}/binary`), { fault: "the file is no text in UTF-8" });
  assert.deepEqual(readSmallFile(`${folder}/binary`, { isText: false }), { text: "\ufffd\ufffd\0" });
  assert.deepEqual(readSmallFile(`${folder}/large`), { fault: "the file is larger than 4194304 bytes" });
  assert.deepEqual(readSmallFile(folder), { fault: "it is a folder" });
  for (const path of ["", "a\0b"]) {
    assert.deepEqual(readSmallFile(path), {
      fault: path === "" ? "there is no such file" : "the file cannot be read",
    });
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test({
  name: "readSmallFile waits for no pipe, and reads no device without an end",
  ignore: Deno.build.os === "windows",
  async fn() {
    const folder = await Deno.makeTempDir();
    const pipe = `${folder}/pipe`;
    assert((await new Deno.Command("mkfifo", { args: [pipe] }).output()).success);
    for (const path of [pipe, "/dev/zero", "/dev/null"]) {
      assert.deepEqual(readSmallFile(path), { fault: "it is a pipe or a device, expected a file" }, path);
    }
    await Deno.remove(folder, { recursive: true });
  },
});
