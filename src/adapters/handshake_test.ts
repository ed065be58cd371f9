import assert from "node:assert/strict";
import { memoryChannels } from "../core/channel.ts";
import { BackendError, TimeoutError } from "../core/errors.ts";
import { isRequest, type JsonRpcMessage, type RequestId } from "../core/message/jsonrpc.ts";
import { handshake, type HandshakeOptions } from "./handshake.ts";
import { FarEnd, settled } from "../../tests/support/far_end.ts";
import { failure, notification, request, result } from "../../tests/support/messages.ts";
import { pulled } from "../../tests/support/pulled.ts";

const clientInfo = { name: "keystone", version: "1.0.0" };

function shake(options: Partial<HandshakeOptions> = {}) {
  const [server, serverEnd] = memoryChannels();
  const done = handshake(serverEnd, {
    protocolVersion: "2025-11-25",
    clientInfo,
    timeoutMs: 60_000,
    ...options,
  });
  return { server: new FarEnd(server), done };
}

async function askedId(server: FarEnd): Promise<RequestId> {
  const message = await server.hear();
  assert(isRequest(message));
  return message.id;
}

Deno.test("handshake offers the revision and no capabilities, then says initialized", async () => {
  const { server, done } = shake();
  const message = await server.hear();
  assert(isRequest(message));
  const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo };
  assert.deepEqual(message, request(message.id, "initialize", params));
  server.say(result(message.id, { protocolVersion: "2025-06-18" }));
  assert.deepEqual((await done).result, { protocolVersion: "2025-06-18" });
  assert.deepEqual(await server.hear(), notification("notifications/initialized"));
});

Deno.test("handshake declares the capabilities that it is given", async () => {
  const capabilities = { sampling: {}, roots: { listChanged: true } };
  const { server } = shake({ capabilities });
  const message = await server.hear();
  assert(isRequest(message));
  assert.deepEqual(message.params?.capabilities, capabilities);
  server.say(result(message.id));
  await server.hear();
});

Deno.test("handshake waits for its own answer, whatever comes before, and leaves what comes after", async () => {
  const { server, done } = shake();
  const id = await askedId(server);
  server.say(notification("log"), result("another"), request(id, "ping"), result(id, { ok: true }));
  server.say(notification("after"), notification("later"));
  const { result: initialized, incoming } = await done;
  assert.deepEqual(initialized, { ok: true });
  await server.close();
  const rest = await Array.fromAsync(pulled(incoming), ({ message }) => message);
  assert.deepEqual(rest, [notification("after"), notification("later")]);
});

Deno.test("handshake has an integer as its id", async () => {
  const { server, done } = shake();
  const id = await askedId(server);
  assert(Number.isInteger(id), `${id}`);
  server.say(result(id));
  await done;
});

Deno.test("handshake answers what the server asks before it answers, at once", async () => {
  const { server, done } = shake();
  const id = await askedId(server);
  server.say(request("a", "ping"));
  assert.deepEqual(await server.hear(), result("a", {}));
  server.say(request(id, "sampling/createMessage"));
  const why = '"sampling/createMessage" cannot be asked before initialize is answered';
  assert.deepEqual(await server.hear(), failure(id, why, -32601));
  server.say(result(id));
  await done;
});

Deno.test("handshake takes an answer whose id has become a text, and an error that names none", async () => {
  const retyping = shake();
  retyping.server.say(result(`${await askedId(retyping.server)}`, { ok: true }));
  assert.deepEqual((await retyping.done).result, { ok: true });
  const nameless = shake();
  await askedId(nameless.server);
  nameless.server.say(failure(null, "no such version"));
  await assert.rejects(nameless.done, /refused initialize: no such version/);
});

Deno.test("handshake throws BackendError with the reason when the server refuses or answers nonsense", async () => {
  const answers: [answer: (id: RequestId) => JsonRpcMessage, reason: RegExp][] = [
    [(id) => failure(id, "no such version"), /refused initialize: no such version/],
    [(id) => result(id, null), /not an object/],
    [(id) => result(id, "yes"), /not an object/],
  ];
  for (const [answer, reason] of answers) {
    const { server, done } = shake();
    server.say(answer(await askedId(server)));
    await assert.rejects(done, (error) => error instanceof BackendError && reason.test(error.message));
    await server.close();
  }
});

Deno.test("handshake throws when the server closes or breaks off before it answers", async () => {
  const closing = shake();
  await closing.server.close();
  await assert.rejects(closing.done, /closed the connection during initialize/);
  const breaking = shake();
  await breaking.server.leave();
  await assert.rejects(breaking.done, /The other end is gone/);
});

Deno.test("handshake throws TimeoutError when the server keeps silent", async () => {
  const { server, done } = shake({ timeoutMs: 10 });
  await assert.rejects(done, (error) => {
    assert(error instanceof TimeoutError);
    assert.match(error.message, /within 10ms \(--startTimeout\)/);
    return true;
  });
  // Its end comes too late to be anybody's, and must not be an unhandled rejection.
  await server.leave();
  await settled();
});

Deno.test("handshake leaves no timer behind", async () => {
  const { server, done } = shake();
  server.say(result(await askedId(server)));
  await done;
});

Deno.test("handshake says so when the server answers with a revision that cannot be served", async () => {
  for (const protocolVersion of ["2099-01-01", "2026-07-28", 7, null]) {
    const { server, done } = shake();
    const id = await askedId(server);
    server.say(result(id, { protocolVersion }));
    await assert.rejects(done, /answered initialize with protocol version .*, which is not served here/);
  }
});
