import assert from "node:assert/strict";
import { chunkings } from "../../tests/support/chunkings.ts";
import { utf8Decoder, Utf8Text } from "./utf8.ts";

const TEXTS = [
  "a\ufeffb\ufeff\ufeff😀\ufeff",
  "\ufeffa\ufeff",
  "\ufeff\ufeff",
  "\ufeff",
  "ü\ufeff\ufeff",
  "",
];

Deno.test("utf8Decoder keeps every U+FEFF, wherever the bytes are cut", () => {
  for (const text of TEXTS) {
    for (const chunks of chunkings(text)) {
      const decoder = utf8Decoder();
      const pieces = chunks.map((chunk) => decoder.decode(chunk, { stream: true }));
      assert.equal(pieces.join("") + decoder.decode(), text);
    }
  }
});

Deno.test("Utf8Text leaves out one byte order mark at the very beginning, wherever the bytes are cut", () => {
  for (const text of TEXTS) {
    for (const chunks of chunkings(text)) {
      const stream = new Utf8Text();
      const pieces = [new Uint8Array(), ...chunks].map((chunk) => stream.push(chunk));
      assert.equal(pieces.join("") + stream.end(), text.replace(/^\ufeff/, ""));
    }
  }
});

Deno.test("Utf8Text replaces what is no character, at the end too", () => {
  const stream = new Utf8Text();
  assert.equal(stream.push(Uint8Array.of(0xff, 0x61, 0xe2)) + stream.end(), "\ufffda\ufffd");
});
