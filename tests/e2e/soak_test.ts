/** Fifteen seconds of the soak: the table that it prints is the proof, and its exit code the verdict. */
import assert from "node:assert/strict";
import { runScript } from "../../scripts/run_deno.ts";

Deno.test({
  name: "soak: sessions come and go for fifteen seconds, one in ten vanishes, and everything comes back",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const { code, stdout, stderr } = await runScript("scripts/soak.ts", ["0.25"]);
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /Everything came back\n$/);
  },
});

Deno.test("soak refuses what is no number of minutes", async () => {
  const { code, stderr } = await runScript("scripts/soak.ts", ["soon"]);
  assert.deepEqual([code, stderr], [2, 'Expected minutes, such as 1 or 30: "soon"\n']);
});
