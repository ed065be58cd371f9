import assert from "node:assert/strict";
import { FakeStream } from "../../tests/support/fake_stream.ts";
import { settled } from "../../tests/support/far_end.ts";
import { hasCaughtUp } from "../wire/byte_stream.ts";
import { ClientWatch } from "./client_watch.ts";
import { RequestBody } from "./request.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("ClientWatch notices that a client leaves, as soon as somebody wants to know", async () => {
  const stream = new FakeStream();
  using watch = new ClientWatch(stream);
  const signal = watch.leaving();
  stream.end();
  await settled();
  assert.equal(signal.aborted, true);
  assert.equal(watch.gone, signal);
});

Deno.test("ClientWatch takes nothing of what follows", async () => {
  const stream = new FakeStream();
  using watch = new ClientWatch(stream);
  const signal = watch.leaving();
  stream.receive(bytes("next"));
  await settled();
  const rest = watch.end();
  assert.equal(signal.aborted, false);
  assert.equal(hasCaughtUp(rest), false);
  const into = new Uint8Array(10);
  assert.equal(await rest.read(into), 4);
  assert.deepEqual(into.subarray(0, 4), bytes("next"));
  assert.equal(hasCaughtUp(rest), true);
});

Deno.test("ClientWatch leaves a stream alone when it ends before anybody wants to know", () => {
  const stream = new FakeStream();
  using watch = new ClientWatch(stream);
  assert.equal(watch.end(), stream);
  watch.leaving();
  assert.equal(watch.end(), stream);
});

Deno.test("ClientWatch reads nothing of a body that is not complete", async () => {
  const stream = new FakeStream();
  const body = new RequestBody(stream, 2);
  using watch = new ClientWatch(stream, body);
  const signal = watch.leaving();
  stream.receive(bytes("ab"));
  await settled();
  assert.equal(await new Response(body.stream).text(), "ab");
  stream.end();
  await settled();
  assert.equal(signal.aborted, true);
});
