import assert from "node:assert/strict";
import { BusyError } from "../core/errors.ts";
import { connectionsFor, descriptorLimit, orBusy, tooManyFor } from "./descriptors.ts";

Deno.test("connectionsFor leaves what children and files need, and never less than a few", () => {
  assert.equal(connectionsFor({ maxChildren: 100 }, 1_024), 424);
  assert.equal(connectionsFor({ maxChildren: 1 }, 1_024), 919);
  assert.equal(connectionsFor({ maxChildren: 1_000 }, 1_024), 256);
  assert.equal(connectionsFor({ maxChildren: 100 }, 32), 16);
  assert.equal(connectionsFor({ maxChildren: 100 }, 1_048_576), 10_000);
  assert.equal(connectionsFor({ maxChildren: 100 }, Infinity), 10_000);
});

Deno.test("tooManyFor says how many connections would find no descriptor, and nothing where all do", () => {
  const config = { maxChildren: 100 };
  for (const allowed of [1, 424]) assert.equal(tooManyFor(allowed, config, 1_024), undefined);
  assert.equal(tooManyFor(1_000_000, config, Infinity), undefined);
  assert.equal(tooManyFor(20_000, config, 100_000), undefined);
  assert.equal(
    tooManyFor(425, config, 1_024),
    "--maxConnections 425 is more than the limit of open files leaves, which is 424 of 1024: " +
      "who comes beyond that may find no file descriptor left; raise the limit, as by ulimit -n",
  );
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

Deno.test("orBusy makes a lack of descriptors one that passes, and leaves all else as it is", async () => {
  assert.equal(await orBusy(Promise.resolve("open")), "open");
  const full = new Error("Too many open files (os error 24)");
  await assert.rejects(orBusy(Promise.reject(full)), (error) => {
    return error instanceof BusyError && error.cause === full;
  });
  const refused = new Deno.errors.ConnectionRefused("nobody there");
  await assert.rejects(orBusy(Promise.reject(refused)), (error) => error === refused);
});
