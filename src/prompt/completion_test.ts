import assert from "node:assert/strict";
import { completionOf } from "./completion.ts";

const KNOWN = { sessions: ["abcd-1", "efgh-2"], servers: ["files", "far"] };

Deno.test("completionOf offers what may stand where the line ends", () => {
  const cases: [string, string[], string][] = [
    ["e", ["env ", "end "], "e"],
    ["  sess", ["sessions "], "sess"],
    ["env ", ["set ", "unset ", "--session ", "--server ", "--restart "], ""],
    ["env s", ["set "], "s"],
    ["args ", ["clear ", "-- ", "--session ", "--server ", "--restart "], ""],
    ["show --se", ["--session ", "--server "], "--se"],
    ["show --session abcd-1 --", ["--server "], "--"],
    ["show --session ", ["abcd-1 ", "efgh-2 "], ""],
    ["show --session e", ["efgh-2 "], "e"],
    ["--server far sh", ["show "], "sh"],
    ["--server far env s", ["set "], "s"],
    ["env set A=1 --server f", ["files ", "far "], "f"],
    ["clear --restart n", ["now ", "never "], "n"],
    ["help ", [], ""],
    ["args -- --ses", [], "--ses"],
    ["nothing", [], "nothing"],
    ["nothing ", [], ""],
  ];
  for (const [line, fits, beginning] of cases) {
    assert.deepEqual(completionOf(line, KNOWN), [fits, beginning], line);
  }
});
