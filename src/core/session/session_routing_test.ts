import assert from "node:assert/strict";
import type { RequestId } from "../message/jsonrpc.ts";
import {
  cancelled,
  failure,
  notification,
  progress,
  request,
  result,
  tracked,
} from "../../../tests/support/messages.ts";
import { type SessionRig, sessionRig } from "../../../tests/support/session_rig.ts";

/** A session whose server has got these requests of the client. */
async function withOpen(...requests: ReturnType<typeof request>[]): Promise<SessionRig> {
  const rig = sessionRig();
  rig.client.say(notification("notifications/initialized"), ...requests);
  for (let count = 0; count <= requests.length; count++) await rig.server.hear();
  return rig;
}

/** The client requests that the next messages to the client belong to. */
async function relations({ client }: SessionRig, count: number): Promise<(RequestId | undefined)[]> {
  const found: (RequestId | undefined)[] = [];
  while (found.length < count) found.push((await client.next()).relatesTo);
  return found;
}

Deno.test("Session relates each answer to its request, type of the id included", async () => {
  const rig = await withOpen(request(1), request("1"), request("a:b"));
  rig.server.say(result("1"), failure("a:b"), result(1));
  assert.deepEqual(await relations(rig, 3), ["1", "a:b", 1]);
});

Deno.test("Session relates its own refusals and errors to the request too", async () => {
  const rig = await withOpen(request(1), request(2));
  rig.client.say(request(1));
  assert.deepEqual(await relations(rig, 1), [1]);
  await rig.server.close();
  assert.deepEqual(await relations(rig, 2), [1, 2]);
  await rig.over;
});

Deno.test("Session relates progress to the owner of its token, also among several requests", async () => {
  const rig = await withOpen(tracked("a", 1), tracked("b", "1"), request("c"));
  rig.server.say(progress("1"), progress(1), progress("1"));
  assert.deepEqual(await relations(rig, 3), ["b", "a", "b"]);
});

Deno.test("Session relates progress to nobody once its request is answered or cancelled", async () => {
  const rig = await withOpen(tracked("a", 1), tracked("b", 2), request("c"));
  rig.client.say(cancelled("a"));
  await rig.server.hear();
  rig.server.say(result("b"), progress(1), progress(2));
  assert.deepEqual(await relations(rig, 3), ["b", undefined, undefined]);
});

Deno.test("Session relates progress under an unknown token to nobody, not to the sole request", async () => {
  const rig = await withOpen(tracked("a", 1));
  rig.server.say(progress("1"), progress(2));
  assert.deepEqual(await relations(rig, 2), [undefined, undefined]);
});

Deno.test("Session relates what the server starts by itself to the sole request in flight", async () => {
  const rig = await withOpen(request(0));
  rig.server.say(notification(), request("ask"), notification("notifications/progress"));
  assert.deepEqual(await relations(rig, 3), [0, 0, 0]);
});

Deno.test("Session relates what the server starts by itself to nobody when several requests are open", async () => {
  const rig = await withOpen(request(0), request(1));
  rig.server.say(notification(), request("ask"));
  assert.deepEqual(await relations(rig, 2), [undefined, undefined]);
});

Deno.test("Session relates what the server starts by itself to nobody when no request is open", async () => {
  const rig = await withOpen();
  rig.server.say(notification(), request("ask"));
  assert.deepEqual(await relations(rig, 2), [undefined, undefined]);
});

Deno.test("Session keeps the relation that the server's side knows, whatever else is open", async () => {
  const rig = await withOpen(request(0), request("0"), tracked("a", 1));
  for (const id of [0, "0"]) {
    rig.server.sayFor(id, notification());
    rig.server.sayFor(id, request(`ask ${id}`));
    rig.server.sayFor(id, cancelled(`ask ${id}`));
    // What names its call itself belongs to that one.
    rig.server.sayFor(id, progress(1));
    assert.deepEqual(await relations(rig, 4), [id, id, id, "a"]);
  }
});

Deno.test("Session relates to nobody what the server's side relates to a call that is over", async () => {
  const rig = await withOpen(request(0), request(1));
  rig.server.say(result(0));
  rig.server.sayFor(0, notification());
  rig.server.sayFor(0, request("ask"));
  assert.deepEqual(await relations(rig, 3), [0, undefined, undefined]);
});

Deno.test("Session counts a cancelled request as in flight no more", async () => {
  const rig = await withOpen(request(0), request(1));
  rig.client.say(cancelled(0));
  await rig.server.hear();
  rig.server.say(notification());
  assert.deepEqual(await relations(rig, 1), [1]);
});

Deno.test("Session relates the server's cancellation to where its request went, whatever is in flight now", async () => {
  const rig = await withOpen(request(0));
  rig.server.say(request("ask"));
  await rig.client.next();
  rig.client.say(request(1));
  await rig.server.hear();
  rig.server.say(result(0), cancelled("ask"), cancelled("ask"));
  assert.deepEqual(await relations(rig, 3), [0, 0, undefined]);
  const down = rig.told("request.finished").filter(({ direction }) => direction === "down");
  assert.deepEqual(down.map(({ id, outcome }) => [id, outcome]), [["ask", "cancelled"]]);
});

Deno.test("Session takes the answer to a request that the server cancelled for nobody's", async () => {
  const rig = await withOpen();
  rig.server.say(request("ask"), cancelled("ask"));
  await relations(rig, 2);
  rig.client.say(result("ask"), notification("next"));
  assert.deepEqual(await rig.server.hear(), notification("next"));
  assert.deepEqual(rig.drops(), ["it answers no request of the server"]);
});

Deno.test("Session lets the server's cancellation leave a client's request of the same id alone", async () => {
  const rig = await withOpen(request(1));
  rig.server.say(cancelled(1), result(1));
  assert.deepEqual(await relations(rig, 2), [undefined, 1]);
});

Deno.test("Session relates nothing on the way up", async () => {
  const { client, server } = sessionRig();
  client.say(request(1), notification());
  assert.equal((await server.next()).relatesTo, undefined);
  assert.equal((await server.next()).relatesTo, undefined);
});
