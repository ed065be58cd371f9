import assert from "node:assert/strict";
import { configurationDocs } from "./config_docs.ts";
import { ROOT } from "./run_deno.ts";

Deno.test("docs/configuration.md is what the table of options says", async () => {
  const written = await Deno.readTextFile(`${ROOT}/docs/configuration.md`);
  assert.equal(written, await configurationDocs(), "run deno run -A scripts/config_docs.ts");
});
