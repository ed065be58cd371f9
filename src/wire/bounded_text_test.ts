import assert from "node:assert/strict";
import { TooLargeError } from "../core/errors.ts";
import { chunkings } from "../../tests/support/chunkings.ts";
import { readText } from "./bounded_text.ts";

const tooLarge = () => new TooLargeError("too large");

/** A body in these chunks, and whether its reader let go of it. */
function body(chunks: readonly Uint8Array[]) {
  const rest = [...chunks];
  let cancelled = false;
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      const chunk = rest.shift();
      if (chunk) controller.enqueue(chunk);
      else controller.close();
    },
    cancel: () => void (cancelled = true),
  }, { highWaterMark: 0 });
  return { stream, cancelled: () => cancelled };
}

Deno.test("readText gives the whole text, wherever its bytes are cut", async () => {
  const bytes = new TextEncoder().encode("aä€😀");
  for (let cut = 0; cut <= bytes.length; cut++) {
    const { stream } = body([bytes.subarray(0, cut), bytes.subarray(cut)].filter(({ length }) => length > 0));
    assert.equal(await readText(stream, { maxBytes: 10, tooLarge }), "aä€😀");
  }
  assert.equal(await readText(null, { maxBytes: 10, tooLarge }), "");
});

Deno.test("readText keeps a U+FEFF wherever its bytes are cut, but for one at the very beginning", async () => {
  for (const text of ["a\ufeffb\ufeff\ufeff😀\ufeff", "\ufeff\ufeff{}", "\ufeff", "ü\ufeff"]) {
    for (const chunks of chunkings(text)) {
      assert.equal(
        await readText(body(chunks).stream, { maxBytes: 100, tooLarge }),
        text.replace(/^\ufeff/, ""),
      );
    }
  }
});

Deno.test("readText throws as soon as the limit in bytes is passed, and lets go of the rest", async () => {
  const piece = new TextEncoder().encode("ää");
  const { stream, cancelled } = body([piece, piece, piece]);
  await assert.rejects(readText(stream, { maxBytes: 7, tooLarge }), TooLargeError);
  assert.equal(cancelled(), true);
  assert.equal(await readText(body([piece, piece]).stream, { maxBytes: 8, tooLarge }), "ääää");
});

Deno.test("readText throws what the stream throws", async () => {
  const broken = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.error(new Error("broken")),
  });
  await assert.rejects(readText(broken, { maxBytes: 8, tooLarge }), /broken/);
});
