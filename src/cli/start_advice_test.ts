import assert from "node:assert/strict";
import { startAdvice } from "./start_advice.ts";
import { trialText } from "./trial_text.ts";

const REPORT = {
  server: "npx -y some-server",
  reason: "The MCP server exited with code 1",
  stderr: [],
  stdout: [],
};

Deno.test("startAdvice knows the common reasons by what servers and package managers say of them", () => {
  const cases: [string, RegExp][] = [
    ["npm error 404 Not Found - GET https://registry.example/nope - Not found", /registry does not know/],
    ["error: No matching distribution found for nope", /registry does not know/],
    ["npm error code ENOTFOUND", /cannot be reached/],
    ["sh: 1: nope: not found", /a program is not there/],
    ["Error: Cannot find module '/srv/index.js'", /a part of it is missing/],
    ["ModuleNotFoundError: No module named 'mcp'", /a part of it is missing/],
    ["GITHUB_TOKEN is required", /--env NAME=value/],
    ["Missing API_KEY environment variable", /--env NAME=value/],
    ["Usage: server <directory>", /does not understand its arguments/],
    ["SyntaxError: Unexpected token '?'", /another version of what runs it/],
    ["Error: listen EADDRINUSE: address already in use :::3000", /a port that it wants is taken/],
  ];
  for (const [line, advice] of cases) {
    assert.match(startAdvice({ ...REPORT, stderr: [line] })[0]!, advice, line);
  }
});

Deno.test("startAdvice always has a way to find out more, and shows no command that is not whole", () => {
  assert.deepEqual(startAdvice(REPORT), ["run it by itself to see more: npx -y some-server"]);
  for (const server of ["npx -y some-server --key ***", "sh -c …"]) {
    assert.deepEqual(startAdvice({ ...REPORT, server }), ["run the command by itself to see more"]);
  }
});

Deno.test("trialText shows no secret, and no more of a line than there is room for", () => {
  const stderr = ["Authorization: Bearer abcdefghijklmnop", "x".repeat(10_000), "\x1b[2Jcleared"];
  for (const format of ["text", "json"] as const) {
    const text = trialText({ ...REPORT, stderr }, { format, ends: false });
    assert.doesNotMatch(text, /abcdefghijklmnop/);
    assert(!text.includes("\x1b"));
    assert(text.length < 3_000);
  }
});
