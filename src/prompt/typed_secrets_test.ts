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

Deno.test("masked hides what is a secret of a line, to the end of the word that it is in, and nothing before", () => {
  const lines = {
    "sessions": "sessions",
    "env set LEVEL=debug": "env set LEVEL=debug",
    "bearer clear": "bearer clear",
    "bearer s3c": "bearer ***",
    "Bearer s3c": "Bearer ***",
    "--server far bearer s3 et": "--server far bearer *****",
    "env set API_TOKEN=": "env set API_TOKEN=",
    "env set API_TOKEN=s": "env set API_TOKEN=*",
    "env set API_TOKEN=s3 --session abcd": "env set API_TOKEN=** --session abcd",
    "env set API_TOKEN=s3 DB_PASSWORD=x A=1": "env set API_TOKEN=**************** A=1",
    "env set PASSWORD=a&b<c'd'": "env set PASSWORD=********",
    "env set PASSWORD=a\\ b A=1": "env set PASSWORD=**** A=1",
    "env set PASSWORD=a;,.) A=1": "env set PASSWORD=***** A=1",
    "env set PASSWORD=[REDA": "env set PASSWORD=*****",
    'env set "API_TOKEN=a b c': 'env set "API_TOKEN=*****',
    "env set API_TOKEN='a b c' A=1": "env set API_TOKEN=******* A=1",
    'header set "X-Api-Key: abc def" --session abcd': 'header set "X-Api-Key:********* --session abcd',
    'header set "Authorization: Bearer s3"': 'header set "Authorization:***********',
    "env set 'API'_TOKEN=s3 A=1": "env set 'API'_TOKEN=** A=1",
    "args -- --token s3cret": "args -- --token ******",
    "args -- --token 's3 et' more": "args -- --token '****** more",
    "env set URL=https://me:s3@host/x": "env set URL=https://************",
  };
  for (const [line, shown] of Object.entries(lines)) assert.equal(masked(line), shown);
});

Deno.test("masked has as many stars as a terminal has columns for what they hide", () => {
  for (
    const [secret, columns] of [["ab", 2], ["\u79d8", 2], ["\u{1f600}", 2], ["e\u0301", 1], [
      "\u00e9",
      1,
    ]] as const
  ) {
    assert.equal(masked(`env set API_TOKEN=${secret}`), `env set API_TOKEN=${"*".repeat(columns)}`);
  }
});
