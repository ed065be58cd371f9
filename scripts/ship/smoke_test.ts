/** The trial of what was built, tried on the bundle: run as its users run it, and changed for the worse. */
import assert from "node:assert/strict";
import { bundle } from "../bundle.ts";
import { PERMISSIONS } from "../compile.ts";
import { ROOT, runScript } from "../run_deno.ts";
import { VERSION } from "./release_version.ts";

const hasShell = Deno.build.os !== "windows";

Deno.test("smoke.ts finds nothing wrong with the bundle, whichever server it serves", async () => {
  await using built = await builtBundle();
  const { code, stdout, stderr } = await smoke(built.command);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  assert.match(
    stdout,
    new RegExp(
      `^ok --version is ${RegExp.escape(VERSION)}\nok a wrong flag .*\n` +
        "ok it serves http://127\\.0\\.0\\.1:\\d+/mcp\nok a tool answers over HTTP\nok it stops in good order.*\n$",
    ),
  );
  const server = `"${Deno.execPath()}" run -A "${ROOT}/tests/fixtures/scripted_server.ts"`;
  assert.equal((await smoke(built.command, ["--server", server])).code, 0);
  assert.match(
    (await smoke(built.command, ["--server", "no-such-server"])).stderr,
    /^It did not start serving: .*no-such-server/,
  );
});

/** Shell scripts in front of the bundle, each of which breaks one thing. */
const FAULTS: Readonly<Record<string, { script: string; told: RegExp }>> = {
  "another version": {
    script: 'if [ "$1" = --version ]; then echo 9.9.9; exit; fi; exec "$@"',
    told: /^--version: expected .* stdout "9\.9\.9\\n"/,
  },
  "no refusal of a wrong flag": {
    script: 'case "$*" in *--frobnicate*) exit 0 ;; esac; exec "$@"',
    told: /^--frobnicate: expected one line on stderr with code 2, and it was code 0/,
  },
  "a refusal of several lines": {
    script:
      'case "$*" in *--frobnicate*) printf "%s\\n" "--frobnicate:" "at x:1" >&2; exit 2 ;; esac; exec "$@"',
    told: /^--frobnicate: expected one line on stderr with code 2/,
  },
  "no start": {
    script: 'case "$*" in *--port*) echo "no room" >&2; exit 3 ;; esac; exec "$@"',
    told: /^It did not start serving: .*no room/,
  },
  "an end with another code": {
    script:
      'case "$*" in *--port*) "$@" & trap "kill $!; wait $!; exit 5" TERM; wait ;; *) exec "$@" ;; esac',
    told: /^It ended with code 5 in place of 0/,
  },
};

Deno.test({
  name: "smoke.ts notices what is wrong (needs a POSIX shell)",
  ignore: !hasShell,
  async fn(t) {
    await using built = await builtBundle();
    const own = built.command.map((word) => `'${word}'`).join(" ");
    for (const [fault, { script, told }] of Object.entries(FAULTS)) {
      await t.step(fault, async () => {
        const path = `${built.folder}/${fault}`;
        const text = `#!/bin/sh\n${script.replaceAll('"$@"', `${own} "$@"`)}\n`;
        await Deno.writeTextFile(path, text, { mode: 0o755 });
        const { code, stderr } = await smoke([path]);
        assert.equal(code, 1);
        assert.match(stderr, told);
        assert.doesNotMatch(stderr, /\n\s+at .*\.ts:/);
      });
    }
  },
});

Deno.test("smoke.ts tells in one line what cannot be tried at all", async () => {
  const nothing = await smoke([]);
  assert.deepEqual([nothing.code, nothing.stderr], [
    1,
    "Nothing to try: expected -- and the command that starts it\n",
  ]);
  const missing = await smoke(["/nowhere/keystone"]);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /^\/nowhere\/keystone cannot be started: [^\n]+\n$/);
  const wrong = await smoke(["x"], ["--sever", "y"]);
  assert.match(wrong.stderr, /^Unknown option '--sever'.*Allowed: --server <command line>\n$/);
});

function smoke(command: readonly string[], flags: readonly string[] = []) {
  return runScript("scripts/ship/smoke.ts", [...flags, "--", ...command]);
}

async function builtBundle() {
  const folder = await Deno.makeTempDir({ prefix: "keystone-smoke-" });
  const file = `${folder}/keystone.js`;
  await bundle({ output: file });
  return {
    folder,
    command: [Deno.execPath(), "run", "--no-config", "--no-lock", "--no-npm", ...PERMISSIONS, file],
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}
