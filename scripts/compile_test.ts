import assert from "node:assert/strict";
import { build, compileCommand, isDownloadFailure, TARGETS } from "./compile.ts";
import { runDeno, runScript } from "./run_deno.ts";
import { DENO_VERSION, type Target } from "./ship/deno_runtime.ts";
import { SELF_EXTRACTS } from "../tests/support/packed_file.ts";

const SCRIPT = "scripts/compile.ts";

Deno.test("compileCommand builds from the bundle with exactly the permissions that the gateway needs", () => {
  assert.deepEqual(compileCommand("x86_64-pc-windows-msvc"), [
    "deno",
    "compile",
    "--no-config",
    "--no-lock",
    "--no-check",
    "--allow-net",
    "--allow-run",
    "--allow-read",
    "--allow-write",
    "--allow-env",
    "--allow-sys",
    "--no-prompt",
    "--target",
    "x86_64-pc-windows-msvc",
    "--output",
    "dist/keystone-windows-x64.exe",
    "dist/keystone.js",
  ]);
});

Deno.test("compile.ts --dry-run prints a command line for each of the five targets", async () => {
  const { code, stdout } = await runScript(SCRIPT, ["--dry-run"]);
  assert.equal(code, 0);
  const lines = stdout.trimEnd().split("\n");
  assert.deepEqual(lines.map((line) => line.match(/--target (\S+) --output (\S+)/)?.slice(1)), [
    ["x86_64-unknown-linux-gnu", "dist/keystone-linux-x64"],
    ["aarch64-unknown-linux-gnu", "dist/keystone-linux-arm64"],
    ["x86_64-apple-darwin", "dist/keystone-macos-x64"],
    ["aarch64-apple-darwin", "dist/keystone-macos-arm64"],
    ["x86_64-pc-windows-msvc", "dist/keystone-windows-x64.exe"],
  ]);
});

Deno.test("compile.ts --target selects one", async () => {
  const { stdout } = await runScript(SCRIPT, ["--dry-run", "--target", "aarch64-apple-darwin"]);
  assert.equal(stdout, `${compileCommand("aarch64-apple-darwin").join(" ")}\n`);
});

Deno.test("compile.ts names an unknown target and the allowed ones", async () => {
  const { code, stdout, stderr } = await runScript(SCRIPT, ["--target=riscv64"]);
  assert.equal(code, 2);
  assert.equal(stdout, "");
  assert.equal(stderr, `Unknown --target "riscv64". Allowed: ${Object.keys(TARGETS).join(", ")}\n`);
});

Deno.test("compile.ts names an unknown flag", async () => {
  const { code, stderr } = await runScript(SCRIPT, ["--traget", "x"]);
  assert.equal(code, 2);
  assert.match(stderr, /^Unknown option '--traget'.*Allowed: --target <target>, --selfExtract, --dry-run\n$/);
});

Deno.test("compile.ts --selfExtract packs, and for Windows into a zip", async () => {
  const { stdout } = await runScript(SCRIPT, ["--dry-run", "--selfExtract"]);
  assert.deepEqual(
    [...stdout.matchAll(/^pack Deno and dist\/keystone.js for \S+ into (\S+)$/gm)].map(([, path]) => path),
    [
      "dist/keystone-linux-x64",
      "dist/keystone-linux-arm64",
      "dist/keystone-macos-x64",
      "dist/keystone-macos-arm64",
      "dist/keystone-windows-x64.zip",
    ],
  );
});

Deno.test({
  name:
    `where the runtime cannot be downloaded, Deno is packed instead (needs Linux or macOS, and Deno ${DENO_VERSION})`,
  ignore: !SELF_EXTRACTS || Deno.version.deno !== DENO_VERSION,
  fn: () =>
    withBundle(async (root) => {
      // As below.
      const env = { https_proxy: "http://127.0.0.1:1", DENO_DIR: `${root}/cache` };
      const target = Deno.build.target as Target;
      const output = await build(target, { selfExtract: false, root, env, level: 1 });
      assert.equal(output, TARGETS[target]);
      const { success, stdout } = await new Deno.Command(`${root}/${output}`, {
        env: { KEYSTONE_CACHE: `${root}/unpacked` },
      }).output();
      assert(success);
      assert.equal(new TextDecoder().decode(stdout), "started\n");
    }),
});

Deno.test("deno compile takes the flags, and a failed download of its runtime is recognised", async () => {
  // An address where nobody listens stands for a network without the download; the empty cache makes Deno ask for it.
  const { code, stderr } = await compileAlone("x86_64-unknown-linux-gnu", {
    https_proxy: "http://127.0.0.1:1",
  });
  assert.equal(code, 1);
  assert.equal(isDownloadFailure(stderr), true, stderr);
});

Deno.test("a missing local runtime is not taken for a failed download", async () => {
  const { code, stderr } = await compileAlone("x86_64-unknown-linux-gnu", { DENORT_BIN: "missing-denort" });
  assert.equal(code, 1);
  assert.match(stderr, /missing-denort/);
  assert.equal(isDownloadFailure(stderr), false);
});

/** Runs the command line of one target in a folder of its own. */
async function compileAlone(target: Target, env: Record<string, string>) {
  return await withBundle(async (root) => {
    const [_, ...args] = compileCommand(target);
    return await runDeno(args, { cwd: root, env: { DENO_DIR: `${root}/cache`, ...env } });
  });
}

/** With a bundle of one line. */
async function withBundle<T>(use: (root: string) => Promise<T>): Promise<T> {
  const root = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${root}/dist`);
    await Deno.writeTextFile(`${root}/dist/keystone.js`, 'console.log("started");\n');
    return await use(root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}
