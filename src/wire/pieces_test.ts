import assert from "node:assert/strict";
import { piecesOf } from "./pieces.ts";

Deno.test("piecesOf cuts a text between characters, and loses nothing", () => {
  assert.deepEqual([...piecesOf("abcde", 2)], ["ab", "cd", "e"]);
  assert.deepEqual([...piecesOf("a😀😀b", 4)], ["a😀", "😀b"]);
  assert.deepEqual([...piecesOf("", 2)], []);
  for (const text of ["\ud83d", "ab\ud83d", "\ud83d\ud83d\ud83dc", "\ude00\ud83d"]) {
    for (const size of [2, 3, 4]) assert.equal([...piecesOf(text, size)].join(""), text);
  }
});
