import assert from "node:assert/strict";
import { flagName, nameOptions, optionName } from "./option_name.ts";

Deno.test("optionName calls an option as on the command line, unless nameOptions has said otherwise", () => {
  assert.equal(optionName("port"), "--port");
  try {
    nameOptions((key) => `servers.x.${key}`);
    assert.equal(optionName("port"), "servers.x.port");
  } finally {
    nameOptions(flagName);
  }
});
