import assert from "node:assert/strict";
import { cut, escaped, quoted } from "./outside.ts";

const UNSEEN = ["\0", "\b", "\x1b", "\x7f", "\x85", "\x9b", "\xad", "\u061c", "\u200b", "\u200e", "\u2028"];
const MORE = ["\u2029", "\u202a", "\u202e", "\u2066", "\u2069", "\ufeff", "\u{e0041}", "\ud800", "\udc00"];

Deno.test("escaped leaves nothing that a terminal or a reader takes for more than text", () => {
  for (const character of [...UNSEEN, ...MORE]) {
    const text = escaped(`a${character}b`);
    assert.match(text, /^a(\\u[0-9a-f]{4}){1,2}b$/);
    assert.equal(JSON.parse(`"${text}"`), `a${character}b`);
  }
  assert.equal(escaped("two\r\n\tlines"), "two\\r\\n\\tlines");
  assert.equal(escaped('plain: é 漢 😀 \\ "'), 'plain: é 漢 😀 \\ "');
});

Deno.test("escaped changes no meaning of JSON", () => {
  const value = { text: [...UNSEEN, ...MORE, '\n\t"\\'].join("x") };
  assert.deepEqual(JSON.parse(escaped(JSON.stringify(value))), value);
});

Deno.test("quoted shows a value of any size and kind in a bounded place", () => {
  assert.equal(quoted("plain"), '"plain"');
  assert.equal(quoted('a"\x1b[31m\u202e'), '"a\\"\\u001b[31m\\u202e"');
  assert.equal(quoted(7), "7");
  assert.equal(quoted(undefined), "undefined");
  assert.equal(quoted({ a: 1 }), "an object");
  assert.equal(quoted("x".repeat(1_000_000)), `"${"x".repeat(100)}…"`);
  assert(quoted("\u202e".repeat(1_000_000)).length < 1_000);
});

Deno.test("cut keeps the beginning", () => {
  assert.equal(cut("abc", 3), "abc");
  assert.equal(cut("abcd", 3), "abc…");
});
