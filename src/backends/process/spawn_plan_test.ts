import assert from "node:assert/strict";
import { spawnPlan } from "./spawn_plan.ts";

const line = { program: String.raw`cd /d "C:\My Data" && npx -y "a b" %HOME%`, args: [], shell: true };

Deno.test("spawnPlan starts a program directly on every system", () => {
  for (const os of ["windows", "linux"] as const) {
    assert.deepEqual(spawnPlan({ program: "npx", args: ["a b"], shell: false }, [`c"d`], os), {
      program: "npx",
      args: ["a b", `c"d`],
      windowsRawArguments: false,
    });
  }
});

Deno.test("spawnPlan gives a line to cmd.exe as it is, in the quotes that /s takes off", () => {
  assert.deepEqual(spawnPlan(line, [], "windows"), {
    program: "cmd.exe",
    args: ["/d", "/s", "/c", `"${line.program}"`],
    windowsRawArguments: true,
  });
});

Deno.test("spawnPlan hands further arguments to cmd.exe so that neither it nor the program reads them", () => {
  const [, , , text] =
    spawnPlan({ ...line, program: "server" }, ["a b", `c"&d`, "e\\", "%F%"], "windows").args;
  assert.equal(text, `"server "a b" "c""&d" "e\\\\" "%%cd:~,%F%%cd:~,%""`);
});

Deno.test("spawnPlan gives a line to sh elsewhere", () => {
  assert.deepEqual(spawnPlan(line, [], "darwin").args, ["-c", line.program]);
  assert.deepEqual(spawnPlan(line, ["x"], "linux").args, ["-c", `${line.program} "$@"`, "sh", "x"]);
});
