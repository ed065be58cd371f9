import assert from "node:assert/strict";
import { chunkings } from "../../tests/support/chunkings.ts";
import { GatheredText } from "./gathered_text.ts";

Deno.test("GatheredText is the whole text, whatever was expected and wherever it was cut", () => {
  for (const text of ["", "\ufeffä€😀", "x".repeat(50)]) {
    for (const expected of [0, 1, 10, 1_000]) {
      for (const chunks of chunkings(text)) {
        const gathered = new GatheredText();
        for (const chunk of chunks) gathered.push(chunk.slice(), expected);
        assert.equal(gathered.take(), text.replace("\ufeff", ""));
        assert.equal(gathered.take(), "");
      }
    }
  }
});

Deno.test("GatheredText leaves nothing of a piece, however small", () => {
  const gathered = new GatheredText();
  const piece = new TextEncoder().encode("abc");
  gathered.push(piece, 0);
  assert.equal(piece.buffer.byteLength, 0);
  gathered.push(new TextEncoder().encode("d".repeat(10_000)), 0);
  gathered.forget();
  assert.equal(gathered.take(), "");
});
