import assert from "node:assert/strict";
import { textOf } from "../channel.ts";
import { BackendError, BusyError, DisconnectedError } from "../errors.ts";
import type { JsonRpcMessage } from "../message/jsonrpc.ts";
import { settled } from "../../../tests/support/far_end.ts";
import { cancelled, failure, notification, request, result } from "../../../tests/support/messages.ts";
import { type SessionRig, sessionRig } from "../../../tests/support/session_rig.ts";

/** What the client heard to the end must be these messages and no more. */
async function hearsOnly(rig: SessionRig, ...messages: JsonRpcMessage[]): Promise<void> {
  assert.deepEqual((await rig.client.rest()).messages, messages);
  await rig.over;
}

Deno.test("Session carries messages of every kind in both directions, untouched and in order", async () => {
  const { client, server } = sessionRig();
  const up = [request(1, "a", { x: [1] }), notification("b"), request("2", "c")];
  client.say(...up);
  for (const message of up) assert.deepEqual(await server.hear(), message);
  const down = [notification("d"), failure("2"), request(7, "e"), result(1, { y: null })];
  server.say(...down);
  for (const message of down) assert.deepEqual(await client.hear(), message);
  client.say(result(7));
  assert.deepEqual(await server.hear(), result(7));
});

Deno.test("Session hands the text on as it came", async () => {
  const { client, server, ends } = sessionRig();
  client.say(request(1));
  const text = '{ "id": 1, "jsonrpc": "2.0", "method": "tools/call" }';
  const envelope = await server.next();
  assert.equal(envelope.text, undefined);
  void ends.client.send({ message: result(1), text });
  assert.equal((await client.next()).text, text);
});

Deno.test("Session opens one server, at the first message", async () => {
  const { client, server, opened } = sessionRig();
  await settled();
  assert.equal(opened(), 0);
  client.say(notification("a"), notification("b"));
  await server.hear();
  await server.hear();
  assert.equal(opened(), 1);
});

Deno.test("Session opens no server for a client that closes or leaves without a word", async () => {
  for (const act of ["close", "leave"] as const) {
    const { client, opened, over, told } = sessionRig();
    await client[act]();
    await over;
    assert.equal(opened(), 0);
    assert.equal(told("session.closed").length, 1);
  }
});

Deno.test("Session tells of its beginning, of each request and of its end", async () => {
  const { client, server, over, events } = sessionRig();
  client.say(request(1));
  await server.hear();
  server.say(result(1));
  await client.hear();
  await client.close();
  await over;
  assert.deepEqual(events.map(({ type }) => type), ["session.opened", "request.finished", "session.closed"]);
});

Deno.test("Session answers each open request once when the server closes", async () => {
  const rig = sessionRig();
  rig.client.say(request(1), request("1"), request(2));
  for (let count = 0; count < 3; count++) await rig.server.hear();
  rig.server.say(result(2));
  await rig.server.close();
  const text = "The MCP server closed the connection";
  await hearsOnly(rig, result(2), failure(1, text, -32603), failure("1", text, -32603));
});

Deno.test("Session answers each open request with the reason when the server breaks off", async () => {
  const rig = sessionRig();
  rig.client.say(request(1), request(2));
  await rig.server.hear();
  await rig.server.leave();
  const { messages: [first, second, ...more] } = await rig.client.rest();
  const gone = "The other end is gone";
  assert.deepEqual([first, second], [failure(1, gone, -32603), failure(2, gone, -32603)]);
  assert.deepEqual(more, []);
});

Deno.test("Session shows nothing of an error of the server's that was not written for clients", async () => {
  const rig = sessionRig({
    openServer: () => Promise.reject(new TypeError("at /home/secret:1")),
  });
  rig.client.say(request(1));
  await hearsOnly(rig, failure(1, "The MCP server failed", -32603));
  assert(rig.told("session.closed")[0]?.error instanceof BackendError);
});

Deno.test("Session answers with the reason when the server cannot be opened, and tries once", async () => {
  let tries = 0;
  const rig = sessionRig({
    openServer() {
      tries++;
      throw new BusyError("Too many servers");
    },
  });
  rig.client.say(request(1), request(2));
  await hearsOnly(rig, failure(1, "Too many servers"), failure(2, "Too many servers"));
  assert.equal(tries, 1);
  assert.deepEqual(rig.told("request.finished").map(({ outcome }) => outcome), ["failed"]);
});

Deno.test("Session lets the server go when the client leaves, and its request fails", async () => {
  const { client, server, over, told } = sessionRig();
  client.say(request(1));
  await server.hear();
  await client.leave();
  await over;
  assert((await server.rest()).messages.length === 0);
  assert.deepEqual(told("request.finished").map(({ id, outcome }) => [id, outcome]), [[1, "failed"]]);
  assert(told("session.closed")[0]?.error instanceof DisconnectedError);
  assert.deepEqual(told("fault"), []);
});

