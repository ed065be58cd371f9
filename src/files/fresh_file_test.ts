import assert from "node:assert/strict";
import { fakeClock } from "../../tests/support/fake_clock.ts";
import { FreshFile } from "./fresh_file.ts";
import { writePrivately } from "./private_file.ts";

Deno.test("FreshFile reads a change once it is time to look, and keeps what it had where that cannot be read", async () => {
  using clock = fakeClock();
  const folder = await Deno.makeTempDir();
  const path = `${folder}/secrets`;
  const troubles: string[] = [];
  const parse = (text: string | undefined) => {
    if (text === "broken") throw new Error("it is broken");
    return text ?? "none";
  };
  const file = new FreshFile(path, { parse, onTrouble: (reason) => troubles.push(reason) });
  const later = () => {
    clock.pass(500);
    return file.current;
  };
  assert.equal(file.current, "none");
  await writePrivately(path, "one");
  assert.equal(file.current, "none");
  assert.equal(later(), "one");
  await writePrivately(path, "two");
  assert.equal(later(), "two");
  await writePrivately(path, "broken");
  assert.equal(later(), "two");
  assert.equal(later(), "two");
  // Each change is told once.
  assert.deepEqual(troubles, ["it is broken"]);
  if (Deno.build.os !== "windows") {
    await Deno.writeTextFile(path, "open to all");
    await Deno.chmod(path, 0o640);
    assert.equal(later(), "two");
    assert.match(troubles[1] ?? "", /others than its owner may use it \(mode 0640\)/);
  }
  await Deno.remove(path);
  assert.equal(later(), "none");
  await Deno.remove(folder, { recursive: true });
});

Deno.test("FreshFile throws what is wrong with the file that it begins with", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/file`, "x", { mode: 0o600 });
  const parse = (text: string | undefined) => {
    throw new Error(`no ${text}`);
  };
  assert.throws(() => new FreshFile(`${folder}/file`, { parse, onTrouble: () => {} }), { message: "no x" });
  assert.throws(() => new FreshFile(folder, { parse, onTrouble: () => {} }), { message: "it is a folder" });
  await Deno.remove(folder, { recursive: true });
});

Deno.test("FreshFile that is required has to be there at first, and is empty once it was removed", async () => {
  using clock = fakeClock();
  const folder = await Deno.makeTempDir();
  const path = `${folder}/secrets`;
  const options = { parse: (text = "none") => text, onTrouble: () => assert.fail(), required: true };
  assert.throws(() => new FreshFile(path, options), { message: "there is no such file" });
  await writePrivately(path, "one");
  const file = new FreshFile(path, options);
  await Deno.remove(path);
  clock.pass(500);
  assert.equal(file.current, "");
  await Deno.remove(folder, { recursive: true });
});
