import assert from "node:assert/strict";
import bin from "../npm/deno_executable.cjs";
import environment from "../npm/environment.cjs";
import launcher from "../npm/launcher.cjs";
import config from "../deno.json" with { type: "json" };
import { manifest } from "./npm.ts";
import { ROOT } from "./run_deno.ts";

const { denoExecutable, PACKAGES, reasonNotStarted } = bin;

Deno.test("manifest has the version of deno.json, and depends on the Deno that CI tests with alone", async () => {
  const { version, dependencies, bin } = manifest({});
  assert.equal(version, config.version);
  assert.deepEqual(bin, { keystone: "bin.cjs" });
  const [, tested] = /^DENO_VERSION=(\S+)$/m.exec(await Deno.readTextFile(`${ROOT}/.ci/run`)) ?? [];
  assert.deepEqual(dependencies, { deno: tested });
});

Deno.test("manifest names a repository in a workflow of it alone", () => {
  assert(!("repository" in manifest({})));
  const workflow = { GITHUB_SERVER_URL: "https://git.example", GITHUB_REPOSITORY: "some/one" };
  assert.deepEqual(manifest(workflow).repository, {
    type: "git",
    url: "git+https://git.example/some/one.git",
  });
});

Deno.test("denoExecutable names the system that Deno is not for, and the others", () => {
  assert.throws(() => denoExecutable({ platform: "freebsd", arch: "x64" }), {
    message: `there is no Deno for freebsd on x64, only for ${Object.keys(PACKAGES).join(", ")}`,
  });
});

Deno.test("reasonNotStarted tells what cannot be run, and the way out", () => {
  const error = Object.assign(new Error("spawn EACCES"), { code: "EACCES" });
  const reason = "cannot start /x/deno: spawn EACCES; install keystone-mcp again";
  assert.equal(reasonNotStarted("/x/deno", error), reason);
});

Deno.test("programEnvironment tells how it was started: by npx, by a path, on Windows by Node", () => {
  const started = { argv: ["/n/node", "/n/keystone"], execPath: "/n/node", platform: "linux" };
  const commandIn = (env: Record<string, string>, platform = "linux") =>
    environment.programEnvironment([], { ...started, env, platform }).KEYSTONE_COMMAND;
  const npx = { npm_command: "exec", npm_lifecycle_event: "npx", npm_lifecycle_script: "'keystone'" };
  assert.equal(commandIn(npx), '["npx","-y","keystone-mcp"]');
  assert.equal(commandIn({}), "/n/keystone");
  assert.equal(commandIn({ npm_command: "run-script", npm_lifecycle_event: "start" }), "/n/keystone");
  // Started by what npx has started.
  assert.equal(commandIn({ ...npx, npm_lifecycle_script: "'other'" }), "/n/keystone");
  assert.equal(commandIn({}, "win32"), '["/n/node","/n/keystone"]');
});

Deno.test("programEnvironment has a gateway end with us, and no command", () => {
  const here = { env: { A: "b" }, argv: ["", ""], execPath: "", platform: "linux" };
  const ends = (...args: string[]) =>
    environment.programEnvironment(args, here).KEYSTONE_EXIT_WITH_PARENT === "true";
  assert(ends() && ends("--stdio", "x") && ends("https://host/mcp") && ends("mcp.json"));
  assert(!ends("start", "--stdio", "x") && !ends("validate-config"));
  assert(ends("start", "--foreground", "--stdio", "x") && !ends("start", "--", "x", "--foreground"));
  assert.equal(environment.programEnvironment([], here).A, "b");
});

Deno.test("endsWithLauncher goes by the last flag of ours, then by the variable, then by who started it", () => {
  const npm = { npm_config_user_agent: "npm/11" };
  const off = { KEYSTONE_EXIT_WITH_PARENT: "false" };
  const { endsWithLauncher } = launcher;
  assert(endsWithLauncher([], npm));
  assert(!endsWithLauncher([], {}));
  assert(!endsWithLauncher([], { ...npm, ...off }));
  assert(endsWithLauncher([], { KEYSTONE_EXIT_WITH_PARENT: "1" }));
  assert(endsWithLauncher([], { ...npm, KEYSTONE_EXIT_WITH_PARENT: "" }));
  assert(endsWithLauncher(["--exitWithParent"], off));
  assert(endsWithLauncher(["--exit-with-parent=true"], {}));
  assert(!endsWithLauncher(["--exitWithParent=false"], npm));
  assert(!endsWithLauncher(["--exitWithParent", "--no-exit-with-parent"], npm));
  assert(!endsWithLauncher(["--", "server", "--exitWithParent"], {}));
});
