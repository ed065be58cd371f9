import assert from "node:assert/strict";
import { shownOverride } from "./shown_override.ts";

Deno.test("shownOverride shows what is set, and no secret of it", () => {
  const shown = shownOverride({
    args: ["--level", "debug", "--token", "s3cret", "--api-key=s3cret"],
    env: { MODE: "plain", GITHUB_TOKEN: "s3cret", GONE: null },
    headers: { authorization: "Bearer s3cret", "x-api-key": "s3cret", "x-tenant": "blue", cookie: null },
  });
  assert.deepEqual(shown, {
    args: ["--level", "debug", "--token", "[REDACTED]", "--api-key=[REDACTED]"],
    env: { MODE: "plain", GITHUB_TOKEN: "[REDACTED]", GONE: null },
    headers: {
      authorization: "[REDACTED]",
      "x-api-key": "[REDACTED]",
      "x-tenant": "blue",
      cookie: null,
    },
  });
});

Deno.test("shownOverride tells nothing from as it is configured", () => {
  assert.deepEqual(shownOverride({}), {});
  assert.deepEqual(shownOverride({ args: null, env: null, headers: null }), {
    args: null,
    env: null,
    headers: null,
  });
});
