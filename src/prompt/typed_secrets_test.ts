import assert from "node:assert/strict";
import { hasSecret, masked } from "./typed_secrets.ts";

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

Deno.test("masked hides what is a secret of a line, from the first one to the last, and nothing before", () => {
  const lines = {
    "sessions": "sessions",
    "env set LEVEL=debug": "env set LEVEL=debug",
    "bearer clear": "bearer clear",
    "bearer s3c": "bearer ***",
    "--server far bearer s3 et": "--server far bearer *****",
    "env set API_TOKEN=": "env set API_TOKEN=",
    "env set API_TOKEN=s": "env set API_TOKEN=*",
    "env set API_TOKEN=s3 --session abcd": "env set API_TOKEN=** --session abcd",
    "env set API_TOKEN=s3 DB_PASSWORD=x A=1": "env set API_TOKEN=**************** A=1",
    'header set "Authorization: Bearer s3"': 'header set "Authorization: *********"',
    "args -- --token s3cret": "args -- --token ******",
    "env set URL=https://me:s3@host/": "env set URL=https://*****@host/",
  };
  for (const [line, shown] of Object.entries(lines)) {
    assert.equal(masked(line), shown);
    assert.equal(masked(line).length, line.length);
  }
});
