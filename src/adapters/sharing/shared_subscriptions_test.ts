import assert from "node:assert/strict";
import { isRequest, type JsonRpcRequest } from "../../core/message/jsonrpc.ts";
import { type FarEnd, settled } from "../../../tests/support/far_end.ts";
import { sharedServerRig } from "../../../tests/support/shared_server_rig.ts";
import { assertLinear } from "../../../tests/support/processor_time.ts";
import { cancelled, failure, notification, request, result } from "../../../tests/support/messages.ts";

const URI = "file:///a";
const subscribe = (id: number | string, uri: unknown = URI) => request(id, "resources/subscribe", { uri });
const unsubscribe = (id: number | string, uri: unknown = URI) =>
  request(id, "resources/unsubscribe", { uri });
const updated = (uri: unknown = URI) => notification("notifications/resources/updated", { uri });
const end = notification("end");

/** The next message at the server, which must be a request of this method for this uri. */
async function arrival(server: FarEnd, method: string, uri = URI): Promise<JsonRpcRequest> {
  const message = await server.hearRequest();
  assert.deepEqual(message, request(message.id, `resources/${method}`, { uri }));
  return message;
}

/** Fails when the server has heard anything else meanwhile. */
async function heardNothing(server: FarEnd, client: FarEnd): Promise<void> {
  client.say(end);
  assert.deepEqual(await server.hear(), end);
}

/** A client that is subscribed. */
async function subscribed({ server, join }: ReturnType<typeof sharedServerRig>, uri = URI): Promise<FarEnd> {
  const client = join();
  client.say(subscribe("s", uri));
  server.say(result((await arrival(server, "subscribe", uri)).id));
  assert.deepEqual(await client.hear(), result("s"));
  return client;
}

Deno.test("SharedSubscriptions asks the server once for a uri, and ends it with the last one who wants it", async () => {
  const rig = sharedServerRig();
  const { server, join } = rig;
  const one = await subscribed(rig);
  const other = join();
  other.say(subscribe("1"));
  assert.deepEqual(await other.hear(), result("1"));
  other.say(unsubscribe("a:b"));
  assert.deepEqual(await other.hear(), result("a:b"));
  await heardNothing(server, one);
  one.say(unsubscribe(2));
  server.say(result((await arrival(server, "unsubscribe")).id, { by: "the server" }));
  assert.deepEqual(await one.hear(), result(2, { by: "the server" }));
  one.say(subscribe(3));
  server.say(result((await arrival(server, "subscribe")).id));
  assert.deepEqual(await one.hear(), result(3));
});

Deno.test("SharedSubscriptions counts a client once, however often it subscribes", async () => {
  const rig = sharedServerRig();
  const one = await subscribed(rig);
  one.say(subscribe(1));
  assert.deepEqual(await one.hear(), result(1));
  one.say(unsubscribe(2));
  rig.server.say(result((await arrival(rig.server, "unsubscribe")).id));
  assert.deepEqual(await one.hear(), result(2));
});

Deno.test("SharedSubscriptions lets everybody wait for the answer to the first subscribe", async () => {
  const { server, join } = sharedServerRig();
  const clients = [join(), join(), join()];
  for (const [index, client] of clients.entries()) client.say(subscribe(`${index}`), subscribe(index));
  const { id } = await arrival(server, "subscribe");
  await heardNothing(server, join());
  server.say(result(id, { _meta: 1 }), updated());
  for (const [index, client] of clients.entries()) {
    assert.deepEqual(await client.hear(), result(`${index}`, { _meta: 1 }));
    assert.deepEqual(await client.hear(), result(index, { _meta: 1 }));
    assert.deepEqual(await client.hear(), updated());
  }
});

Deno.test("SharedSubscriptions gives everybody the server's error, and nobody is subscribed then", async () => {
  const { server, join, drops } = sharedServerRig();
  const [one, other] = [join(), join()];
  one.say(subscribe(1));
  other.say(subscribe("1"));
  server.say(failure((await arrival(server, "subscribe")).id, "no such resource", -32002), updated());
  assert.deepEqual(await one.hear(), failure(1, "no such resource", -32002));
  assert.deepEqual(await other.hear(), failure("1", "no such resource", -32002));
  one.say(unsubscribe(2));
  assert.deepEqual(await one.hear(), result(2));
  await heardNothing(server, one);
  assert.equal(drops().length, 1);
  other.say(subscribe(3));
  await arrival(server, "subscribe");
});

