import assert from "node:assert/strict";
import { connectionsFor, descriptorLimit } from "./descriptors.ts";

Deno.test("connectionsFor leaves what children and files need, and never less than a few", () => {
  assert.equal(connectionsFor({ maxChildren: 100 }, 1_024), 424);
  assert.equal(connectionsFor({ maxChildren: 1 }, 1_024), 919);
  assert.equal(connectionsFor({ maxChildren: 1_000 }, 1_024), 256);
  assert.equal(connectionsFor({ maxChildren: 100 }, 32), 16);
  assert.equal(connectionsFor({ maxChildren: 100 }, 1_048_576), 10_000);
  assert.equal(connectionsFor({ maxChildren: 100 }, Infinity), 10_000);
});

Deno.test("descriptorLimit is that of the process", () => {
  const limit = descriptorLimit();
  assert(limit > 16, `${limit}`);
});

Deno.test({
  name: "descriptorLimit is known to a program that may not read all files",
  ignore: Deno.build.os === "windows",
  async fn() {
    const url = new URL("./descriptors.ts", import.meta.url);
    const code = `import { descriptorLimit } from ${
      JSON.stringify(url.href)
    }; console.log(descriptorLimit());`;
    const data = `data:application/javascript,${encodeURIComponent(code)}`;
    const args = ["run", "--no-config", "--allow-read", "--allow-run", "--no-prompt", data];
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, env: { NO_COLOR: "1" } })
      .output();
    const limit = Number(new TextDecoder().decode(stdout));
    assert.equal(limit, descriptorLimit(), new TextDecoder().decode(stderr));
  },
});
