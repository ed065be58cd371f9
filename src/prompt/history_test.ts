import assert from "node:assert/strict";
import { hasSecret } from "./history.ts";

Deno.test("hasSecret finds lines with a token, or with what is a secret by its name or shape", () => {
  const secret = [
    ...["bearer s3cret", "bearer abc"],
    "--server far bearer s3cret",
    "env set GITHUB_TOKEN=s3cret",
    "env set A=1 apiKey=s3cret --session abcd",
    'header set "Authorization: Bearer s3cret"',
    'header set "X-Api-Key: s3cret"',
    "args -- --token s3cret",
    "args --session abcd -- --session-key=s3cret",
    "--session abcd bearer s3cret",
    "env set URL=https://me:s3cret@host/",
  ];
  const plain = [
    ...[
      "bearer",
      "bearer clear",
      "bearer --session abcd-efgh",
      "--session=abcd bearer clear",
      "env set LEVEL=debug",
      "env set GITHUB_TOKEN",
    ],
    ...["args -- --level debug", 'header set "X-Tenant: blue"', "sessions", "show --session abcd"],
  ];
  assert.deepEqual(secret.filter((line) => !hasSecret(line)), []);
  assert.deepEqual(plain.filter(hasSecret), []);
});
