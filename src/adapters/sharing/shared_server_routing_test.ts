import assert from "node:assert/strict";
import { requestedToken } from "../../core/mcp/messages.ts";
import { isRequest, type ProgressToken, type RequestId } from "../../core/message/jsonrpc.ts";
import { DisconnectedError } from "../../core/errors.ts";
import { memoryChannels } from "../../core/channel.ts";
import { type FarEnd, settled } from "../../../tests/support/far_end.ts";
import { sharedServerRig } from "../../../tests/support/shared_server_rig.ts";
import {
  failure,
  notification,
  progress,
  request,
  result,
  tracked,
} from "../../../tests/support/messages.ts";

/** The id and the progress token under which the next request reaches the server. */
async function arrival(server: FarEnd): Promise<{ id: RequestId; token: ProgressToken }> {
  const message = await server.hear();
  assert(isRequest(message));
  return { id: message.id, token: requestedToken(message) ?? "none" };
}

Deno.test("SharedServer brings progress to its owner under the owner's token, type included", async () => {
  const { server, join, drops } = sharedServerRig();
  const tokens = ["t", 7, "7", 0, ""];
  const clients = tokens.map((token) => {
    const client = join();
    client.say(tracked(1, token));
    return { client, token };
  });
  const arrived = await Promise.all(clients.map(() => arrival(server)));
  assert.equal(new Set(arrived.map(({ token }) => token)).size, tokens.length);
  for (const { token } of arrived) server.say(progress(`${token}`), progress(token));
  for (const { client, token } of clients) assert.deepEqual(await client.hear(), progress(token));
  // A token of the server's is a number of ours; the same digits as text are not.
  assert.equal(drops().length, tokens.length);
});

Deno.test("SharedServer keeps the rest of a request's _meta beside the rewritten token", async () => {
  const { server, join } = sharedServerRig();
  join().say(request(1, "tools/call", { name: "x", _meta: { progressToken: "t", other: true } }));
  const message = await server.hear();
  assert(isRequest(message));
  const { name, _meta } = message.params ?? {};
  assert.equal(name, "x");
  assert.deepEqual(_meta, { progressToken: message.id, other: true });
});

Deno.test("SharedServer drops progress of requests that are answered, or that asked for none", async () => {
  const { server, join, drops } = sharedServerRig();
  const client = join();
  client.say(tracked(1, "t"), request(2));
  const [first, second] = [await arrival(server), await arrival(server)];
  server.say(
    result(first.id),
    progress(first.token),
    progress("t"),
    progress(Number(second.id)),
    result(second.id),
  );
  assert.deepEqual(await client.hear(), result(1));
  assert.deepEqual(await client.hear(), result(2));
  assert.deepEqual(drops(), Array(3).fill("progress of a request that is not open"));
});

Deno.test("SharedServer gives other notifications to its only client, and to nobody once there was another", async () => {
  const { server, join, drops } = sharedServerRig();
  server.say(notification("none/joined"));
  await settled();
  const one = join();
  server.say(notification("one/joined"));
  assert.deepEqual(await one.hear(), notification("one/joined"));
  const other = join();
  one.say(request(1));
  const { id } = await arrival(server);
  // One request in flight, and still it may be about another client's that was answered before.
  server.say(notification("two/joined"), result(id));
  assert.deepEqual(await one.hear(), result(1));
  other.say(request(1));
  server.say(result((await arrival(server)).id));
  assert.deepEqual(await other.hear(), result(1));
  const nobody = "nobody can be named as the receiver of";
  assert.deepEqual(drops(), [`${nobody} none/joined`, `${nobody} two/joined`]);
});

