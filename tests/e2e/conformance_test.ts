/** What the official conformance tool says of the gateway, in front of the project's own fixture. */
import assert from "node:assert/strict";
import { runConformance } from "../support/conformance.ts";
import { CONFORMANCE, startKeystone } from "../support/keystone.ts";

/**
 * As many as the pinned version of the tool makes of a server with all features; fewer means that some did not run.
 * Both count the priming event and `retry` of a stream; with streams for all answers, three at once are checked too.
 */
const CHECKS = { auto: 82, sse: 83 };

for (const [replyMode, checks] of Object.entries(CHECKS)) {
  Deno.test(`gateway passes every required conformance check of 2025-11-25 with --replyMode ${replyMode}`, async () => {
    const flags = ["--stateful", "--replyMode", replyMode];
    await using keystone = await startKeystone(flags, { server: CONFORMANCE });
    const { passed, failures, warnings, output } = await runConformance(keystone.mcp);
    assert.deepEqual(failures, []);
    assert.deepEqual(warnings, []);
    assert.equal(passed, checks);
    // Asks for the gateway's own answers, so it is the one that an unprotected server fails.
    assert.match(output, /^✓ dns-rebinding-protection: 2 passed, 0 failed$/m);
    // The same for what a stream is resumed with.
    assert.match(output, /server-sse-polling: 2 passed, 0 failed/);
  });
}

/** Those in which the server asks its client something: a call that stands alone cannot be asked. */
const ASKING = [
  "elicitation-sep1034-defaults",
  "elicitation-sep1330-enums",
  "tools-call-elicitation",
  "tools-call-sampling",
];

for (const children of ["request", "session"]) {
  Deno.test(`gateway without sessions passes all conformance checks but of questions, with --children ${children}`, async () => {
    await using keystone = await startKeystone(["--children", children], { server: CONFORMANCE });
    const { passed, failures } = await runConformance(keystone.mcp);
    assert.deepEqual(failures.map((failure) => failure.split(":")[0]), ASKING);
    assert.equal(passed, 63);
  });
}
