import assert from "node:assert/strict";
import type { FarEnd } from "../../../tests/support/far_end.ts";
import {
  cancelled,
  failure,
  notification,
  progress,
  request,
  result,
} from "../../../tests/support/messages.ts";
import { modern, modernServerRig, ofStream, REQUEST_META } from "../../../tests/support/modern_server_rig.ts";
import { memoryChannels } from "../../core/channel.ts";
import { BackendError, DisconnectedError } from "../../core/errors.ts";
import { isRequest, type JsonRpcRequest } from "../../core/message/jsonrpc.ts";
import { MetaKey } from "../../core/mcp/request_meta.ts";
import { Queue } from "../../base/queue.ts";

const LOGS = { [MetaKey.logLevel]: "info" };

async function asked(server: FarEnd): Promise<JsonRpcRequest> {
  const message = await server.hear();
  assert(isRequest(message), JSON.stringify(message));
  return message;
}

/** The next message of a client, and which of its requests it belongs to. */
async function heard(client: FarEnd) {
  const { message, relatesTo } = await client.next();
  return { message, relatesTo };
}

function cancelledAt(requestId: unknown, reason?: string) {
  return notification("notifications/cancelled", {
    requestId,
    ...(reason && { reason }),
    _meta: REQUEST_META,
  });
}

// --- requests and their answers ---

Deno.test("ModernServer gives each of 20 clients its own answer when all use id 1, and says to which request it belongs", async () => {
  const { server, join } = modernServerRig();
  const clients = Array.from({ length: 20 }, join);
  for (const [index, client] of clients.entries()) client.say(modern(1, "tools/call", { index }));
  const requests = await Promise.all(clients.map(() => asked(server)));
  assert.equal(new Set(requests.map(({ id }) => id)).size, 20);
  for (const { id, params } of requests.reverse()) server.say(result(id, params?._meta));
  for (const [index, client] of clients.entries()) {
    assert.deepEqual(await heard(client), {
      message: result(1, { ...REQUEST_META, index }),
      relatesTo: 1,
    });
  }
});

Deno.test("ModernServer restores ids of every type, in results and in errors", async () => {
  const { server, join } = modernServerRig();
  const client = join();
  for (const id of [0, 1, "1", "", "a:b", -7, 12345678901234567890n]) {
    client.say(modern(id));
    server.say(result((await asked(server)).id, { to: `${id}` }));
    assert.deepEqual(await heard(client), { message: result(id, { to: `${id}` }), relatesTo: id });
    client.say(modern(id));
    server.say(failure((await asked(server)).id));
    assert.deepEqual(await client.hear(), failure(id));
  }
});

Deno.test("ModernServer drops what answers nothing that is open, and gives no request two answers", async () => {
  const { server, join, drops } = modernServerRig();
  const client = join();
  client.say(modern(1));
  const { id } = await asked(server);
  server.say(result(id, "first"), result(id, "second"), result("1"), result(1_000));
  assert.deepEqual(await client.hear(), result(1, "first"));
  await server.leave();
  assert.deepEqual((await client.rest()).messages, []);
  assert.equal(drops().filter((reason) => reason === "it answers no open request").length, 3);
});

Deno.test("ModernServer refuses a request whose id its client still uses", async () => {
  const { server, join } = modernServerRig();
  const client = join();
  client.say(modern(1), modern(1), modern("1"));
  const text = "Invalid Request: a request with id 1 is still open";
  assert.deepEqual(await heard(client), { message: failure(1, text, -32600), relatesTo: 1 });
  assert.deepEqual([(await asked(server)).id, (await asked(server)).id], [1, 2]);
});

// --- what may not reach a server of both eras ---