Deno.test("SharedServer gives what the server's side relates to a call to its caller, under the caller's id", async () => {
  const { server, join, drops } = sharedServerRig();
  const [one, other, single] = [join(), join(), join("request")];
  one.say(request("i", "initialize", { capabilities: { sampling: {} } }));
  await one.hear();
  const asked: RequestId[] = [];
  for (const [client, id] of [[one, "a"], [other, "a"], [single, 1]] as const) {
    client.say(request(id));
    asked.push((await arrival(server)).id);
  }
  const [ofOne = 0, ofOther = 0, ofSingle = 0] = asked;
  server.sayFor(ofOne, request("q", "sampling/createMessage"));
  const { message, relatesTo } = await one.next();
  assert.deepEqual([message, relatesTo], [request("q", "sampling/createMessage"), "a"]);
  server.sayFor(ofOther, notification("vendor/said"));
  assert.deepEqual(await other.next(), {
    message: notification("vendor/said"),
    text: undefined,
    relatesTo: "a",
  });
  const log = notification("notifications/message", { level: "info" });
  server.sayFor(ofSingle, log);
  assert.deepEqual(await single.hear(), log);
  // What no open call is named for is nobody's, as ever.
  server.say(result(ofOther));
  await other.hear();
  for (const id of [ofOther, 99, "a"]) server.sayFor(id, notification("vendor/said"));
  await settled();
  assert.equal(drops().length, 3);
});

Deno.test("SharedServer gives what the server logs for a call to its caller alone, where its level lets it through", async () => {
  const { server, join } = sharedServerRig();
  const [quiet, loud] = [join(), join()];
  for (const [client, level] of [[quiet, "error"], [loud, "debug"]] as const) {
    client.say(request("l", "logging/setLevel", { level }));
    server.say(result((await arrival(server)).id));
    await client.hear();
  }
  quiet.say(request(1));
  const { id } = await arrival(server);
  const logged = (level: string) => notification("notifications/message", { level, data: level });
  for (const level of ["info", "error"]) server.sayFor(id, logged(level));
  server.say(logged("notice"), result(id));
  assert.deepEqual(await quiet.hear(), logged("error"));
  assert.deepEqual(await quiet.hear(), result(1));
  assert.deepEqual(await loud.hear(), logged("notice"));
});

Deno.test("SharedServer brings who is alone with the server all that it says", async () => {
  const { server, join } = sharedServerRig();
  const client = join("alone");
  const said = [
    notification("notifications/tools/list_changed"),
    notification("notifications/resources/updated", { uri: "a:b" }),
    notification("notifications/message", { level: "debug" }),
    notification("vendor/said"),
  ];
  server.say(...said);
  for (const message of said) assert.deepEqual(await client.hear(), message);
  for (const method of ["logging/setLevel", "resources/subscribe", "resources/unsubscribe"]) {
    client.say(request(method, method, { uri: "a:b", level: "debug", vendor: 1 }));
    const asked = await server.hear();
    assert(isRequest(asked));
    assert.deepEqual(asked, request(asked.id, method, { uri: "a:b", level: "debug", vendor: 1 }));
    server.say(failure(asked.id, "as it likes"));
    assert.deepEqual(await client.hear(), failure(method, "as it likes"));
  }
});

Deno.test("SharedServer passes notifications of clients up that it does not know", async () => {
  const { server, join } = sharedServerRig();
  for (const kind of ["session", "request"] as const) {
    join(kind).say(notification("notifications/future", { kind }));
    assert.deepEqual(await server.hear(), notification("notifications/future", { kind }));
  }
});

Deno.test("SharedServer lets no notification have an id, and nothing that it decides by its id come without one", async () => {
  const { server, join, drops } = sharedServerRig();
  const client = join();
  client.say(request("a", "notifications/cancelled", { requestId: 1 }), request("b", "notifications/x"));
  for (const id of ["a", "b"]) {
    const answer = await client.hear();
    assert("error" in answer && answer.id === id && answer.error.code === -32601);
  }
  const decided = [
    "initialize",
    "tasks/cancel",
    "logging/setLevel",
    "resources/subscribe",
    "resources/unsubscribe",
  ];
  client.say(
    ...decided.map((method) => notification(method, { uri: "a", level: "debug" })),
    notification("end"),
  );
  assert.deepEqual(await server.hear(), notification("end"));
  assert.deepEqual(drops(), decided.map((method) => `${method} has no id`));
});

