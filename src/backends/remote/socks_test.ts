import assert from "node:assert/strict";
import { FakeStream } from "../../../tests/support/fake_stream.ts";
import { socksTunnel } from "./socks.ts";

const TARGET = { hostname: "host", port: 443 };
const NOBODY = { username: "", password: "" };
const HELLO = [5, 1, 0];
const CONNECT = [5, 1, 0, 3, 4, ...new TextEncoder().encode("host"), 1, 187];
const REACHED = [5, 0, 0, 1, 127, 0, 0, 1, 0, 80];

Deno.test("socksTunnel asks for the target by name, and leaves what follows alone", async () => {
  const answers = [
    REACHED,
    [5, 0, 0, 4, ...new Uint8Array(16), 0, 80],
    [5, 0, 0, 3, 2, 97, 98, 0, 80],
  ];
  for (const answer of answers) {
    const stream = new FakeStream();
    stream.receive(Uint8Array.from([5, 0, ...answer, 42]));
    await socksTunnel(stream, NOBODY, TARGET);
    assert.deepEqual(stream.written.map((bytes) => [...bytes]), [HELLO, CONNECT]);
    const rest = new Uint8Array(9);
    assert.deepEqual([await stream.read(rest), rest[0]], [1, 42]);
  }
});

Deno.test("socksTunnel gives its credentials", async () => {
  const stream = new FakeStream();
  stream.receive(Uint8Array.from([5, 2, 1, 0, ...REACHED]));
  await socksTunnel(stream, { username: "me", password: "pw" }, TARGET);
  assert.deepEqual(stream.written.map((bytes) => [...bytes]), [
    [5, 1, 2],
    [1, 2, 109, 101, 2, 112, 119],
    CONNECT,
  ]);
});

Deno.test("socksTunnel says why it does not lead to the target", async () => {
  const cases: [number[], RegExp][] = [
    [[5, 0xff], /another way of authentication/],
    [[5, 0, 5, 5, 0, 1], /cannot reach it: connection refused/],
    [[5, 0, 5, 9, 0, 1], /cannot reach it: reply 9/],
    [[5], /the proxy hung up/],
  ];
  for (const [answer, reason] of cases) {
    const stream = new FakeStream();
    stream.receive(Uint8Array.from(answer));
    stream.end();
    await assert.rejects(socksTunnel(stream, NOBODY, TARGET), reason);
  }
  const refused = new FakeStream();
  refused.receive(Uint8Array.of(5, 2, 1, 1));
  const me = { username: "me", password: "wrong" };
  await assert.rejects(socksTunnel(refused, me, TARGET), /does not take the credentials/);
  const long = new FakeStream();
  long.receive(Uint8Array.of(5, 2, 1, 0, ...REACHED));
  const password = "x".repeat(256);
  await assert.rejects(socksTunnel(long, { username: "me", password }, TARGET), /credentials are too long/);
  assert(long.written.every((bytes) => bytes.length < password.length));
});
