import assert from "node:assert/strict";
import { parseOptions, UsageError } from "./options.ts";

Deno.test("parseOptions has defaults for a full run and for a quick one", () => {
  const full = parseOptions([]);
  assert.deepEqual([full.quick, full.rounds, full.seconds], [false, 5, 2]);
  assert.deepEqual(full.pinning, { gateway: 0, load: 1, child: undefined });
  const quick = parseOptions(["--quick", "--seconds", "0.3", "--no-pin"]);
  assert.deepEqual([quick.quick, quick.rounds, quick.seconds], [true, 1, 0.3]);
  assert.equal(quick.pinning, undefined);
});

Deno.test("parseOptions takes other gateways, equals signs and all", () => {
  const { peers } = parseOptions(["--peer", "old=A=b run {port} {child}", "--peer=new=x"]);
  assert.deepEqual(peers, [{ name: "old", command: "A=b run {port} {child}" }, {
    name: "new",
    command: "x",
  }]);
});

Deno.test("parseOptions names what it cannot follow", () => {
  const wrong = [["--pear"], ["--rounds", "1.5"], ["--seconds", "-1"], ["--peer", "x"], ["--child", "rust"], [
    "--only",
    "keystone,nobody",
  ], [
    "--load-core",
    "last",
  ]];
  for (const args of wrong) {
    const flag = args[0] ?? "";
    assert.throws(
      () => parseOptions(args),
      (error) => error instanceof UsageError && error.message.includes(flag),
    );
  }
});