Deno.test("SharedServer tells when it left out what the server may take for something else", async () => {
  const { server, join, drops } = sharedServerRig();
  join().say(notification("x", { REQUESTID: 1, a: 2 }));
  assert.deepEqual(await server.hear(), notification("x", { a: 2 }));
  assert.deepEqual(drops(), ["a part of it, with a key that the server may take for another"]);
});

Deno.test("SharedServer passes changed roots up from the only session there is, and from nobody else", async () => {
  const { server, join, drops } = sharedServerRig();
  const changed = notification("notifications/roots/list_changed");
  const [single, one] = [join("request"), join()];
  single.say(changed);
  one.say(changed);
  assert.deepEqual(await server.hear(), changed);
  const other = join();
  one.say(changed);
  other.say(changed);
  await other.leave();
  one.say(changed, notification("end"));
  assert.deepEqual(await server.hear(), changed);
  assert.deepEqual(await server.hear(), notification("end"));
  assert.deepEqual(drops(), Array(3).fill("the roots of one client are not those of the others"));
});

Deno.test("SharedServer tells every initialized session once that a list has changed", async () => {
  const { server, join, drops } = sharedServerRig();
  const lists = ["tools", "prompts", "resources"].map((list) =>
    notification(`notifications/${list}/list_changed`)
  );
  const early = join();
  server.say(...lists);
  await settled();
  assert.equal(drops().length, lists.length);
  const [one, other, single] = [join(), join(), join("request")];
  for (const client of [one, other, single]) client.say(notification("notifications/initialized"));
  // The second time is not a second client.
  one.say(notification("notifications/initialized"));
  server.say(...lists);
  for (const client of [one, other]) {
    for (const list of lists) assert.deepEqual(await client.hear(), list);
  }
  for (const client of [early, one, other, single]) {
    await client.leave();
    assert.deepEqual((await client.rest()).messages, []);
  }
});

Deno.test("SharedServer drops answers to nobody, whatever their id", async () => {
  const { server, join, drops } = sharedServerRig();
  const client = join();
  client.say(request(1));
  const { id } = await arrival(server);
  server.say(result(`${id}`), result(99), failure(null), result(id, "right"), result(id));
  assert.deepEqual(await client.hear(), result(1, "right"));
  await settled();
  const nobodys = "it answers no open request";
  const nameless = "it is an error without an id, and which of the open requests it answers cannot be told";
  assert.deepEqual(drops(), [nobodys, nobodys, nameless, nobodys]);
});

Deno.test("SharedServer tells of a fault of the wire, and not of a server that is merely gone", async () => {
  const faults = {
    "gone at once": () => {
      throw new DisconnectedError("gone");
    },
    "gone later": () => Promise.reject(new DisconnectedError("gone")),
    "broken at once": () => {
      throw new TypeError("broken");
    },
    "broken later": () => Promise.reject(new TypeError("broken")),
  };
  for (const [how, send] of Object.entries(faults)) {
    const [server, serverEnd] = memoryChannels();
    const { told } = sharedServerRig({ server: { ...serverEnd, send }, incoming: serverEnd.incoming });
    void server.send({ message: request("p", "ping") });
    await settled();
    assert.equal(told("fault").length, how.startsWith("broken") ? 1 : 0, how);
  }
});

Deno.test("SharedServer gives nobody what may still be about a request that was cancelled", async () => {
  const { server, join, drops } = sharedServerRig();
  const [leaving, staying] = [join(), join()];
  leaving.say(request(1, "tools/call"));
  await server.hear();
  leaving.say(notification("notifications/cancelled", { requestId: 1 }));
  await server.hear();
  await arrival(server); // The ping that shows when it has been read.
  staying.say(request(1, "tools/call"));
  const { id } = await arrival(server);
  server.say(notification("notifications/message", { level: "info", data: "about the other's call" }));
  server.say(result(id, {}));
  assert.deepEqual(await staying.hear(), result(1, {}));
  assert.equal(drops().length, 1);
});