Deno.test("SharedSubscriptions goes on for the others when the first one leaves, cancels or unsubscribes before the answer", async () => {
  const ways: Record<string, (first: FarEnd) => unknown> = {
    leaves: (first) => first.leave(),
    cancels: (first) => first.say(cancelled(1)),
    unsubscribes: (first) => first.say(unsubscribe(2)),
  };
  for (const [how, go] of Object.entries(ways)) {
    const { server, join } = sharedServerRig();
    const [first, second] = [join(), join()];
    first.say(subscribe(1));
    second.say(subscribe(1));
    const { id } = await arrival(server, "subscribe");
    await go(first);
    server.say(result(id), updated());
    assert.deepEqual(await second.hear(), result(1), how);
    assert.deepEqual(await second.hear(), updated(), how);
    await heardNothing(server, second);
    await first.leave();
    const expected = how === "unsubscribes" ? [result(2), result(1)] : [];
    assert.deepEqual((await first.rest()).messages, expected, how);
  }
});

Deno.test("SharedSubscriptions ends at the server what nobody wants any more when it succeeds", async () => {
  for (const how of ["leaves", "cancels", "unsubscribes"]) {
    const { server, join } = sharedServerRig();
    const client = join();
    client.say(subscribe(1));
    const { id } = await arrival(server, "subscribe");
    if (how === "leaves") await client.leave();
    else client.say(how === "cancels" ? cancelled(1) : unsubscribe(2));
    server.say(result(id));
    await arrival(server, "unsubscribe");
    join().say(subscribe(1));
    await arrival(server, "subscribe");
  }
});

Deno.test("SharedSubscriptions keeps a client that cancels one of two requests for the same uri", async () => {
  const { server, join } = sharedServerRig();
  const client = join();
  client.say(subscribe(1), subscribe(2), cancelled(1));
  server.say(result((await arrival(server, "subscribe")).id), updated());
  assert.deepEqual(await client.hear(), result(2));
  assert.deepEqual(await client.hear(), updated());
});

Deno.test("SharedSubscriptions keeps one who unsubscribes and subscribes again before the answer", async () => {
  const { server, join } = sharedServerRig();
  const client = join();
  client.say(subscribe(1), unsubscribe(2), subscribe(3));
  server.say(result((await arrival(server, "subscribe")).id), updated());
  assert.deepEqual(await client.hear(), result(2));
  assert.deepEqual(await client.hear(), result(1));
  assert.deepEqual(await client.hear(), result(3));
  assert.deepEqual(await client.hear(), updated());
});

Deno.test("SharedSubscriptions answers an unsubscribe of somebody who is not subscribed by itself", async () => {
  const rig = sharedServerRig();
  const one = await subscribed(rig);
  const other = rig.join();
  other.say(unsubscribe(1), unsubscribe(2, "file:///other"));
  assert.deepEqual(await other.hear(), result(1));
  assert.deepEqual(await other.hear(), result(2));
  await heardNothing(rig.server, one);
});

Deno.test("SharedSubscriptions ends what a client leaves behind, and only what nobody else wants", async () => {
  const rig = sharedServerRig();
  const { server, join } = rig;
  const leaving = await subscribed(rig);
  leaving.say(subscribe(1, "file:///b"));
  server.say(result((await arrival(server, "subscribe", "file:///b")).id));
  await leaving.hear();
  const staying = join();
  staying.say(subscribe(1));
  await staying.hear();
  await leaving.leave();
  server.say(result((await arrival(server, "unsubscribe", "file:///b")).id));
  await heardNothing(server, staying);
  server.say(updated());
  assert.deepEqual(await staying.hear(), updated());
});

Deno.test("SharedSubscriptions does not take an unsubscribe back when its client leaves or cancels", async () => {
  const rig = sharedServerRig();
  const one = await subscribed(rig);
  one.say(unsubscribe(1), cancelled(1));
  const { id } = await arrival(rig.server, "unsubscribe");
  await one.leave();
  rig.server.say(result(id));
  await heardNothing(rig.server, rig.join());
  assert.deepEqual(rig.drops(), []);
});

Deno.test("SharedSubscriptions brings an update to the subscribers of its uri alone", async () => {
  const rig = sharedServerRig();
  const [one, other] = [await subscribed(rig), await subscribed(rig, "file:///b")];
  const stranger = rig.join();
  rig.server.say(updated("file:///b"), updated(), updated("file:///c"), updated(7));
  assert.deepEqual(await one.hear(), updated());
  assert.deepEqual(await other.hear(), updated("file:///b"));
  await settled();
  for (const client of [one, other, stranger]) {
    await client.leave();
    assert.deepEqual((await client.rest()).messages, []);
  }
  const nobody = "nobody can be named as the receiver of notifications/resources/updated";
  assert.deepEqual(rig.drops(), [nobody, nobody]);
});

