import assert from "node:assert/strict";
import { BackendError, BusyError, DisconnectedError } from "../../core/errors.ts";
import { type Envelope, memoryChannels } from "../../core/channel.ts";
import { Queue } from "../../base/queue.ts";
import { settled } from "../../../tests/support/far_end.ts";
import { INITIALIZED, sharedServerRig } from "../../../tests/support/shared_server_rig.ts";
import { assertLinear } from "../../../tests/support/processor_time.ts";
import {
  cancelled,
  failure,
  notification,
  request,
  result,
  tracked,
} from "../../../tests/support/messages.ts";

Deno.test("SharedServer gives each of 20 clients its own answer when all use id 1", async () => {
  const { server, join } = sharedServerRig();
  const clients = Array.from({ length: 20 }, () => join());
  for (const [index, client] of clients.entries()) client.say(request(1, "tools/call", { index }));
  const asked = await Promise.all(clients.map(() => server.hearRequest()));
  assert.equal(new Set(asked.map(({ id }) => id)).size, 20);
  for (const { id, params } of asked.reverse()) server.say(result(id, { index: params?.index }));
  for (const [index, client] of clients.entries()) {
    assert.deepEqual(await client.hear(), result(1, { index }));
  }
});

Deno.test("SharedServer restores ids of every type, in results and in errors", async () => {
  const { server, join } = sharedServerRig();
  const client = join();
  for (const id of [0, 1, "1", "", "a:b", -7, 1.5, Number.MAX_SAFE_INTEGER]) {
    client.say(request(id), request(`${id}-error`));
    server.say(result((await server.hearRequest()).id, { to: id }));
    assert.deepEqual(await client.hear(), result(id, { to: id }));
    server.say(failure((await server.hearRequest()).id));
    assert.deepEqual(await client.hear(), failure(`${id}-error`));
  }
});

Deno.test("SharedServer sends the rest of a request up as it is", async () => {
  const { server, join } = sharedServerRig();
  const params = { name: "x", _meta: { "a/b": 1 } };
  join().say(request(1, "tools/call", params), request(2, "ping"));
  const [call, ping] = [await server.hearRequest(), await server.hearRequest()];
  assert.deepEqual(call, request(call.id, "tools/call", params));
  assert.deepEqual(ping, request(ping.id, "ping"));
});

Deno.test("SharedServer answers initialize itself, and swallows initialized", async () => {
  const { server, join } = sharedServerRig();
  const client = join();
  client.say(request("i", "initialize", { protocolVersion: "2025-06-18" }));
  assert.deepEqual(await client.hear(), result("i", INITIALIZED));
  client.say(notification("notifications/initialized"), notification("next"));
  assert.deepEqual(await server.hear(), notification("next"));
});

Deno.test("SharedServer tells a client its own revision where server and gateway speak it", async () => {
  const cases: [asked: unknown, told: string][] = [
    ["2025-03-26", "2025-03-26"],
    ["2025-06-18", "2025-06-18"],
    ["2025-11-25", "2025-06-18"],
    ["2024-11-05", "2025-06-18"],
    ["9999-99-99", "2025-06-18"],
    [undefined, "2025-06-18"],
    [7, "2025-06-18"],
  ];
  for (const [protocolVersion, told] of cases) {
    const client = sharedServerRig().join();
    client.say(request(1, "initialize", { protocolVersion }));
    assert.deepEqual(await client.hear(), result(1, { ...INITIALIZED, protocolVersion: told }));
  }
});

Deno.test("SharedServer cancels the client's own request under the server's id, and nobody else's", async () => {
  const { server, join, drops } = sharedServerRig();
  const [one, other] = [join(), join()];
  one.say(request(2));
  other.say(request(1), request(2));
  const [, , third] = [await server.hearRequest(), await server.hearRequest(), await server.hearRequest()];
  other.say(cancelled("2"), cancelled(2), notification("next"));
  assert.deepEqual(await server.hear(), cancelled(Number(third.id)));
  assert.equal((await server.hearRequest()).method, "ping");
  assert.deepEqual(await server.hear(), notification("next"));
  assert.deepEqual(drops(), ["it cancels a request that is not open"]);
});

Deno.test("SharedServer drops what the server still answers to a cancelled request", async () => {
  const { server, join, drops } = sharedServerRig();
  const client = join();
  client.say(request(1), cancelled(1), request(1));
  const first = await server.hearRequest();
  await server.hear();
  await server.hearRequest(); // The ping that shows when the cancellation has been read.
  const second = await server.hearRequest();
  server.say(result(first.id, "late"), result(second.id, "right"));
  assert.deepEqual(await client.hear(), result(1, "right"));
  assert.deepEqual(drops(), ["it answers no open request"]);
});

