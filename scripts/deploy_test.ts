import assert from "node:assert/strict";
import { findOption } from "../src/config/options.ts";
import { ROOT } from "./run_deno.ts";
import { printedBy } from "../tests/support/programs.ts";

const UNITS = [
  { path: "deploy/systemd/system/keystone@.service", scope: "--system" },
  { path: "deploy/systemd/user/keystone@.service", scope: "--user" },
];
const OTHERS = [
  "deploy/launchd/keystone.plist",
  "deploy/windows/keystone.xml",
  "deploy/systemd/keystone.env.example",
];
/** Those that serving does not have. */
const OF_START = ["--foreground", "--name"];
const hasSystemd = await printedBy("systemd-analyze", "--version") !== undefined;

Deno.test("what deploy/ starts has flags that Keystone has", async () => {
  for (const path of [...UNITS.map(({ path }) => path), ...OTHERS]) {
    const text = (await Deno.readTextFile(`${ROOT}/${path}`)).split("\n").filter((line) =>
      !line.startsWith("#")
    );
    const flags = [...text.join("\n").replace(/<!--[^]*?-->/g, "").matchAll(/(?<![\w-])--([A-Za-z]+)/g)];
    assert(flags.length > 0, path);
    for (const [flag, key = ""] of flags) {
      assert(OF_START.includes(flag) || findOption(key), `${path}: ${flag}`);
    }
  }
});

for (const { path, scope } of UNITS) {
  Deno.test({
    name: `systemd understands ${path} (needs systemd-analyze)`,
    ignore: !hasSystemd,
    async fn() {
      const folder = await Deno.makeTempDir();
      const unit = await Deno.readTextFile(`${ROOT}/${path}`);
      // Keystone is not installed here.
      const installed = unit.replace(/^(ExecStart=)\S+/m, "$1/bin/true");
      await Deno.writeTextFile(`${folder}/keystone@.service`, installed);
      const { success, stderr } = await new Deno.Command("systemd-analyze", {
        args: ["verify", scope, `${folder}/keystone@tools.service`],
        env: { XDG_RUNTIME_DIR: folder },
      }).output();
      // What it does not understand it tells, and ignores.
      assert.equal(new TextDecoder().decode(stderr), "");
      assert(success);
      await Deno.remove(folder, { recursive: true });
    },
  });
}