Deno.test("SharedSubscriptions brings the update of a part to those who subscribed to the whole", async () => {
  const rig = sharedServerRig();
  const [folder, slashed] = [await subscribed(rig), await subscribed(rig, "file:///a/")];
  const part = await subscribed(rig, "file:///a/part");
  const inside = ["file:///a/x", "file:///a/x/y?z", "file:///a/part/1"].map(updated);
  const anchor = updated("file:///a#x");
  rig.server.say(updated("file:///ab"), ...inside, anchor, updated("file:///a/part"));
  for (const expected of [...inside, anchor]) assert.deepEqual(await folder.hear(), expected);
  for (const expected of inside) assert.deepEqual(await slashed.hear(), expected);
  for (const expected of [inside[2], updated("file:///a/part")]) {
    assert.deepEqual(await part.hear(), expected);
  }
  await settled();
  for (const client of [folder, slashed, part]) {
    await client.leave();
    assert.deepEqual((await client.rest()).messages, []);
  }
  assert.equal(rig.drops().length, 1);
});

Deno.test("SharedSubscriptions leaves what is no subscription to the server", async () => {
  const { server, join } = sharedServerRig();
  const client = join();
  for (const message of [subscribe(1, 7), request(1, "resources/subscribe"), unsubscribe(1, null)]) {
    client.say(message);
    const asked = await server.hear();
    assert(isRequest(asked));
    assert.deepEqual(asked, { ...message, id: asked.id });
    server.say(failure(asked.id, "no uri", -32602));
    assert.deepEqual(await client.hear(), failure(1, "no uri", -32602));
  }
});

Deno.test("SharedSubscriptions says nothing of one client in the request of all", async () => {
  const { server, join } = sharedServerRig();
  const params = { uri: URI, depth: 2, _meta: { progressToken: 1 } };
  join().say(request(1, "resources/subscribe", params));
  const message = await server.hear();
  assert(isRequest(message));
  assert.deepEqual(message.params, { uri: URI, depth: 2 });
});

Deno.test("SharedSubscriptions refuses one subscription too many of a session, and a URI that is too long", async () => {
  const rig = sharedServerRig({ maxSubscriptions: 2, maxUriChars: 20 });
  const { server, join } = rig;
  const one = await subscribed(rig);
  one.say(subscribe(1, "file:///b"));
  server.say(result((await arrival(server, "subscribe", "file:///b")).id));
  await one.hear();
  one.say(subscribe(2, "file:///c"), subscribe(3));
  const reason = "Too many subscriptions: the limit of a session is 2 (--maxSubscriptions)";
  assert.deepEqual(await one.hear(), failure(2, reason, -32000));
  assert.deepEqual(await one.hear(), result(3), "what it has already");
  const other = join();
  other.say(subscribe(1, `file:///${"x".repeat(13)}`));
  const long = "The URI of a subscription may have 20 characters (--maxUriLength), and this one has 21";
  assert.deepEqual(await other.hear(), failure(1, long, -32000));
  other.say(request(2, "resources/subscribe", { uri: URI, more: "x".repeat(20) }));
  const more = "What a subscription says besides its URI may have 20 characters (--maxUriLength)";
  assert.deepEqual(await other.hear(), failure(2, more, -32000));
  one.say(unsubscribe(4, "file:///b"));
  server.say(result((await arrival(server, "unsubscribe", "file:///b")).id));
  await one.hear();
  one.say(subscribe(5, "file:///c"));
  await arrival(server, "subscribe", "file:///c");
});

Deno.test("SharedSubscriptions drops the update of a URI that is too long, without looking for its parts", async () => {
  const rig = sharedServerRig();
  const one = await subscribed(rig);
  await assertLinear(10_000, (size) => async () => {
    rig.server.say(updated("/".repeat(size)), updated());
    assert.deepEqual(await one.hear(), updated());
  });
  assert.deepEqual([...new Set(rig.drops())], [
    "the URI of an update is longer than 8192 characters (--maxUriLength)",
  ]);
});

Deno.test("SharedSubscriptions looks up prefixes of such a length alone as somebody subscribed to", async () => {
  const rig = sharedServerRig();
  const one = await subscribed(rig, "//");
  await assertLinear(1_000, (size) => async () => {
    for (let time = 0; time < 100; time++) {
      rig.server.say(updated("/".repeat(size)));
      await one.hear();
    }
  });
});

Deno.test("SharedSubscriptions lets sessions leave that wait for the same answer at a cost that grows with their number alone", async () => {
  await assertLinear(5, async (size) => {
    const { join } = sharedServerRig({ maxBufferedMessages: 1_000_000 });
    const clients = Array.from({ length: size }, () => join());
    for (const client of clients) for (let id = 0; id < 990; id++) client.say(subscribe(id));
    await settled();
    return async () => {
      for (const client of clients) await client.leave();
    };
  });
});
