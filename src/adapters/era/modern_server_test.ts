import assert from "node:assert/strict";
import { FarEnd } from "../../../tests/support/far_end.ts";
import { failure, notification, request, result } from "../../../tests/support/messages.ts";
import { heard, modern, modernServerRig, REQUEST_META } from "../../../tests/support/modern_server_rig.ts";
import { memoryChannels } from "../../core/channel.ts";
import { BackendError, DisconnectedError } from "../../core/errors.ts";
import type { JsonRpcRequest } from "../../core/message/jsonrpc.ts";
import { MetaKey } from "../../core/mcp/request_meta.ts";
import { Queue } from "../../base/queue.ts";

// --- requests and their answers ---

Deno.test("ModernServer gives each of 20 clients its own answer when all use id 1, and says to which request it belongs", async () => {
  const { server, join } = modernServerRig();
  const clients = Array.from({ length: 20 }, join);
  for (const [index, client] of clients.entries()) client.say(modern(1, "tools/call", { index }));
  const requests = await Promise.all(clients.map(() => server.hearRequest()));
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
    server.say(result((await server.hearRequest()).id, { to: `${id}` }));
    assert.deepEqual(await heard(client), { message: result(id, { to: `${id}` }), relatesTo: id });
    client.say(modern(id));
    server.say(failure((await server.hearRequest()).id));
    assert.deepEqual(await client.hear(), failure(id));
  }
});

Deno.test("ModernServer says of a request that has not reached the server whether it may be sent again", async () => {
  const [far, near] = memoryChannels();
  const { shared } = modernServerRig({ server: near, incoming: near.incoming });
  const client = shared.join();
  await client.send({ message: modern(1) });
  const undelivered = { again: "later", why: "busy" } as const;
  await far.send({ message: failure(1), undelivered });
  const { message, ...more } = await new FarEnd(client).next();
  assert.deepEqual(message, failure(1));
  assert.deepEqual(more, { undelivered, relatesTo: 1 });
});

Deno.test("ModernServer drops what answers nothing that is open, and gives no request two answers", async () => {
  const { server, join, drops } = modernServerRig();
  const client = join();
  client.say(modern(1));
  const { id } = await server.hearRequest();
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
  assert.deepEqual([(await server.hearRequest()).id, (await server.hearRequest()).id], [1, 2]);
});

// --- what may not reach a server of both eras ---

Deno.test("ModernServer refuses what would have a server of both eras speak the other one", async () => {
  const { server, join } = modernServerRig();
  const client = join();
  const meta = (value: unknown) =>
    request(1, "tools/call", { _meta: { ...REQUEST_META, [MetaKey.revision]: value } });
  const refused = async (message: JsonRpcRequest, text: string, code: number, data?: unknown) => {
    client.say(message);
    const error = { code, message: text, ...data !== undefined && { data } };
    assert.deepEqual(await heard(client), { message: { jsonrpc: "2.0", id: 1, error }, relatesTo: 1 });
  };
  const faults = [[undefined, "missing"], [1, "not a string"]] as const;
  const missing = { key: "_meta", problem: "missing" };
  await refused(request(1), "Invalid params: params._meta is missing", -32602, missing);
  for (const [value, problem] of faults) {
    const data = { key: MetaKey.revision, problem };
    await refused(meta(value), `Invalid params: params._meta["${data.key}"] is ${problem}`, -32602, data);
  }
  for (const method of ["initialize", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"]) {
    await refused(modern(1, method), `"${method}" is not there since 2026-07-28`, -32601);
  }
  const odd = '"notifications/x" is a notification, and has no id';
  await refused(modern(1, "notifications/x"), odd, -32601);
  client.say(meta("2025-11-25"));
  const data = { supported: ["2026-07-28"], requested: "2025-11-25" };
  const text = 'Unsupported protocol version: "2025-11-25" (supported versions: 2026-07-28)';
  const error = { code: -32022, message: text, data };
  assert.deepEqual(await client.hear(), { jsonrpc: "2.0", id: 1, error });
  client.say(modern(2));
  assert.equal((await server.hearRequest()).method, "tools/call");
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
  assert.equal((await server.hearRequest()).id, 1);
  const reason = "it answers, and a modern server has asked nothing";
  assert.deepEqual(drops(), [reason, reason]);
});

Deno.test("ModernServer answers what a server asks, and tells no client of it", async () => {
  const { server, join, drops } = modernServerRig();
  const client = join();
  client.say(modern(1));
  const { id } = await server.hearRequest();
  server.say(request("q", "roots/list"));
  const text = '"roots/list" cannot be asked: what a request needs is told in its answer since 2026-07-28';
  assert.deepEqual(await server.hear(), failure("q", text, -32601));
  server.say(result(id));
  assert.deepEqual(await client.hear(), result(1));
  assert.deepEqual(drops(), ["it asks for roots/list, and servers ask nothing since 2026-07-28"]);
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
