/** Runs the benchmark on the floor and on Keystone: what counts is that every answer is right, not how fast. */
import assert from "node:assert/strict";
import { ROOT, runScript } from "../run_deno.ts";
import type { Report } from "./report.ts";
import { versionOf } from "./tools.ts";

const SCRIPT = "scripts/bench/main.ts";
const ROWS = [
  "pipe/1",
  "stateful",
  "answer",
  "request",
  "progress",
  "ws/16",
  "sse/16",
  "stateless/16",
  "modern/16",
  "start",
  "clients/4",
];
const hasCompiler = Deno.build.os !== "windows" && await versionOf("cc", "--version") !== undefined;

Deno.test("bench gets right answers from the floor and from Keystone", { ignore: !hasCompiler }, async () => {
  const json = await Deno.makeTempFile({ suffix: ".json" });
  try {
    const flags = [
      "--quick",
      "--seconds",
      "0.3",
      "--only",
      "keystone,floor",
      "--load",
      "builtin",
      "--no-pin",
    ];
    const { code, stdout, stderr } = await bench(...flags, "--rows", ROWS.join(","), "--json", json);
    assert.equal(code, 0, stderr);
    const { rows }: Report = JSON.parse(await Deno.readTextFile(json));
    const failed = rows.filter(({ contestant, reason }) => contestant === "keystone" && reason !== undefined);
    assert.deepEqual(failed, []);
    assert.ok(rows.some(({ name, rounds }) => name === "stateful/16" && (rounds[0]?.rate ?? 0) > 0));
    assert.match(stdout, /^not measured +Idle RSS \/ supergateway/m);
  } finally {
    await Deno.remove(json);
  }
});

Deno.test("bench fails when an answer is wrong", { ignore: !hasCompiler }, async () => {
  const json = await Deno.makeTempFile({ suffix: ".json" });
  try {
    // A gateway that answers everybody with the same.
    const liar = `${Deno.execPath()} run -A ${ROOT}/scripts/bench/testdata/liar.ts {port}`;
    const flags = ["--quick", "--seconds", "0.3", "--only", "liar", "--load", "builtin", "--no-pin"];
    const { code, stdout, stderr } = await bench(
      ...flags,
      "--peer",
      `liar=${liar}`,
      "--rows",
      "stateful/1",
      "--json",
      json,
    );
    assert.equal(code, 1, stdout);
    assert.match(stderr, /^Wrong answer in stateful\/1 by liar: The answer to \d+ has another content/m);
  } finally {
    await Deno.remove(json);
  }
});

Deno.test("bench names a flag that it does not know", async () => {
  const { code, stderr } = await bench("--fast");
  assert.equal(code, 2);
  assert.match(stderr, /^Unknown option '--fast'/);
});

Deno.test("bench says when no row is what it was asked for", { ignore: !hasCompiler }, async () => {
  const { code, stderr } = await bench("--only", "keystone", "--rows", "nosuch", "--no-pin");
  assert.equal(code, 2);
  assert.match(stderr, /^--rows nosuch: no row begins so; there are pipe, stateful, /m);
});

async function bench(...flags: string[]) {
  return await runScript(SCRIPT, flags);
}
