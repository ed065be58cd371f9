/** What the official conformance tool says of the gateway as a client, with a stdio client of the SDK before it. */
import assert from "node:assert/strict";
import { fileURLToPath as fromFileUrl } from "node:url";
import { withPackages } from "../support/keystone.ts";
import { requiredOfClients, runClientConformance } from "../support/conformance.ts";

const CLIENT = fromFileUrl(new URL("../fixtures/conformance_client.ts", import.meta.url));
const COMMAND = withPackages([Deno.execPath(), "run", "-A", CLIENT]).map((word) => `'${word}'`).join(" ");

/** How many checks the pinned version of the tool makes in each scenario; fewer means that some did not run. */
const REQUIRED = { initialize: 1, tools_call: 2, "elicitation-sep1034-client-defaults": 5, "sse-retry": 3 };
/** Not scored by the tool, and passed all the same. */
const UNSCORED = { "json-schema-2020-12-preservation": 9 };

Deno.test("bridge is tested with every scenario of 2025-11-25 that needs no authorization", async () => {
  const required = (await requiredOfClients()).filter((name) => !name.startsWith("auth/"));
  assert.deepEqual(required.sort(), Object.keys(REQUIRED).sort());
});

for (const [name, checks] of Object.entries({ ...REQUIRED, ...UNSCORED })) {
  Deno.test(`bridge passes the conformance scenario "${name}"`, async () => {
    const { passed, failures, warnings, stderr } = await runClientConformance({ name, command: COMMAND });
    assert.deepEqual(failures, []);
    assert.deepEqual(warnings, []);
    assert.equal(passed, checks);
    // It was the gateway that spoke to the tool's server, and it had nothing to complain of but that server.
    assert.match(stderr, /Session opened session=stdio [^]*Gateway stopped\n/);
    assert.doesNotMatch(stderr, / ERR |Message dropped/);
  });
}