Deno.test("ModernServer refuses what would have a server of both eras speak the other one", async () => {
  const { server, join } = modernServerRig();
  const client = join();
  const meta = (value: unknown) =>
    request(1, "tools/call", { _meta: { ...REQUEST_META, [MetaKey.revision]: value } });
  const refused = async (message: JsonRpcRequest, text: string, code: number) => {
    client.say(message);
    assert.deepEqual(await heard(client), { message: failure(1, text, code), relatesTo: 1 });
  };
  await refused(request(1), 'Invalid params: "_meta" in "params._meta" is missing', -32602);
  const key = '"io.modelcontextprotocol/protocolVersion" in "params._meta"';
  await refused(meta(undefined), `Invalid params: ${key} is missing`, -32602);
  await refused(meta(1), `Invalid params: ${key} is not a string`, -32602);
  for (const method of ["initialize", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"]) {
    await refused(modern(1, method), `"${method}" is not there since 2026-07-28`, -32601);
  }
  const odd = '"notifications/x" is a notification, and has no id';
  await refused(modern(1, "notifications/x"), odd, -32601);
  client.say(meta("2025-11-25"));
  const data = { supported: ["2026-07-28"], requested: "2025-11-25" };
  const error = { code: -32022, message: 'Unsupported protocol version: "2025-11-25"', data };
  assert.deepEqual(await client.hear(), { jsonrpc: "2.0", id: 1, error });
  client.say(modern(2));
  assert.equal((await asked(server)).method, "tools/call");
});

Deno.test("ModernServer passes on what extensions notify of, as a part of this era, and drops what is none of it", async () => {
  const { server, join, drops } = modernServerRig();
  const client = join();
  client.say(
    ...[
      "notifications/initialized",
      "notifications/progress",
      "notifications/roots/list_changed",
      "tools/call",
    ]
      .map((method) => notification(method)),
    notification("notifications/x", {
      a: 1,
      _meta: { "b/c": 2, progressToken: 3, [MetaKey.subscription]: 4 },
    }),
    notification("notifications/y", { _meta: { ...REQUEST_META, [MetaKey.capabilities]: { roots: {} } } }),
  );
  const known = { a: 1, _meta: { "b/c": 2, ...REQUEST_META } };
  assert.deepEqual(await server.hear(), notification("notifications/x", known));
  const own = { _meta: { ...REQUEST_META, [MetaKey.capabilities]: { roots: {} } } };
  assert.deepEqual(await server.hear(), notification("notifications/y", own));
  assert.deepEqual(drops(), [
    '"notifications/initialized" is not there since 2026-07-28',
    '"notifications/progress" is not there since 2026-07-28',
    '"notifications/roots/list_changed" is not there since 2026-07-28',
    '"tools/call" has no id',
    "a part of it, with a key that the server may take for another",
  ]);
});

Deno.test("ModernServer drops what clients answer, since no server asks in this era", async () => {
  const { server, join, drops } = modernServerRig();
  const client = join();
  client.say(result(1), failure(2), modern(3));
  assert.equal((await asked(server)).id, 1);
  const reason = "it answers, and a modern server has asked nothing";
  assert.deepEqual(drops(), [reason, reason]);
});

Deno.test("ModernServer answers what a server asks, and tells no client of it", async () => {
  const { server, join, drops } = modernServerRig();
  const client = join();
  client.say(modern(1));
  const { id } = await asked(server);
  server.say(request("q", "roots/list"));
  const text = '"roots/list" cannot be asked: what a request needs is told in its answer since 2026-07-28';
  assert.deepEqual(await server.hear(), failure("q", text, -32601));
  server.say(result(id));
  assert.deepEqual(await client.hear(), result(1));
  assert.deepEqual(drops(), ["it asks for roots/list, and servers ask nothing since 2026-07-28"]);
});

// --- taking back ---

Deno.test("ModernServer cancels the client's own request under the server's id, and nobody else's", async () => {
  const { server, join, drops } = modernServerRig();
  const [one, other] = [join(), join()];
  one.say(modern(2));
  other.say(modern(1), modern(2));
  const [, , third] = [await asked(server), await asked(server), await asked(server)];
  other.say(cancelled("2"), cancelled(2), cancelled(2), modern("next"));
  assert.deepEqual(await server.hear(), cancelledAt(third.id));
  const next = await asked(server);
  server.say(result(third.id, "late"), result(next.id, "right"));
  assert.deepEqual(await other.hear(), result("next", "right"));
  const notOpen = "it cancels a request that is not open";
  assert.deepEqual(drops(), [notOpen, notOpen, "it answers no open request"]);
});

Deno.test("ModernServer cancels the open requests of a client that leaves, and only those", async () => {
  const { shared, server, join } = modernServerRig();
  const [leaving, staying] = [join(), join()];
  leaving.say(modern(1), modern(2, "subscriptions/listen"));
  staying.say(modern(1));
  const [a, b, kept] = [await asked(server), await asked(server), await asked(server)];
  await leaving.leave();
  await leaving.leave();
  for (const { id } of [a, b]) assert.deepEqual(await server.hear(), cancelledAt(id, "The client is gone"));
  server.say(result(a.id), ofStream(b.id), result(kept.id));
  assert.deepEqual(await staying.hear(), result(1));
  assert.deepEqual(await leaving.rest(), { messages: [], error: undefined });
  assert.equal(shared.idleMs, undefined);
  await staying.leave();
  assert(shared.idleMs !== undefined);
});

// --- what belongs to a request ---

Deno.test("ModernServer brings progress to the owner of its token, under that one's own", async () => {
  const { server, join, drops } = modernServerRig();
  const [one, other] = [join(), join()];
  one.say(modern("a", "tools/call", { progressToken: 1 }), modern("b"));
  other.say(modern("a", "tools/call", { progressToken: "1" }));
  const [a, b, c] = [await asked(server), await asked(server), await asked(server)];
  assert.deepEqual([a, b, c].map(({ params }) => params?._meta), [
    { ...REQUEST_META, progressToken: a.id },
    REQUEST_META,
    { ...REQUEST_META, progressToken: c.id },
  ]);
  server.say(progress(Number(b.id)), progress("1"), progress(Number(c.id)), progress(Number(a.id)));
  assert.deepEqual(await heard(one), { message: progress(1), relatesTo: "a" });
  assert.deepEqual(await heard(other), { message: progress("1"), relatesTo: "a" });
  server.say(result(a.id), progress(Number(a.id)), result(b.id));
  assert.deepEqual([await one.hear(), await one.hear()], [result("a"), result("b")]);
  assert.equal(drops().filter((reason) => reason === "progress of a request that is not open").length, 3);
});

Deno.test("ModernServer brings what a remote says on the stream of a request to that one's client alone", async () => {
  const { server, join, drops } = modernServerRig();
  const [one, other] = [join(), join()];
  one.say(modern(1, "tools/call", LOGS));
  other.say(modern(1, "tools/call", LOGS), modern(2));
  const [, second, third] = [await asked(server), await asked(server), await asked(server)];
  server.sayFor(second.id, notification("notifications/message", { data: 1 }));
  server.sayFor(second.id, notification("notifications/x"));
  server.sayFor(third.id, notification("notifications/message", { data: 2 }));
  server.sayFor(1_000, notification("notifications/x"));
  server.say(result(third.id));
  assert.deepEqual(await heard(other), {
    message: notification("notifications/message", { data: 1 }),
    relatesTo: 1,
  });
  assert.deepEqual(await heard(other), { message: notification("notifications/x"), relatesTo: 1 });
  assert.deepEqual(await other.hear(), result(2));
  assert.deepEqual(drops(), [
    "it logs for a request that asks for no log",
    "nobody can be named as the receiver of notifications/x",
  ]);
  await server.leave();
  assert.deepEqual((await one.rest()).messages, []);
});

Deno.test("ModernServer brings a log to the only request that asks for one, and to none where there are several", async () => {
  const { server, join, drops } = modernServerRig();
  const [one, other] = [join(), join()];
  one.say(modern(1), modern(2, "tools/call", LOGS), modern(3, "subscriptions/listen", LOGS));
  other.say(modern(1));
  await Promise.all([asked(server), asked(server), asked(server), asked(server)]);
  server.say(notification("notifications/message", { data: "sole" }));
  assert.deepEqual(await heard(one), {
    message: notification("notifications/message", { data: "sole" }),
    relatesTo: 2,
  });
  other.say(modern(2, "tools/call", LOGS));
  const { id } = await asked(server);
  server.say(notification("notifications/message", { data: "whose?" }), result(id));
  assert.deepEqual(await other.hear(), result(2));
  server.say(notification("notifications/message", { data: "sole again" }));
  assert.deepEqual(await one.hear(), notification("notifications/message", { data: "sole again" }));
  assert.deepEqual(drops(), ["it logs, and for which request cannot be told"]);
});

Deno.test("ModernServer gives no client what a server may have logged for a request that was taken back", async () => {
  for (const leaves of [false, true]) {
    const { server, join, drops } = modernServerRig();
    const [one, other] = [join(), join()];
    one.say(modern(1, "tools/call", LOGS));
    other.say(modern(1, "tools/call", LOGS), modern(2));
    const [, second, third] = [await asked(server), await asked(server), await asked(server)];
    if (leaves) await one.leave();
    else one.say(cancelled(1));
    await server.hear();
    // The server need not have read it when it said this.
    server.say(notification("notifications/message", { data: "for one" }), result(third.id));
    assert.deepEqual(await other.hear(), result(2));
    server.say(notification("notifications/message", { data: "for one" }));
    other.say(modern(3));
    server.say(result((await asked(server)).id));
    assert.deepEqual(await other.hear(), result(3));
    server.say(notification("notifications/message", { data: "for other" }), result(second.id));
    assert.deepEqual(await other.hear(), notification("notifications/message", { data: "for other" }));
    const reason = "it logs, and for which request cannot be told";
    assert.deepEqual(drops(), [reason, reason]);
  }
});

Deno.test("ModernServer gives to nobody what names no request, and a log where nobody asks for one", async () => {
  const { server, join, drops } = modernServerRig();
  const client = join();
  client.say(modern(1));
  const { id } = await asked(server);
  server.say(notification("notifications/tools/list_changed"), notification(), result(id));
  assert.deepEqual(await client.hear(), result(1));
  assert.deepEqual(drops(), [
    "nobody can be named as the receiver of notifications/tools/list_changed",
    "it logs, and for which request cannot be told",
  ]);
});

// --- its end ---

Deno.test("ModernServer ends every client when the server dies, each with the reason", async () => {
  const [, serverEnd] = memoryChannels();
  const incoming = new Queue<never>();
  const { shared, join } = modernServerRig({ server: serverEnd, incoming });
  const clients = [join(), join()];
  clients[0]?.say(modern(1), modern(2, "subscriptions/listen"));
  const reason = new BackendError("The MCP server exited with code 1");
  incoming.fail(reason);
  assert.equal(await shared.ended, reason);
  for (const client of clients) {
    assert.deepEqual(await client.rest(), { messages: [], error: reason });
    assert.throws(() => client.say(modern(3)), DisconnectedError);
    await client.leave();
  }
  assert.throws(() => shared.join(), DisconnectedError);
});
