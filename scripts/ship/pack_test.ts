/** What is packed for systems other than this one: nobody runs it here, but what is in it can be looked at. */
import assert from "node:assert/strict";
import project from "../../deno.json" with { type: "json" };
import { build, RUN_FLAGS, RUNTIMES } from "../compile.ts";
import { ROOT } from "../run_deno.ts";
import { DENO_VERSION, denoRuntime, RuntimeError, type Target } from "./deno_runtime.ts";
import { pack } from "./pack.ts";
import { printedBy } from "../../tests/support/programs.ts";

const PROGRAM = "// the program\n";

/** The first bytes of an executable say what it is for. */
const OTHERS: { target: Target; output: string; magic: string }[] = [
  {
    target: "aarch64-unknown-linux-gnu",
    output: "dist/keystone-linux-arm64",
    magic: "7f454c46" + "02010100" + "0".repeat(16) + "0300" + "b700", // ELF, and AArch64
  },
  {
    target: "aarch64-apple-darwin",
    output: "dist/keystone-macos-arm64",
    magic: "cffaedfe" + "0c000001", // Mach-O, and ARM64
  },
];

/** A folder with a bundle in it, as `build` wants it. */
async function withBundle(use: (root: string) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${root}/dist`);
    await Deno.writeTextFile(`${root}/dist/keystone.js`, PROGRAM);
    await use(root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

for (const { target, output, magic } of OTHERS) {
  const fetched = await denoRuntime(target, RUNTIMES).then(() => true, (error) => {
    if (!(error instanceof RuntimeError)) throw error;
    return false;
  });
  Deno.test({
    name: `the file for ${target} has that system's Deno (needs tar, npm and the registry)`,
    ignore: !fetched,
    fn: () =>
      withBundle(async (root) => {
        assert.equal(await build(target, { selfExtract: true, root, level: 1 }), output);
        const path = `${root}/${output}`;
        assert.equal((await Deno.stat(path)).mode! & 0o777, 0o755);
        const archive = await archiveOf(path);
        await Deno.writeFile(path, archive);
        const tar = await new Deno.Command("tar", { args: ["-xzf", path], cwd: root }).output();
        assert(tar.success);
        assert.equal((await Deno.readFile(`${root}/deno`)).subarray(0, magic.length / 2).toHex(), magic);
        assert.equal(await Deno.readTextFile(`${root}/keystone.js`), PROGRAM);
      }),
  });
}

/** What stands behind the header, by what that says. */
async function archiveOf(path: string): Promise<Uint8Array> {
  const bytes = await Deno.readFile(path);
  const header = new TextDecoder("latin1").decode(bytes.subarray(0, 20_000));
  const [, at = ""] = header.match(/^ks_archive_at='(\d+)'$/m) ?? [];
  assert.match(header, new RegExp(`^ks_file_size='${bytes.length}'$`, "m"));
  return bytes.subarray(Number(at) - 1);
}

Deno.test({
  name: "for Windows there is a zip, whose script starts what stands beside it (needs unzip)",
  ignore: await printedBy("unzip", "-v") === undefined,
  fn: () =>
    withBundle(async (root) => {
      const [bundle, output] = [`${root}/dist/keystone.js`, `${root}/keystone.zip`];
      await Deno.writeTextFile(`${root}/any`, "MZ");
      const { version } = project;
      const target = "x86_64-pc-windows-msvc";
      await pack({ target, deno: `${root}/any`, bundle, version, runFlags: RUN_FLAGS, output });
      assert.notEqual(await printedBy("unzip", "-q", output, "-d", root), undefined);
      assert.equal(await Deno.readTextFile(`${root}/deno.exe`), "MZ");
      assert.equal(await Deno.readTextFile(`${root}/keystone.js`), PROGRAM);
      const script = await Deno.readTextFile(`${root}/keystone.cmd`);
      assert.equal(script.match(/\r\n/g)?.length, script.split("\n").length - 1);
      const start = `"%~dp0deno.exe" run ${
        RUN_FLAGS.join(" ")
      } "%~dp0keystone.js" %*\r\nexit /b %ERRORLEVEL%\r\n`;
      assert.equal(script.endsWith(start), true, script);
      assert.match(script, /^set "KEYSTONE_COMMAND=%~f0"\r$/m);
    }),
});

const NPMS = [
  {
    what: "without npm",
    npm: undefined,
    said: /^Cannot run npm\S* pack @deno\/\S+ --json: there is no npm\S* on the PATH$/,
  },
  {
    what: "that npm does not find",
    npm: "echo No such package >&2; exit 1",
    said: /^Cannot run npm .*: No such package$/,
  },
  {
    what: "that is not what it was",
    npm: `echo '[{"filename":"deno.tgz","integrity":"sha512-other"}]'`,
    said: /^Refused @deno\/\S+: its digest is sha512-other, and was sha512-\S+==$/,
  },
];

for (const { what, npm, said } of NPMS) {
  Deno.test({
    name: `a Deno ${what} is told in one line, and nothing is left of it (needs a shell)`,
    ignore: Deno.build.os === "windows",
    fn: () =>
      withBundle(async (root) => {
        if (npm !== undefined) {
          await Deno.writeTextFile(`${root}/npm`, `#!/bin/sh\n${npm}\n`, { mode: 0o755 });
        }
        assert.match(await refusalOf(root), said);
        assert.deepEqual(await Array.fromAsync(Deno.readDir(`${root}/cache`)), []);
      }),
  });
}

/** In a process of its own, whose PATH is the folder. */
async function refusalOf(root: string): Promise<string> {
  const other = OTHERS.find(({ target }) => target !== Deno.build.target)!.target;
  const script = `import { denoRuntime } from ${JSON.stringify(import.meta.resolve("./deno_runtime.ts"))};
    await denoRuntime("${other}", Deno.args[0]).catch(({ message }) => console.log(message));`;
  await Deno.writeTextFile(`${root}/fetch.ts`, script);
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", `--config=${ROOT}/deno.json`, `${root}/fetch.ts`, `${root}/cache`],
    env: { PATH: root },
  }).output();
  return new TextDecoder().decode(stdout).trimEnd();
}

Deno.test("the Deno that is shipped is the one that CI tests with", async () => {
  assert.match(
    await Deno.readTextFile(`${ROOT}/.ci/run`),
    new RegExp(`^DENO_VERSION=${RegExp.escape(DENO_VERSION)}$`, "m"),
  );
});
