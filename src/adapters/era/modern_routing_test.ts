/** Which client of a modern server hears what, and what is taken back of it. */
import assert from "node:assert/strict";
import { cancelled, notification, progress, result } from "../../../tests/support/messages.ts";
import {
  heard,
  modern,
  modernServerRig,
  ofStream,
  REQUEST_META,
} from "../../../tests/support/modern_server_rig.ts";
import { MetaKey } from "../../core/mcp/request_meta.ts";

const LOGS = { [MetaKey.logLevel]: "info" };

function cancelledAt(requestId: unknown, reason?: string) {
  return notification("notifications/cancelled", {
    requestId,
    ...(reason && { reason }),
    _meta: REQUEST_META,
  });
}

// --- taking back ---

Deno.test("ModernServer cancels the client's own request under the server's id, and nobody else's", async () => {
  const { server, join, drops } = modernServerRig();
  const [one, other] = [join(), join()];
  one.say(modern(2));
  other.say(modern(1), modern(2));
  const [, , third] = [await server.hearRequest(), await server.hearRequest(), await server.hearRequest()];
  other.say(cancelled("2"), cancelled(2), cancelled(2), modern("next"));
  assert.deepEqual(await server.hear(), cancelledAt(third.id));
  const next = await server.hearRequest();
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
  const [a, b, kept] = [await server.hearRequest(), await server.hearRequest(), await server.hearRequest()];
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
  const [a, b, c] = [await server.hearRequest(), await server.hearRequest(), await server.hearRequest()];
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
  const [, second, third] = [
    await server.hearRequest(),
    await server.hearRequest(),
    await server.hearRequest(),
  ];
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
  await Promise.all([server.hearRequest(), server.hearRequest(), server.hearRequest(), server.hearRequest()]);
  server.say(notification("notifications/message", { data: "sole" }));
  assert.deepEqual(await heard(one), {
    message: notification("notifications/message", { data: "sole" }),
    relatesTo: 2,
  });
  other.say(modern(2, "tools/call", LOGS));
  const { id } = await server.hearRequest();
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
    const [, second, third] = [
      await server.hearRequest(),
      await server.hearRequest(),
      await server.hearRequest(),
    ];
    if (leaves) await one.leave();
    else one.say(cancelled(1));
    await server.hear();
    // The server need not have read it when it said this.
    server.say(notification("notifications/message", { data: "for one" }), result(third.id));
    assert.deepEqual(await other.hear(), result(2));
    server.say(notification("notifications/message", { data: "for one" }));
    other.say(modern(3));
    server.say(result((await server.hearRequest()).id));
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
  const { id } = await server.hearRequest();
  server.say(notification("notifications/tools/list_changed"), notification(), result(id));
  assert.deepEqual(await client.hear(), result(1));
  assert.deepEqual(drops(), [
    "nobody can be named as the receiver of notifications/tools/list_changed",
    "it logs, and for which request cannot be told",
  ]);
});
