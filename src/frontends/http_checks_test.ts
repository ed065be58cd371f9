import assert from "node:assert/strict";
import { chunkings } from "../../tests/support/chunkings.ts";
import { LimitError } from "../core/errors.ts";
import { readBody } from "./http_checks.ts";

/** Without Content-Length, as a chunked body has none. */
function chunked(chunks: Iterable<Uint8Array>): Request {
  return new Request("http://127.0.0.1/mcp", { method: "POST", body: ReadableStream.from(chunks) });
}

Deno.test("readBody keeps a U+FEFF wherever chunks cut, but for one at the very beginning", async () => {
  for (const text of ['{"a":"\ufeffb\ufeff\ufeff😀"}', '\ufeff{"\ufeff":1}', "\ufeff\ufeff{}"]) {
    for (const chunks of chunkings(text)) {
      assert.equal(await readBody(chunked(chunks), 100), text.replace(/^\ufeff/, ""));
    }
  }
});

Deno.test("readBody counts the bytes of a chunked body, and refuses one byte too many", async () => {
  const chunks = chunkings("ää")[1] ?? [];
  assert.equal(await readBody(chunked(chunks), 4), "ää");
  await assert.rejects(
    readBody(chunked(chunks), 3),
    (error) => error instanceof LimitError && error.status === 413,
  );
});
