import assert from "node:assert/strict";
import { ConfigError } from "../core/errors.ts";
import { splitCommandLine } from "./command_line.ts";

const raw = String.raw;

/** Lines as they stand in the documentation of servers and in the configurations of their users. */
const WORDS: readonly (readonly [line: string, words: readonly string[]])[] = [
  [
    raw`npx -y @modelcontextprotocol/server-filesystem C:\Users\me\Documents`,
    ["npx", "-y", "@modelcontextprotocol/server-filesystem", raw`C:\Users\me\Documents`],
  ],
  [raw`"C:\Program Files\nodejs\npx.cmd" -y server`, [raw`C:\Program Files\nodejs\npx.cmd`, "-y", "server"]],
  [raw`C:\tools\server.exe --dir "C:\My Data\\" -v`, [
    raw`C:\tools\server.exe`,
    "--dir",
    "C:\\My Data\\",
    "-v",
  ]],
  [raw`node .\dist\index.js --root \\files\share`, [
    "node",
    raw`.\dist\index.js`,
    "--root",
    raw`\\files\share`,
  ]],
  [raw`node "\\files\share\a b.js"`, ["node", raw`\\files\share\a b.js`]],
  [raw`uvx mcp-server-sqlite --db-path .\data\new.db`, [
    "uvx",
    "mcp-server-sqlite",
    "--db-path",
    raw`.\data\new.db`,
  ]],
  [raw`docker run -i --rm -v C:\data:/data image`, [
    "docker",
    "run",
    "-i",
    "--rm",
    "-v",
    raw`C:\data:/data`,
    "image",
  ]],
  [raw`node -e "console.log(\"a b\")"`, ["node", "-e", `console.log("a b")`]],
  [raw`server --json "{""a"": 1}"`, ["server", "--json", `{"a": 1}`]],
  [raw`server {\"a\":1}`, ["server", `{"a":1}`]],
  [raw`cmd /c npx -y server`, ["cmd", "/c", "npx", "-y", "server"]],
  [
    `powershell -NoProfile -Command "& { npx server | Out-Host }"`,
    ["powershell", "-NoProfile", "-Command", "& { npx server | Out-Host }"],
  ],
  ["python -m server --only *.txt ~ $x `y` #z", [
    "python",
    "-m",
    "server",
    "--only",
    ..."*.txt ~ $x `y` #z".split(" "),
  ]],
  [`server --url "https://h/?a=1&b=2"`, ["server", "--url", "https://h/?a=1&b=2"]],
  ["server 100% --url https://h/a%20b%20c", ["server", "100%", "--url", "https://h/a%20b%20c"]],
  ["server 'a b'", ["server", "'a", "b'"]],
  [`server ""  "a"b`, ["server", "", "ab"]],
  [raw`server a\\b "c\\" \\"d e\\"`, ["server", raw`a\\b`, "c\\", "\\d e\\"]],
  ["", []],
];

for (const [line, words] of WORDS) {
  Deno.test(`splitCommandLine on Windows gives the words of ${line}`, () => {
    assert.deepEqual(splitCommandLine(line, "windows"), { kind: "words", words });
  });
}

const FOR_CMD: readonly string[] = [
  ...[raw`npx -y server %USERPROFILE%\Documents`, raw`npx -y server "%APPDATA%\my server"`],
  ...[raw`"%ProgramFiles(x86)%\server.exe"`, "server %NAME:a=b%"],
  ...[
    raw`cd /d C:\srv && npx server`,
    "cd.. & server",
    "set KEY=1& npx server",
    "SET",
    "@echo off",
    "echo. x",
  ],
  ...["npx server | more", "server > log.txt", "server 2>nul", "server < in", "(server)", "server ^& x"],
  ...["server --url https://h/?a=1&b=2", "server a\nb", "call server.bat", "start /b server"],
];

for (const line of FOR_CMD) {
  Deno.test(`splitCommandLine on Windows leaves ${JSON.stringify(line)} to cmd.exe`, () => {
    assert.deepEqual(splitCommandLine(line, "windows"), { kind: "shell" });
  });
}

Deno.test("splitCommandLine on Windows refuses a quote that is never closed and says where it is", () => {
  for (const line of [raw`npx "C:\x`, raw`npx "C:\x\"`, `npx "a""`]) {
    assert.throws(() => splitCommandLine(line, "windows"), (error: unknown) => {
      assert(error instanceof ConfigError);
      assert.match(error.message, /^--stdio: the quote " at character 5 is never closed/);
      return true;
    });
  }
});

Deno.test("splitCommandLine elsewhere takes a backslash for an escape still", () => {
  assert.deepEqual(splitCommandLine(raw`npx a\ b`, "linux"), { kind: "words", words: ["npx", "a b"] });
});

Deno.test("splitCommandLine on Windows undoes the quotes that a program is started with", () => {
  const quote = (word: string) =>
    `"${word.replace(/(\\*)("|$)/g, (_, a: string, b: string) => `${a}${a}${b && `\\"`}`)}"`;
  const signs = [...'ab\\\\"" \'&|^<>'];
  for (let round = 0; round < 500; round++) {
    const text = Array.from({ length: round % 12 }, () => signs[Math.floor(Math.random() * signs.length)])
      .join("");
    assert.deepEqual(splitCommandLine(`server ${quote(text)} x`, "windows"), {
      kind: "words",
      words: ["server", text, "x"],
    }, text);
  }
});
