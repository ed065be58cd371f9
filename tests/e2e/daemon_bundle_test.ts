/** A gateway in the background from the one file that is shipped, with no more permissions than the binaries have. */
import assert from "node:assert/strict";
import { bundle } from "../../scripts/bundle.ts";
import { PERMISSIONS } from "../../scripts/compile.ts";
import { Daemons } from "../support/daemon.ts";
import { SCRIPTED } from "../support/keystone.ts";

Deno.test("the bundle starts itself in the background, from disk and from a URL", async (t) => {
  const folder = await Deno.makeTempDir({ prefix: "keystone-bundle-" });
  await using _folder = { [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
  await bundle({ output: `${folder}/keystone.js` });
  await t.step("from disk", () => courseOf(`${folder}/keystone.js`));
  await t.step("from a URL", async () => {
    const code = await Deno.readTextFile(`${folder}/keystone.js`);
    await using site = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => {
      return new Response(code, { headers: { "Content-Type": "text/javascript" } });
    });
    await courseOf(`http://127.0.0.1:${site.addr.port}/keystone.js`);
  });
});

async function courseOf(module: string): Promise<void> {
  await using daemons = await Daemons.create({ program: ["run", ...PERMISSIONS, module] });
  const first = await daemons.start("--", ...SCRIPTED);
  assert.deepEqual(await daemons.run("health"), { code: 0, stdout: "ok\n", stderr: "" });
  assert.equal((await daemons.run("restart", "--stateful")).code, 0);
  assert.notEqual((await daemons.record()).pid, first.pid);
  assert.equal((await daemons.run("status")).code, 0);
  assert.deepEqual(await daemons.run("stop"), { code: 0, stdout: 'Stopped "default"\n', stderr: "" });
}
