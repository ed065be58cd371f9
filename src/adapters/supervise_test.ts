import assert from "node:assert/strict";
import { DisconnectedError } from "../core/errors.ts";
import { settled } from "../../tests/support/far_end.ts";
import { FakeBackend } from "../../tests/support/fake_backend.ts";
import { cancelled, failure, notification, request, result } from "../../tests/support/messages.ts";
import {
  askedDuringReplay,
  established,
  INITIALIZE,
  INITIALIZED,
  replayed,
  superviseRig,
} from "../../tests/support/supervise_rig.ts";

const LOST = "The other end is gone: the answer is lost, and the request was not sent again";

Deno.test("supervise opens the server with the first message, and passes everything both ways", async () => {
  await using rig = await superviseRig();
  await settled();
  assert.equal(rig.backend.attempts, 0);
  const server = await established(rig);
  rig.client.say(request(1, "tools/list"));
  assert.deepEqual(await server.hear(), request(1, "tools/list"));
  server.say(notification("notifications/message"), result(1));
  assert.deepEqual(await rig.client.hear(), notification("notifications/message"));
  assert.deepEqual(await rig.client.hear(), result(1));
  server.say(request(1, "ping"));
  assert.deepEqual(await rig.client.hear(), request(1, "ping"));
  rig.client.say(result(1));
  assert.deepEqual(await server.hear(), result(1));
});

Deno.test("supervise plays handshake, log level and subscriptions again after a break, and nobody sees it", async () => {
  await using rig = await superviseRig();
  const first = await established(rig);
  rig.client.say(
    request(1, "logging/setLevel", { level: "debug" }),
    request(2, "resources/subscribe", { uri: "a" }),
    request(3, "resources/subscribe", { uri: "b" }),
    request(4, "resources/unsubscribe", { uri: "a" }),
  );
  for (const id of [1, 2, 3, 4]) {
    await first.hear();
    first.say(result(id));
    await rig.client.hear();
  }
  await first.leave();

  const second = await rig.backend.next();
  const heard = await second.hear();
  assert("id" in heard && "method" in heard);
  assert.deepEqual(heard, { ...INITIALIZE, id: heard.id });
  second.say(result(heard.id ?? ""));
  assert.deepEqual(await second.hear(), INITIALIZED);
  await second.accept("logging/setLevel");
  const subscription = await second.hear();
  assert("method" in subscription && "id" in subscription && subscription.id !== undefined);
  assert.deepEqual([subscription.method, subscription.params], ["resources/subscribe", { uri: "b" }]);
  second.say(failure(subscription.id, "no such resource any more"));
  rig.client.say(request(5, "tools/list"));
  assert.deepEqual(await second.hear(), request(5, "tools/list"));
  second.say(result(5));
  assert.deepEqual(await rig.client.hear(), result(5));
});

Deno.test("supervise passes on what a server says while the handshake is played again, and its answer back", async () => {
  await using rig = await superviseRig();
  const server = await askedDuringReplay(rig);
  rig.client.say(result("roots"));
  const [level, answer] = [await server.hear(), await server.hear()];
  assert("method" in level && level.method === "logging/setLevel");
  assert.deepEqual(answer, result("roots"));
});

Deno.test("supervise answers by itself what a server asks before it has answered the handshake that is played again", async () => {
  await using rig = await superviseRig();
  await (await established(rig)).leave();
  const server = await rig.backend.next();
  server.say(request("p", "ping"), request("r", "roots/list"));
  const [initialize, pong, refusal] = [await server.hear(), await server.hear(), await server.hear()];
  assert("method" in initialize && initialize.method === "initialize");
  assert.deepEqual(pong, result("p", {}));
  assert("error" in refusal && refusal.id === "r" && refusal.error.code === -32601);
});

Deno.test("supervise passes an answer on under the id that its client gave, and none that may be for another", async () => {
  await using rig = await superviseRig();
  const server = await established(rig);
  rig.client.say(request(1), request("2"));
  server.say(result("1"), result(2));
  assert.deepEqual([await rig.client.hear(), await rig.client.hear()], [result(1), result("2")]);
  rig.client.say(request(3));
  await settled();
  server.say(failure(null, "for the only one"));
  assert.deepEqual(await rig.client.hear(), failure(3, "for the only one"));
  rig.client.say(request(4), request(5));
  await settled();
  server.say(failure(null, "for whom?"));
  assert.deepEqual(await rig.client.hear(), failure(null, "for whom?"));
});

Deno.test("supervise answers what was in the hands of a broken server once, and does not send it again", async () => {
  await using rig = await superviseRig();
  const first = await established(rig);
  rig.client.say(request(1), request("1"));
  await first.hear();
  await first.hear();
  await first.leave();
  const answers = [await rig.client.hear(), await rig.client.hear()];
  assert.deepEqual(answers, [1, "1"].map((id) => failure(id, LOST, -32603)));
  const second = await replayed(rig.backend);
  rig.client.say(request(2));
  assert.deepEqual(await second.hear(), request(2));
  second.say(result(1), result(2));
  // The late answer is the session's to drop; none of ours follows it.
  assert.deepEqual(await rig.client.hear(), result(1));
  assert.deepEqual(await rig.client.hear(), result(2));
  await rig.client.leave();
  assert.deepEqual((await rig.client.rest()).messages, []);
});

