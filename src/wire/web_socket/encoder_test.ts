import assert from "node:assert/strict";
import { readFrames, textOfFrame } from "../../../tests/support/frames.ts";
import { FrameBuffer } from "./encoder.ts";
import { applyMask } from "./mask.ts";

const [TEXT, PING] = [1, 9] as const;

Deno.test("FrameBuffer writes frames of each length that its reader understands, masked for a client", () => {
  const texts = ["", "a", "ß漢字 😀 \ufeff"];
  // The length in bytes is not that in characters, and has another form.
  for (const length of [125, 126, 127, 60, 62, 63, 65_535, 65_536, 40_000]) {
    texts.push("x".repeat(length), "ä".repeat(length));
  }
  for (const side of ["server", "client"] as const) {
    for (const text of texts) {
      const [frame, ...rest] = readFrames(FrameBuffer.of(TEXT, text, side).bytes);
      assert(frame && rest.length === 0);
      assert.equal(textOfFrame(frame), text);
      assert.deepEqual([frame.opcode, frame.final, frame.masked], [TEXT, true, side === "client"]);
    }
  }
});

Deno.test("FrameBuffer takes as many frames as fit, and says what does not", () => {
  const frames = new FrameBuffer(40);
  assert.equal(frames.addBytes(PING, Uint8Array.of(1, 2), "server"), true);
  assert.equal(frames.addText(TEXT, "ü", "client"), true);
  assert.equal(frames.addText(TEXT, "x".repeat(30), "server"), false);
  assert.equal(frames.addText(TEXT, "€".repeat(10), "server"), false);
  assert.equal(frames.addText(TEXT, "€".repeat(8), "server"), true);
  assert.equal(frames.addBytes(PING, new Uint8Array(5), "server"), false);
  const [ping, first, second, ...rest] = readFrames(frames.bytes);
  assert(ping && first && second && rest.length === 0);
  assert.deepEqual(ping.payload, Uint8Array.of(1, 2));
  assert.deepEqual([first, second].map(textOfFrame), ["ü", "€".repeat(8)]);
  frames.clear();
  assert.equal(frames.bytes.length, 0);
});

Deno.test("FrameBuffer masks each frame in a way of its own", () => {
  const masks = Array.from({ length: 100 }, () => FrameBuffer.of(TEXT, "", "client").bytes.slice(2).join());
  assert(new Set(masks).size > 95, "They repeat");
});

Deno.test("applyMask goes on where it left off", () => {
  const plain = Uint8Array.from({ length: 300 }, (_, n) => n);
  const mask = 0x44332211;
  const expected = plain.map((byte, at) => byte ^ [0x11, 0x22, 0x33, 0x44][at % 4]!);
  for (const cut of [0, 1, 2, 3, 50, 101, 299, 300]) {
    const bytes = plain.slice();
    const turned = applyMask(bytes, { from: 0, to: cut, mask });
    applyMask(bytes, { from: cut, to: bytes.length, mask: turned });
    assert.deepEqual(bytes, expected);
  }
});
