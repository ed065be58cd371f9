import assert from "node:assert/strict";
import { settled } from "../../../tests/support/far_end.ts";
import { FakeStream } from "../../../tests/support/fake_stream.ts";
import { closing, readFrames, textOfFrame } from "../../../tests/support/frames.ts";
import { WebSocketOutput } from "./output.ts";

const [TEXT, CLOSE, PING, PONG] = [1, 8, 9, 10] as const;

function rig({ onBroken = unexpected }: { onBroken?: () => void } = {}) {
  const stream = new FakeStream();
  return { stream, output: new WebSocketOutput(stream, { side: "server", onBroken }) };
}

function unexpected(): never {
  throw new Error("The stream is not broken");
}

function textsIn(bytes: Uint8Array): string[] {
  return readFrames(bytes).map(textOfFrame);
}

/** A write and what it brings about take a few turns. */
async function written(): Promise<void> {
  for (let turns = 0; turns < 5; turns++) await settled();
}

Deno.test("WebSocketOutput writes what has gathered as one piece, in one turn of the event loop and during a write", async () => {
  const { stream, output } = rig();
  for (const text of ["a", "ü"]) assert.equal(output.text(text), undefined);
  stream.stall();
  await written();
  for (const text of ["c", "d"]) assert.equal(output.text(text), undefined);
  await written();
  assert.deepEqual(stream.written.map(textsIn), [["a", "ü"]]);
  stream.resume();
  await written();
  assert.deepEqual(stream.written.map(textsIn), [["a", "ü"], ["c", "d"]]);
  assert.equal(output.weight, 0);
});

Deno.test("WebSocketOutput keeps the order of small texts and large ones", async () => {
  const { stream, output } = rig();
  const texts = ["a", "b".repeat(100_000), "c", "ä".repeat(9_000), "e".repeat(10_000), "f".repeat(10_000)];
  for (const text of texts) void output.text(text);
  await written();
  assert.deepEqual(stream.frames.map(textOfFrame), texts);
});

Deno.test("WebSocketOutput holds its sender back until what waits is written, and lets it go when that is dropped", async () => {
  for (const way of ["resume", "drop", "break"] as const) {
    const { stream, output } = rig({ onBroken: () => {} });
    stream.stall();
    let room = false;
    const held = Promise.resolve(output.text("x".repeat(2 ** 20))).then(() => room = true);
    await written();
    assert.equal(room, false);
    void output.text("more");
    if (way === "resume") stream.resume();
    else if (way === "drop") output.drop();
    else stream.close();
    await held;
    if (way === "drop") {
      // What is being written cannot be forgotten.
      assert(output.weight > 2 ** 20 && output.weight < 2 ** 20 + 100);
      stream.close();
    }
    await written();
    assert.equal(output.weight, 0);
  }
});

Deno.test("WebSocketOutput answers the newest ping alone", async () => {
  const { stream, output } = rig();
  stream.stall();
  void output.text("first");
  await written();
  const payload = Uint8Array.of(0);
  for (let n = 0; n < 1000; n++) {
    payload[0] = n;
    output.pong(payload);
  }
  output.ping();
  output.ping();
  payload[0] = 1;
  stream.resume();
  await written();
  assert.deepEqual(
    stream.frames.slice(1).map(({ opcode, payload }) => [opcode, [...payload]]),
    [[PONG, [999 % 256]], [PING, []]],
  );
});

Deno.test("WebSocketOutput says goodbye after all that waits, with as much of the reason as fits, and nothing more", async () => {
  const { stream, output } = rig();
  void output.text("a".repeat(100_000));
  const said = output.close(1011, "ü".repeat(100));
  void output.text("late");
  await said;
  const [text, close, ...rest] = stream.frames;
  assert.deepEqual([text?.opcode, close?.opcode, rest.length], [TEXT, CLOSE, 0]);
  assert.deepEqual(close?.payload, closing(1011, "ü".repeat(61)));
  await output.close(1000);
  assert.equal(stream.frames.length, 2);
});

Deno.test("WebSocketOutput says goodbye without a code", async () => {
  const { stream, output } = rig();
  await output.close(1005);
  assert.deepEqual(stream.frames[0]?.payload, new Uint8Array());
});

Deno.test("WebSocketOutput tells once that nobody reads any more, and settles its goodbye", async () => {
  let broken = 0;
  const { stream, output } = rig({ onBroken: () => void broken++ });
  stream.stall();
  void output.text("a");
  await written();
  const said = output.close(1000);
  stream.close();
  await said;
  void output.text("late");
  output.ping();
  await written();
  assert.deepEqual([broken, output.weight, stream.written.length], [1, 0, 1]);
});
