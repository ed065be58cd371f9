import assert from "node:assert/strict";
import { type Counts, formatCounts, parseSummary, runTests, TestRunError } from "./test.ts";

const PASSING =
  'Deno.test("adds", () => {});\nDeno.test("waits", async (t) => void await t.step("a bit", () => {}));\n';

const UNCHECKED = ["--no-check"]; // saves a second a run

/** Runs the tests of a folder that holds one test file; resolves to the counts and what was passed on. */
async function runOne(source: string, args = UNCHECKED): Promise<{ counts: Counts; output: string }> {
  const root = await Deno.makeTempDir();
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  try {
    for (const folder of ["src", "scripts", "tests"]) await Deno.mkdir(`${root}/${folder}`);
    await Deno.writeTextFile(`${root}/src/one_test.ts`, source);
    await Deno.writeTextFile(`${root}/scripts/two_test.ts`, 'Deno.test("two", () => {});\n');
    const write = (chunk: Uint8Array<ArrayBuffer>) => Promise.resolve(void chunks.push(chunk));
    const counts = await runTests(args, { root, write, stderr: "null" });
    return { counts, output: await new Blob(chunks).text() };
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

Deno.test("runTests counts what passed and was ignored, and passes the output on", async () => {
  const { counts, output } = await runOne(`${PASSING}Deno.test.ignore("rests", () => {});\n`);
  assert.deepEqual(counts, { passed: 3, failed: 0, skipped: 1 });
  assert.match(output, /adds \.\.\. /);
});

Deno.test("runTests counts what failed", async () => {
  const { counts } = await runOne(`${PASSING}Deno.test("breaks", () => { throw new Error("broken"); });\n`);
  assert.deepEqual(counts, { passed: 3, failed: 1, skipped: 0 });
});

Deno.test("runTests takes a filter, and a path in place of the project's folders", async () => {
  assert.equal((await runOne(PASSING, [...UNCHECKED, "--filter", "adds"])).counts.passed, 1);
  assert.equal((await runOne(PASSING, [...UNCHECKED, "--filter=a"])).counts.passed, 2);
  assert.equal((await runOne(PASSING, [...UNCHECKED, "src/one_test.ts"])).counts.passed, 2);
  assert.equal(
    await runOne(PASSING, [...UNCHECKED, "--filter", "src"]).catch(String),
    "TestRunError: No test ran",
  );
});

Deno.test("runTests refuses a run without a test", async () => {
  await assert.rejects(
    runOne(PASSING, [...UNCHECKED, "--filter", "nothing of that name"]),
    new TestRunError("No test ran"),
  );
});

Deno.test("runTests refuses a run that does not compile", async () => {
  const message = "deno test printed no summary and exited with code 1";
  await assert.rejects(runOne('const wrong: number = "text";\n', []), { message });
});

Deno.test("parseSummary takes the last summary, coloured or not", () => {
  const printed = "ok | 99 passed | 0 failed (1ms)\n";
  assert.deepEqual(
    parseSummary(`${printed}\nFAILED | 12 passed (3 steps) | 2 failed (1 step) | 1 ignored (4s)\n`),
    {
      passed: 12,
      failed: 2,
      skipped: 1,
    },
  );
  assert.deepEqual(
    parseSummary("\x1b[0m\x1b[32mok\x1b[0m | 5 passed | 0 failed | 7 filtered out \x1b[0m(3ms)\n"),
    {
      passed: 5,
      failed: 0,
      skipped: 0,
    },
  );
  assert.equal(parseSummary("error: Type checking failed\n"), undefined);
});

Deno.test("formatCounts names skipped tests only where there are any", () => {
  assert.equal(formatCounts({ passed: 3, failed: 1, skipped: 0 }), "3 passed, 1 failed");
  assert.equal(formatCounts({ passed: 3, failed: 0, skipped: 2 }), "3 passed, 0 failed, 2 skipped");
});
