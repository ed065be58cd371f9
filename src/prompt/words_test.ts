import assert from "node:assert/strict";
import { PromptError } from "./prompt_error.ts";
import { wordsOf } from "./words.ts";

Deno.test("wordsOf parts words at blanks, and keeps what is quoted together", () => {
  const cases: [string, string[]][] = [
    ["", []],
    ["  a  b\tc ", ["a", "b", "c"]],
    ["'a b' \"c d\" e\\ f", ["a b", "c d", "e f"]],
    ["K='a b'c", ["K=a bc"]],
    ["'' a \"\"", ["", "a", ""]],
    ['"a\\"b" \'a\\b\'', ['a"b', "a\\b"]],
    ["ä 😀", ["ä", "😀"]],
  ];
  for (const [line, words] of cases) assert.deepEqual(wordsOf(line), words, line);
});

Deno.test("wordsOf says what has no end, and nothing of what is in it", () => {
  const cases: [string, RegExp][] = [
    ["'s3cret", /: the quote ' has no end$/],
    ['a "s3cret', /: the quote " has no end$/],
    ["s3cret \\", /: nothing stands behind the last \\$/],
  ];
  for (const [line, expected] of cases) {
    assert.throws(() => wordsOf(line), (error) => {
      assert(error instanceof PromptError);
      assert.match(error.message, expected);
      return !error.message.includes("s3cret");
    });
  }
});
