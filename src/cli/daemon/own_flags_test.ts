import assert from "node:assert/strict";
import { ConfigError } from "../../core/errors.ts";
import { readOwnFlags, startFlags, stateDirOf } from "./own_flags.ts";

Deno.test("startFlags takes its own flags, and leaves those of serving as they are", () => {
  const args = [
    "--name",
    "a",
    "--port=1",
    "--foreground",
    "--grace=1m",
    "--env",
    "A=--name",
    "--",
    "x",
    "--name",
    "y",
  ];
  assert.deepEqual(startFlags(args), {
    name: "a",
    foreground: true,
    nonce: undefined,
    help: false,
    graceMs: 60_000,
    serving: ["--port=1", "--env", "A=--name", "--", "x", "--name", "y"],
  });
  const { name, foreground, graceMs, serving } = startFlags(["https://host/mcp?a=b"]);
  assert.deepEqual({ name, foreground, graceMs, serving }, {
    ...{ name: "default", foreground: false, graceMs: 15_000 },
    serving: ["https://host/mcp?a=b"],
  });
  assert(startFlags(["--help"]).help);
  assert(!startFlags(["--", "x", "--help"]).help);
});

Deno.test("startFlags refuses a name that is none, and a time that is none", () => {
  for (const args of [["--name"], ["--name="], ["--name", "a/b"], ["--name=../x"], ["--grace", "long"]]) {
    assert.throws(() => startFlags(args), (error) => error instanceof ConfigError, args.join(" "));
  }
});

Deno.test("readOwnFlags takes what a command has, and names what it has not", () => {
  const given = readOwnFlags("logs", ["-n", "5", "--state-dir", "/s", "-f"], {
    flags: { lines: { type: "string", short: "n" }, follow: { type: "boolean", short: "f" } },
  });
  assert.deepEqual([given.name, given.stateDir, given.text("lines"), given.on("follow"), given.on("help")], [
    ...["default", "/s", "5", true, false],
  ]);
  const wrong: [string[], RegExp][] = [
    [["--port", "1"], /^--port: unknown flag; see keystone status --help$/],
    [["-x"], /^-x: unknown flag; see keystone status --help$/],
    [["x"], /^Unexpected argument "x": a gateway is named by --name; see keystone status --help$/],
    [["--name"], /^--name: expected a value after it; see keystone status --help$/],
    [["--name", "--help"], /^--name: expected a value after it; see keystone status --help$/],
    [["--help=yes"], /^--help: expected no value; see keystone status --help$/],
    [["--name", "a b"], /^--name "a b": expected letters/],
  ];
  for (const [args, says] of wrong) {
    assert.throws(
      () => readOwnFlags("status", args),
      (error) => error instanceof ConfigError && says.test(error.message) && !error.message.includes("\n"),
      args.join(" "),
    );
  }
});

Deno.test("stateDirOf finds the folder among flags of serving, however it is spelled", () => {
  for (
    const args of [["--stateDir", "/s"], ["--stateDir=/s"], ["--state-dir", "/s"], [
      "--port",
      "1",
      "--state-dir=/s",
    ]]
  ) {
    assert.equal(stateDirOf(args), "/s");
  }
  assert.equal(stateDirOf(["--port", "1"]), undefined);
});
