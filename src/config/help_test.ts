import assert from "node:assert/strict";
import { parsed } from "../../tests/support/config.ts";
import { splitCommandLine } from "./command_line.ts";
import { readFlags } from "./flags.ts";
import { optionEntries } from "./options.ts";

function help(): string {
  const flags = readFlags(["--help"], "1.2.3");
  assert(flags.kind === "help");
  return flags.text;
}

Deno.test("help fits in 80 columns", () => {
  for (const line of help().split("\n")) assert(line.length <= 80, line);
});

Deno.test("help begins with what Keystone is and how it is called", () => {
  assert.match(
    help(),
    /^Keystone joins [^\n]+\n[^\n]+\n\nUsage: keystone --stdio "command line" \[options\]\n/,
  );
});

Deno.test("help names each command for credentials", () => {
  for (const command of ["keys create", "show-key", "users add", "keypair generate|show"]) {
    assert(help().includes(`keystone ${command}`), command);
  }
});

Deno.test("help shows each flag once, in camelCase, below the heading of its group", () => {
  const lines = help().split("\n");
  for (const [key, { group, common }] of optionEntries()) {
    const at = lines.findIndex((line) => line.match(/^ {2}--([A-Za-z0-9]+)/)?.[1] === key);
    assert(at > 0, key);
    assert.equal(
      lines.slice(0, at).findLast((line) => /^\S.*:$/.test(line)),
      common ? "What most people need:" : `${group}:`,
    );
  }
  assert.doesNotMatch(help(), /^ {2}--[a-z]+-/m);
});

Deno.test("help shows defaults as a user writes them", () => {
  const text = help().replace(/\s+/g, " ");
  for (const shown of ["8000", "127.0.0.1", "4m", "30m", "/mcp", "500ms", "2025-11-25"]) {
    assert(text.includes(`(default: ${shown})`), shown);
  }
});

Deno.test("help begins with the eleven flags that most people need, and five examples", () => {
  const [, flags = "", examples = ""] =
    /\n\nWhat most people need:\n((?: {2}.+\n)+)\nExamples:\n((?: {2}.+\n)+)\n/.exec(help()) ?? [];
  assert.equal(flags.match(/^ {2}--/gm)?.length, 11);
  assert.equal(examples.match(/^ {2}keystone /gm)?.length, 5);
});

Deno.test("help gives examples that Keystone takes", async () => {
  const [, examples = ""] = /\nExamples:\n((?: {2}.+\n)+)/.exec(help()) ?? [];
  for (const example of examples.replaceAll("\\\n", " ").trim().split("\n")) {
    const split = splitCommandLine(example, "linux");
    assert(split.kind === "words", example);
    await parsed(split.words.slice(1));
  }
});

Deno.test("help ends with the exit codes", () => {
  assert.match(
    help(),
    /\nExit codes:\n {2}0 {2}.+\n {2}1 {2}.+\n {2}2 {2}.+\n {2}3 {2}[^\n]+$/,
  );
});
