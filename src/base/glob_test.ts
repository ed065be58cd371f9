import assert from "node:assert/strict";
import { glob, GlobError, patternsIn } from "./glob.ts";
import { assertLinear } from "../../tests/support/processor_time.ts";

const CASES: readonly (readonly [pattern: string, yes: readonly string[], no: readonly string[]])[] = [
  ["read_file", ["read_file"], ["read_files", "xread_file", "Read_file", ""]],
  ["*", ["", "a", "a/b", "ä😀"], []],
  ["read_*", ["read_", "read_file", "read_a/b"], ["read", "xread_", "Read_a"]],
  ["*_file", ["_file", "read_file", "a_file_file"], ["read_file_", "file"]],
  ["a*b*c", ["abc", "aXbYc", "abcbc", "abbc"], ["ab", "acb", "abcd"]],
  ["?", ["a", "😀", "/"], ["", "ab"]],
  ["a?c", ["abc", "a/c"], ["ac", "abbc"]],
  ["[a-c]x", ["ax", "cx"], ["dx", "-x", "x"]],
  ["[!a-c]x", ["dx", "-x"], ["ax", "x"]],
  ["[]]", ["]"], ["[", ""]],
  ["[a-]", ["a", "-"], ["b"]],
  ["[.^$(]", [".", "^", "$", "("], ["a"]],
  ["{read,list}_*", ["read_a", "list_"], ["write_a", "{read,list}_a"]],
  ["a{b,c{d,e}}f", ["abf", "acdf", "acef"], ["acf", "af"]],
  ["{a,}b", ["ab", "b"], ["aab"]],
  ["[{]a", ["{a"], ["a"]],
  ["{[,}],b}c", [",c", "}c", "bc"], ["c", "[c", "{[,}],b}c"]],
  ["{\\},\\,}x", ["}x", ",x"], ["x", "\\}x"]],
  ["\\*", ["*"], ["a", "\\*"]],
  ["\\{a,b\\}", ["{a,b}"], ["a", "b"]],
  ["a.b(c)+|$^", ["a.b(c)+|$^"], ["aXb(c)+|$^"]],
  ["file:///srv/*", ["file:///srv/a/b.txt", "file:///srv/"], ["file:///srvx", "http:///srv/a"]],
];

Deno.test("glob matches whole names by their letters", () => {
  for (const [pattern, yes, no] of CASES) {
    const matches = glob(pattern);
    for (const name of yes) assert.equal(matches(name), true, `${pattern} and ${name}`);
    for (const name of no) assert.equal(matches(name), false, `${pattern} and not ${name}`);
  }
});

Deno.test("glob says what cannot be read in a pattern", () => {
  for (const pattern of ["[a", "[", "{a,b", "a\\", "{".repeat(3), "{a,b}".repeat(7)]) {
    assert.throws(() => glob(pattern), GlobError, pattern);
  }
});

Deno.test("patternsIn parts patterns at commas that stand by themselves", () => {
  for (
    const [text, expected] of [
      ["a", ["a"]],
      ["a,b", ["a", "b"]],
      ["read_*, {a,b{c,d}}x ,e", ["read_*", "{a,b{c,d}}x", "e"]],
      ["[,]a,b", ["[,]a", "b"]],
      ["db://a\\,b,c", ["db://a\\,b", "c"]],
      // A brace too many must not hide the patterns behind it.
      ["a},b", ["a}", "b"]],
      ["a,,b,", ["a", "", "b", ""]],
      ["", [""]],
    ] as const
  ) assert.deepEqual(patternsIn(text), expected, text);
  assert.throws(() => patternsIn("[a,b"), GlobError);
});

Deno.test("glob takes a time that grows with the length of a name, whatever the pattern", async () => {
  const matches = glob("*a*a*a*a*a*a*a*a*b");
  await assertLinear(10_000, (size) => () => assert.equal(matches("a".repeat(size)), false));
});
