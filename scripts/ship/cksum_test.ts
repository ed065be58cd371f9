import assert from "node:assert/strict";
import { cksum } from "./cksum.ts";
import { printedBy } from "../../tests/support/programs.ts";

Deno.test({
  name: "cksum agrees with the tool (needs cksum)",
  ignore: await printedBy("cksum", "/dev/null") === undefined,
  async fn() {
    const path = await Deno.makeTempFile();
    const every = Uint8Array.from({ length: 70_000 }, (_, index) => index * 7);
    for (const length of [0, 1, 2, 255, 256, 65_536, 70_000]) {
      const content = every.subarray(0, length);
      await Deno.writeFile(path, content);
      assert.equal(await printedBy("cksum", path), `${cksum(content)} ${path}\n`);
    }
    await Deno.remove(path);
  },
});
