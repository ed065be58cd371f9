import assert from "node:assert/strict";
import { FakeStream } from "../../tests/support/fake_stream.ts";
import { hasCaughtUp, withBefore } from "./byte_stream.ts";

Deno.test("withBefore gives first what was read too far, and says when nothing is left of it", async () => {
  const stream = new FakeStream();
  stream.receive(Uint8Array.of(4));
  const ahead = withBefore(Uint8Array.of(1), withBefore(Uint8Array.of(2, 3), stream));
  const seen: number[] = [];
  const caughtUp: boolean[] = [];
  for (let count = 0; count < 4; count++) {
    const byte = new Uint8Array(1);
    assert.equal(await ahead.read(byte), 1);
    seen.push(byte[0]!);
    caughtUp.push(hasCaughtUp(ahead));
  }
  assert.deepEqual(seen, [1, 2, 3, 4]);
  assert.deepEqual(caughtUp, [false, false, true, true]);
  assert(hasCaughtUp(stream));
});