Deno.test("supervise takes back what a broken server asked, and keeps the late answer from the next one", async () => {
  await using rig = await superviseRig();
  const first = await established(rig);
  first.say(request(7, "roots/list"), request(8, "ping"), cancelled(8));
  for (const _ of "123") await rig.client.hear();
  await first.leave();
  const { reason, ...params } = { requestId: 7, reason: "The MCP server was restarted" };
  assert.deepEqual(await rig.client.hear(), notification("notifications/cancelled", { ...params, reason }));
  const second = await replayed(rig.backend);
  rig.client.say(result(7), request(1));
  assert.deepEqual(await second.hear(), request(1));
  // 8 was the server's own to take back, so the next thing is the answer.
  second.say(result(1));
  assert.deepEqual(await rig.client.hear(), result(1));
});

Deno.test("supervise forgets a cancelled request: neither a break nor an undelivered answer brings it back", async () => {
  await using rig = await superviseRig();
  const first = await established(rig);
  rig.client.say(request(1), cancelled(1));
  await first.hear();
  assert.deepEqual(await first.hear(), cancelled(1));
  await first.leave();
  const second = await replayed(rig.backend);
  rig.client.say(request(2));
  await second.hear();
  second.say(result(2));
  assert.deepEqual(await rig.client.hear(), result(2));
});

Deno.test("supervise never sends a request that was cancelled while it waited for the connection", async () => {
  const opening = Promise.withResolvers<void>();
  await using rig = await superviseRig({ backend: new FakeBackend(() => opening.promise) });
  rig.client.say(INITIALIZE, request(1), cancelled(1), request(2));
  opening.resolve();
  const server = await rig.backend.next();
  assert.deepEqual(await server.hear(), INITIALIZE);
  assert.deepEqual(await server.hear(), request(2));
});

Deno.test("supervise passes a refused second initialize on, and keeps the first for the next server", async () => {
  await using rig = await superviseRig();
  const first = await established(rig);
  rig.client.say(request("again", "initialize", { protocolVersion: "other" }));
  await first.hear();
  first.say(failure("again", "already initialized"));
  assert.deepEqual(await rig.client.hear(), failure("again", "already initialized"));
  await first.leave();
  const second = await rig.backend.next();
  const heard = await second.hear();
  assert("method" in heard);
  assert.deepEqual(heard.params, INITIALIZE.params);
});

Deno.test("supervise plays an accepted second initialize to the next server, without what came before it", async () => {
  await using rig = await superviseRig();
  const first = await established(rig);
  rig.client.say(request(1, "logging/setLevel", { level: "debug" }));
  await first.accept("logging/setLevel");
  await rig.client.hear();
  rig.client.say(request("again", "initialize", { protocolVersion: "other" }));
  await first.accept("initialize");
  await rig.client.hear();
  await first.leave();
  const second = await rig.backend.next();
  await second.accept("initialize");
  rig.client.say(request(2));
  assert.deepEqual(await second.hear(), request(2));
});

Deno.test("supervise says nothing after its dispose, refuses to send, and frees the server", async () => {
  const rig = await superviseRig();
  const server = await established(rig);
  rig.client.say(request(1));
  await server.hear();
  await rig[Symbol.asyncDispose]();
  assert.equal(server.disposed, true);
  assert.deepEqual(await rig.client.rest(), { messages: [], error: undefined });
  assert.throws(() => rig.channel.send({ message: request(2) }), DisconnectedError);
  assert.equal(rig.backend.attempts, 1);
});

Deno.test("supervise does not open a server again that ends after the client's close", async () => {
  await using rig = await superviseRig();
  const server = await established(rig);
  await rig.channel.close();
  assert.throws(() => rig.channel.send({ message: request(1) }), DisconnectedError);
  await server.close();
  assert.deepEqual(await rig.client.rest(), { messages: [], error: undefined });
  await settled();
  assert.equal(rig.backend.attempts, 1);
});

Deno.test("supervise disposes its backend with itself", async () => {
  const backend = new FakeBackend();
  const rig = await superviseRig({ backend });
  await rig[Symbol.asyncDispose]();
  await assert.rejects(backend.next(), /No server is opened any more/);
});

Deno.test("supervise introduces the server that was opened again where several speak through one channel", async () => {
  for (const shared of [true, false]) {
    await using rig = await superviseRig({ shared });
    await (await established(rig)).leave();
    const second = await replayed(rig.backend);
    second.say(notification("x"));
    const introduced = shared ? await rig.client.next() : undefined;
    assert.equal(introduced?.introduces, shared || undefined);
    assert(!introduced || "result" in introduced.message);
    assert.deepEqual(await rig.client.hear(), notification("x"));
  }
});
