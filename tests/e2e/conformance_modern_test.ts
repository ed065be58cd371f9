/** What the official conformance tool says of the gateway where it, or the server behind it, is of 2026-07-28. */
import assert from "node:assert/strict";
import { runConformance } from "../support/conformance.ts";
import { CONFORMANCE, DUAL, MODERN, startKeystone } from "../support/keystone.ts";

/** As many as the pinned version of the tool makes where lists are answered with JSON; fewer means that some did not run. */
const CHECKS = { "2025-11-25": 82, "2026-07-28": 152 };

/** The tool runs what is not required too. Of that, this extension is all that nobody here has. */
const TASKS = [
  "tasks-capability-negotiation",
  "tasks-dispatch-and-envelope",
  "tasks-lifecycle",
  "tasks-mrtr-composition",
  "tasks-mrtr-input",
  "tasks-request-headers",
  "tasks-request-state-removal",
  "tasks-required-task-error",
  "tasks-status-notifications",
  "tasks-wire-fields",
];

/** What a server up to 2025-11-25 cannot have, whatever is done for it, and how many checks that costs. */
const MODERN_ONLY = {
  // Wants the question under the key "user_name": a server that sends it as a request has no key to give.
  "input-required-result-basic-elicitation": 3,
  // Answers before it is asked. Such a server asks when it has come to it, and then there is no answer to be had.
  "input-required-result-ignore-extra-params": 2,
};

for (const [what, server] of Object.entries({ "of 2026-07-28 alone": MODERN, "of both eras": DUAL })) {
  Deno.test(`gateway passes every required conformance check of 2026-07-28 with a server ${what} behind it`, async () => {
    await using keystone = await startKeystone([], { server });
    const { passed, failures, warnings } = await runConformance(keystone.mcp, {
      requirements: "2026-07-28",
      leftOut: TASKS,
    });
    assert.deepEqual(failures, []);
    assert.deepEqual(warnings, []);
    assert.equal(passed, CHECKS["2026-07-28"]);
  });
}

Deno.test("gateway passes every required conformance check of 2026-07-28 with --replyMode sse", async () => {
  await using keystone = await startKeystone(["--replyMode", "sse"], { server: MODERN });
  const { passed, failures, warnings } = await runConformance(keystone.mcp, {
    requirements: "2026-07-28",
    leftOut: TASKS,
  });
  assert.deepEqual(failures, []);
  assert.deepEqual(warnings, []);
  // Three streams at once are checked too.
  assert.equal(passed, CHECKS["2026-07-28"] + 1);
});

Deno.test("gateway passes every conformance check of 2026-07-28 with a server that knows but a handshake, where that can be", async () => {
  await using keystone = await startKeystone([], { server: CONFORMANCE });
  const leftOut = Object.keys(MODERN_ONLY);
  const { passed, failures, warnings, missed } = await runConformance(keystone.mcp, {
    requirements: "2026-07-28",
    leftOut: [...TASKS, ...leftOut],
  });
  assert.deepEqual(failures, []);
  assert.deepEqual(warnings, []);
  const lost = Object.values(MODERN_ONLY).reduce((sum, checks) => sum + checks);
  assert.equal(passed, CHECKS["2026-07-28"] - lost);
  // What passes has no business among the exceptions.
  assert.deepEqual(missed.filter((name) => !TASKS.includes(name)), leftOut);
});

for (const [what, server] of Object.entries({ "of 2026-07-28 alone": MODERN, "of both eras": DUAL })) {
  Deno.test(`gateway passes every required conformance check of 2025-11-25 with a server ${what} behind it`, async () => {
    await using keystone = await startKeystone(["--stateful"], { server });
    const { passed, failures, warnings } = await runConformance(keystone.mcp);
    assert.deepEqual(failures, []);
    assert.deepEqual(warnings, []);
    assert.equal(passed, CHECKS["2025-11-25"]);
  });
}
