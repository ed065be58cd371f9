/**
 * What the official conformance tool says of the gateway as a client of 2026-07-28, with a stdio client of the v2 SDK before
 * it.
 */
import assert from "node:assert/strict";
import { fileURLToPath as fromFileUrl } from "node:url";
import { withPackages } from "../support/keystone.ts";
import { requiredOfClients, runClientConformance } from "../support/conformance.ts";

const VERSION = "2026-07-28";
const CLIENT = fromFileUrl(new URL("../fixtures/conformance_client_modern.ts", import.meta.url));
const COMMAND = withPackages([Deno.execPath(), "run", "-A", CLIENT]).map((word) => `'${word}'`).join(" ");

/** How many checks the pinned version of the tool makes in each scenario; fewer means that some did not run. */
const REQUIRED = {
  tools_call: 2,
  "request-metadata": 8,
  "http-standard-headers": 9,
  "http-custom-headers": 18,
  "http-invalid-tool-headers": 12,
  "json-schema-ref-no-deref": 1,
  "sep-2322-client-request-state": 5,
};

Deno.test("bridge is tested with every scenario of 2026-07-28 that needs no authorization", async () => {
  const required = (await requiredOfClients(VERSION)).filter((name) => !name.startsWith("auth/"));
  assert.deepEqual(required.sort(), Object.keys(REQUIRED).sort());
});

for (const [name, checks] of Object.entries(REQUIRED)) {
  Deno.test(`bridge passes the conformance scenario "${name}" of 2026-07-28`, async () => {
    const report = await runClientConformance({ name, command: COMMAND, version: VERSION });
    assert.deepEqual(report.failures, []);
    assert.deepEqual(report.warnings, []);
    assert.equal(report.passed, checks);
    // It was the gateway that spoke to the tool's server, and it had nothing to complain of but that server.
    assert.match(report.stderr, /Session opened session=stdio [^]*Gateway stopped\n/);
    assert.doesNotMatch(report.stderr, / ERR |Message dropped/);
  });
}