Deno.test("Session refuses an id that is still open, and answers the first request as ever", async () => {
  const { client, server } = sessionRig();
  client.say(request(1, "first"), request(1, "second"));
  assert.deepEqual(
    await client.hear(),
    failure(1, "Invalid Request: a request with id 1 is still open", -32600),
  );
  assert.deepEqual(await server.hear(), request(1, "first"));
  server.say(result(1));
  assert.deepEqual(await client.hear(), result(1));
  client.say(request(1, "third"));
  assert.deepEqual(await server.hear(), request(1, "third"));
});

Deno.test("Session refuses requests over the limit, of the client and of the server", async () => {
  const { client, server } = sessionRig({ maxOpenRequests: 1 });
  const refusal = failure("b", "Too many open requests: the limit is 1");
  client.say(request("a"), request("b"));
  assert.deepEqual(await client.hear(), refusal);
  assert.deepEqual(await server.hear(), request("a"));
  server.say(request("a"), request("b"));
  assert.deepEqual(await server.hear(), refusal);
  assert.deepEqual(await client.hear(), request("a"));
});

Deno.test("Session keeps 1 and the text 1 apart, as it does the ids of client and server", async () => {
  const { client, server } = sessionRig();
  client.say(request(1, "number"), request("1", "text"));
  await server.hear();
  await server.hear();
  server.say(request(1, "ask"), result("1", "text"), result(1, "number"));
  assert.deepEqual(await client.hear(), request(1, "ask"));
  assert.deepEqual(await client.hear(), result("1", "text"));
  assert.deepEqual(await client.hear(), result(1, "number"));
  client.say(result(1, "told"));
  assert.deepEqual(await server.hear(), result(1, "told"));
});

Deno.test("Session drops answers that nobody waits for, with an event for each", async () => {
  const { client, server, drops } = sessionRig();
  client.say(result(9), request(1));
  await server.hear();
  server.say(result(1), result(1), failure(null), result("1"), notification("last"));
  assert.deepEqual(await client.hear(), result(1));
  assert.deepEqual(await client.hear(), notification("last"));
  const late = "it answers no open request";
  assert.deepEqual(drops(), ["it answers no request of the server", late, late, late]);
});

Deno.test("Session forgets a cancelled request: its id is free, and a late answer is dropped", async () => {
  const { client, server, told, drops } = sessionRig();
  client.say(request(1), cancelled(1));
  await server.hear();
  assert.deepEqual(await server.hear(), cancelled(1));
  server.say(result(1), notification("next"));
  assert.deepEqual(await client.hear(), notification("next"));
  assert.deepEqual(drops(), ["it answers no open request"]);
  assert.deepEqual(told("request.finished").map(({ outcome }) => outcome), ["cancelled"]);
  client.say(request(1));
  assert.deepEqual(await server.hear(), request(1));
});

Deno.test("Session passes a cancellation of nothing on, for the server may know better", async () => {
  const { client, server } = sessionRig();
  client.say(cancelled("?"));
  assert.deepEqual(await server.hear(), cancelled("?"));
});

Deno.test("Session does not listen to a client that does not read what it is answered", async () => {
  const { client, ends, session } = sessionRig({ maxOpenRequests: 1 });
  const room = Promise.withResolvers<void>();
  const told: unknown[] = [];
  ends.client.send = ({ message }) => {
    told.push("id" in message && message.id);
    return room.promise;
  };
  client.say(request(1), request(2), request(3), request(4));
  await settled();
  assert.deepEqual(told, [2]);
  room.resolve();
  await settled();
  assert.deepEqual(told, [2, 3, 4]);
  session.end(new BackendError("over"));
});

Deno.test("Session tells of a finished request whose it is, and how large it and its answer were", async () => {
  const peer = { session: "s1", wire: "sse", scope: "session", principal: { name: "apiKey/ci" } } as const;
  const { client, server, told, over } = sessionRig({
    peer: { ...peer, address: "10.0.0.1" },
    // As wires do.
    policy({ envelope }, next) {
      textOf(envelope);
      return next();
    },
  });
  client.say(request(1));
  await server.hear();
  server.say(result(1));
  await client.hear();
  await client.close();
  await over;
  const [opened, finished, closed] = [
    told("session.opened"),
    told("request.finished"),
    told("session.closed"),
  ];
  assert.deepEqual([opened[0]?.principal, opened[0]?.address], ["apiKey/ci", "10.0.0.1"]);
  assert.deepEqual([finished[0]?.principal, closed[0]?.principal], ["apiKey/ci", "apiKey/ci"]);
  assert.deepEqual(
    [finished[0]?.requestSize, finished[0]?.answerSize],
    [request(1), result(1)].map((message) => JSON.stringify(message).length),
  );
});
