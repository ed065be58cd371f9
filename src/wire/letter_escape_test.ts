import assert from "node:assert/strict";
import { spellsLetters } from "./letter_escape.ts";

Deno.test("spellsLetters finds \\u wherever it stands, and no backslash that is escaped itself", () => {
  for (const before of ["", "a".repeat(47), "\\\\".repeat(24), `\\n${"b".repeat(200)}`, '\\"']) {
    assert.equal(spellsLetters(`"${before}\\u0069d"`), true, before);
    assert.equal(spellsLetters(`"${before}\\\\u0069d"`), false, before);
    assert.equal(spellsLetters(`"${before}u"`), false, before);
  }
});
