import assert from "node:assert/strict";
import { excerpt, safeText, safeValue, withoutFolders } from "./telling.ts";

const LIMITS = { maxChars: 100, maxTotal: 1_000 };

Deno.test("safeText cuts, and never in the middle of what it would have hidden", () => {
  assert.equal(safeText("short", 10), "short");
  assert.equal(safeText("x".repeat(1_000_000), 10), `${"x".repeat(10)}…`);
  for (let lead = 0; lead < 120; lead++) {
    const text = `${"y".repeat(lead)} --token hunter2hunter2 ${"z ".repeat(5_000)}`;
    assert.doesNotMatch(safeText(text, 100), /hunter/);
    assert.doesNotMatch(safeText(`${"y".repeat(lead)}${"password=hunter2 ".repeat(5_000)}`, 100), /hunter/);
  }
});

Deno.test("safeValue hides fields by their names, at any depth, and in JSON that is a text", () => {
  const inner = { password: "hunter2", list: [{ apiKey: "hunter2", shown: 1 }] };
  const values = [
    inner,
    { a: { b: [inner] } },
    { text: JSON.stringify(inner) },
    { text: JSON.stringify(JSON.stringify({ again: JSON.stringify(inner) })) },
    { text: ` ${JSON.stringify({ "pass\\u0077ord": 1, "p\u0061ssword": "hunter2" })}` },
    { text: `got ${JSON.stringify(inner)} from there` },
    { args: ["--verbose", "hunter2"], argv: "hunter2" },
    { command: ["run", "--token", "hunter2"], more: ["--api-key=hunter2"] },
    { env: [{ name: "API_KEY", value: "hunter2" }, { key: "password", value: "hunter2" }] },
    { headers: [["Authorization", "hunter2"], ["Cookie", "hunter2"]] },
    { otp: 123456, password: { user: "hunter2" } },
  ];
  for (const value of values) {
    const shown = JSON.stringify(safeValue(value, LIMITS));
    assert.doesNotMatch(shown, /hunter2|123456/, shown);
    assert.match(shown, /REDACTED/);
  }
});

Deno.test("safeValue shows the rest", () => {
  const value = {
    ...{
      progressToken: "p",
      maxTokens: 5,
      tokens: 12,
      author: "a",
      pass: true,
      password: null,
      list: [1, "two", null],
    },
    ...{ text: '{"a": [1, 2]}', args: false, key: undefined },
  };
  const shown = safeValue(value, LIMITS);
  assert.deepEqual(shown, { ...value, text: '{"a":[1,2]}' });
  assert.deepEqual(
    safeValue(JSON.parse('{"__proto__":{"a":1}}'), LIMITS),
    JSON.parse('{"__proto__":{"a":1}}'),
  );
});

Deno.test("safeValue has a bound for texts, lists, names and depth", () => {
  let deep: unknown = 1;
  for (let depth = 0; depth < 10_000; depth++) deep = [deep];
  const wide = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`name${index}`, index]));
  for (
    const value of ["x".repeat(100_000), Array(100_000).fill("abc"), wide, { ["n".repeat(100_000)]: 1 }, deep]
  ) {
    assert(JSON.stringify(safeValue(value, LIMITS)).length < 2_000);
  }
});

Deno.test("withoutFolders leaves the last part of a path, and URLs as they are", () => {
  const texts = {
    "at /home/ann/x/server.js:12:3": "at …/server.js:12:3",
    "open '/home/ann/.ssh/id_rsa'": "open '…/id_rsa'",
    "/Users/Ann Smith/My Docs/a.py failed": "…/a.py failed",
    "C:\\Users\\ann\\x.js and d:/data/y": "…/x.js and …/y",
    "\\\\host\\share\\file": "…/file",
    "~/secret/notes.txt": "…/notes.txt",
    "file:///home/ann/x.ts:1:2": "…/x.ts:1:2",
    "(/srv/app/main.js)": "(…/main.js)",
    "cwd=/home/ann/": "cwd=…/ann",
    "https://host/a/b/c and /mcp and and/or 1/2 a/b/c": "https://host/a/b/c and /mcp and and/or 1/2 a/b/c",
  };
  for (const [text, shown] of Object.entries(texts)) assert.equal(withoutFolders(text), shown);
  for (const piece of ["/", "/a", "a://", "\\", " /a/b c", "C:", "~", "/a b"]) {
    withoutFolders(piece.repeat(200_000));
  }
});

Deno.test("excerpt quotes the beginning on one line", () => {
  assert.equal(excerpt("  one\n two\x1b[0m password=x\n", 100), "one two\\u001b[0m password=[REDACTED]");
  assert.equal(excerpt("x".repeat(1_000_000), 10), `${"x".repeat(10)}…`);
});