Deno.test("SharedServer cancels the open requests of a client that leaves, and only those", async () => {
  const { server, join, drops } = sharedServerRig();
  const [leaving, staying] = [join(), join()];
  leaving.say(request(1), request(2));
  staying.say(request(1));
  const [a, b, kept] = [await server.hearRequest(), await server.hearRequest(), await server.hearRequest()];
  await leaving.leave();
  await leaving.leave();
  for (const { id } of [a, b]) {
    const params = { requestId: id, reason: "The client is gone" };
    assert.deepEqual(await server.hear(), notification("notifications/cancelled", params));
  }
  server.say(result(a.id), result(kept.id));
  assert.deepEqual(await staying.hear(), result(1));
  assert.deepEqual(await leaving.rest(), { messages: [], error: undefined });
  assert.deepEqual(drops(), ["it answers no open request"]);
});

Deno.test("SharedServer refuses a request whose id its client still uses", async () => {
  const { server, join } = sharedServerRig();
  const client = join();
  client.say(request(1), request(1), request("1"));
  const [first, second] = [await server.hearRequest(), await server.hearRequest()];
  const text = "Invalid Request: a request with id 1 is still open";
  assert.deepEqual(await client.hear(), failure(1, text, -32600));
  server.say(result(second.id, "second"), result(first.id, "first"));
  assert.deepEqual(await client.hear(), result("1", "second"));
  assert.deepEqual(await client.hear(), result(1, "first"));
});

Deno.test("SharedServer lets a client leave at the same cost, however much the others wait for", async () => {
  await assertLinear(2_000, (size) => {
    const { shared, join } = sharedServerRig();
    for (const other of Array.from({ length: size / 200 }, () => join())) {
      for (let id = 0; id < 1_000; id++) other.say(tracked(id, id));
    }
    const leaving = Array.from({ length: size }, () => shared.join("session"));
    return () => {
      for (const client of leaving) void client[Symbol.asyncDispose]();
    };
  });
});

Deno.test("SharedServer takes nothing more from a client that closed, and still answers it", async () => {
  const { server, join } = sharedServerRig();
  const client = join();
  client.say(request(1));
  await client.close();
  assert.throws(() => client.say(request(2)), DisconnectedError);
  server.say(result((await server.hearRequest()).id));
  assert.deepEqual(await client.hear(), result(1));
});

Deno.test("SharedServer ends every client when the server dies, each with the reason", async () => {
  const { shared, server, join } = sharedServerRig();
  const clients = [join(), join()];
  clients[0]?.say(request(1));
  await server.leave();
  await shared.ended;
  for (const client of clients) {
    const { messages, error } = await client.rest();
    assert.deepEqual(messages, []);
    assert(error instanceof DisconnectedError);
    assert.throws(() => client.say(request(2)), DisconnectedError);
    await client.leave();
  }
  assert.throws(() => shared.join("session"), DisconnectedError);
});

Deno.test("SharedServer hands the server's own reason on, tells of one that is none, and survives both", async () => {
  for (const reason of [new BackendError("The MCP server exited with code 1"), new TypeError("secret")]) {
    const [, serverEnd] = memoryChannels();
    const incoming = new Queue<Envelope>();
    const { shared, join, told } = sharedServerRig({ server: serverEnd, incoming });
    const rest = join().rest();
    incoming.fail(reason);
    await shared.ended;
    const { error } = await rest;
    const known = reason instanceof BackendError;
    assert(known ? error === reason : error instanceof DisconnectedError);
    assert.deepEqual(told("fault").map((fault) => fault.error), known ? [] : [reason]);
  }
});

Deno.test("SharedServer lets no slow client hold up the others, and gives it up at the bound", async () => {
  const { server, join } = sharedServerRig({ maxBufferedMessages: 5 });
  const [slow, quick] = [join(), join()];
  for (let id = 0; id < 6; id++) {
    slow.say(request(id));
    server.say(result((await server.hearRequest()).id));
  }
  quick.say(request("q"));
  server.say(result((await server.hearRequest()).id));
  assert.deepEqual(await quick.hear(), result("q"));
  const { messages, error } = await slow.rest();
  assert.deepEqual(messages, [0, 1, 2, 3, 4].map((id) => result(id)));
  assert(error instanceof BusyError);
  assert.match(error.message, /5 messages wait/);
  assert.throws(() => slow.say(request("more")), DisconnectedError);
});

Deno.test("SharedServer holds a client back while the server has no room, but not its leaving", async () => {
  const [, serverEnd] = memoryChannels();
  const send = () => new Promise<void>(() => {});
  const { shared } = sharedServerRig({ server: { ...serverEnd, send } });
  const client = shared.join("session");
  let free = false;
  const room = client.send({ message: request(1) })?.then(() => free = true);
  await settled();
  assert.equal(free, false);
  await client[Symbol.asyncDispose]();
  await room;
});
