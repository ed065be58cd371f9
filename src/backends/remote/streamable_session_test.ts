import assert from "node:assert/strict";
import { DEEP_ANSWER_REFUSED, deepAnswer } from "../../../tests/support/deep.ts";
import { DisconnectedError } from "../../core/errors.ts";
import { settled } from "../../../tests/support/far_end.ts";
import { EventStream, json } from "../../../tests/support/loopback.ts";
import { failure, notification, request, result } from "../../../tests/support/messages.ts";
import { type Answer, initialize, streamableRig } from "../../../tests/support/streamable_rig.ts";

const INITIALIZED = notification("notifications/initialized");

/** Answers the server's own stream by `get`, and takes every message. */
function listening(get: Answer): Answer {
  return (asked) => asked.method === "GET" ? get(asked) : new Response(null, { status: 202 });
}

Deno.test("streamable hears the server's own stream after the handshake, over as many connections as it takes", async () => {
  const first = new EventStream();
  const second = new EventStream();
  const streams = [first, second];
  await using it = await streamableRig(listening(() => streams.shift()!.response));
  await initialize(it);
  await it.channel.send({ message: INITIALIZED });
  first.say(request("a", "roots/list"), "e1");
  assert.deepEqual((await it.client.next()).relatesTo, undefined);
  first.end();
  second.say(notification("b"));
  assert.deepEqual(await it.client.hear(), notification("b"));
  const gets = it.server.asked.filter(({ method }) => method === "GET");
  assert.deepEqual(gets.map(({ headers }) => headers.get("last-event-id")), [null, "e1"]);
  assert.deepEqual(gets.map(({ headers }) => headers.get("mcp-session-id")), ["s1", "s1"]);
});

Deno.test("streamable goes without the server's own stream where there is none, and keeps the session", async () => {
  for (const status of [404, 405]) {
    await using it = await streamableRig(({ method }) =>
      method === "GET" ? new Response("no", { status }) : json(result(1))
    );
    await initialize(it);
    await it.channel.send({ message: INITIALIZED });
    while (!it.server.asked.some(({ method }) => method === "GET")) await settled();
    await settled();
    it.client.say(request(1));
    assert.deepEqual(await it.client.hear(), result(1));
    assert.deepEqual(it.troubles(), []);
  }
});

Deno.test("streamable tells why the server's own stream ended, and goes on without it", async () => {
  await using it = await streamableRig(({ method }) =>
    method === "GET" ? new Response("no", { status: 401 }) : json(result(1))
  );
  await initialize(it);
  await it.channel.send({ message: INITIALIZED });
  while (it.troubles().length === 0) await settled();
  assert.match(
    it.troubles()[0] ?? "",
    /^the server's own stream is not to be had: .* answered HTTP 401: give credentials/,
  );
  it.client.say(request(1));
  assert.deepEqual(await it.client.hear(), result(1));
});

Deno.test("streamable breaks when the session is lost to a request, which may be sent again in another one", async () => {
  await using it = await streamableRig(() => new Response("no", { status: 404 }));
  await initialize(it);
  it.client.say(request(1));
  const { message, undelivered } = await it.client.next();
  assert.deepEqual(message, failure(1, `${it.url} answered HTTP 404: no`, -32603));
  assert.deepEqual(undelivered, { again: "now", afterMs: undefined, why: "foreign" });
  const { error } = await it.client.rest();
  assert(error instanceof DisconnectedError);
  assert.equal(error.message, "The MCP server has ended the session");
  assert.throws(() => it.channel.send({ message: request(2) }), DisconnectedError);
});

Deno.test("streamable breaks when the session is lost to a notification", async () => {
  await using it = await streamableRig(() => new Response("no", { status: 404 }));
  await initialize(it);
  await it.channel.send({ message: INITIALIZED });
  assert((await it.client.rest()).error instanceof DisconnectedError);
  assert.deepEqual(it.server.asked.map(({ method }) => method), ["POST", "GET", "POST"]);
  assert.deepEqual(it.troubles(), [`a message was not taken: ${it.url} answered HTTP 404: no`]);
});

Deno.test("streamable breaks when the session is lost to the server's own stream", async () => {
  const stream = new EventStream(":\n\n");
  let opened = 0;
  await using it = await streamableRig(
    listening(() => opened++ === 0 ? stream.response : new Response("no", { status: 404 })),
  );
  await initialize(it);
  await it.channel.send({ message: INITIALIZED });
  while (opened === 0) await settled();
  stream.end();
  assert((await it.client.rest()).error instanceof DisconnectedError);
});

Deno.test("streamable has no session to lose before the server gave one", async () => {
  await using it = await streamableRig(() => new Response("no", { status: 404 }));
  it.client.say(request(1));
  assert.equal((await it.client.next()).undelivered?.again, "never");
  it.client.say(request(2));
  await it.client.next();
});

Deno.test("streamable lets go of every connection at its dispose, and sends no DELETE after it", async () => {
  const answer = new EventStream(":\n\n");
  const own = new EventStream(":\n\n");
  const it = await streamableRig(({ method, body }) => {
    if (method === "GET") return own.response;
    return body.includes("tools/call") ? answer.response : new Response(null, { status: 202 });
  });
  await initialize(it);
  await it.channel.send({ message: INITIALIZED });
  it.client.say(request(1));
  while (it.server.asked.length < 4) await settled();
  await it.channel[Symbol.asyncDispose]();
  await Promise.all([answer.cancelled, own.cancelled]);
  await it.channel.close();
  assert.deepEqual(await it.client.rest(), { messages: [], error: undefined });
  assert.equal(it.server.asked.some(({ method }) => method === "DELETE"), false);
  assert.deepEqual(it.troubles(), []);
  await it[Symbol.asyncDispose]();
});

Deno.test("streamable leaves out events that are no messages, and says so", async () => {
  const stream = new EventStream("data: nonsense\n\n");
  await using it = await streamableRig(() => stream.response);
  it.client.say(request(1));
  stream.say(result(1));
  assert.deepEqual(await it.client.hear(), result(1));
  assert.deepEqual(it.troubles(), ["an event was not taken: Parse error: the message is not valid JSON"]);
});

Deno.test("streamable tells the asker whose answer is not taken, and ends its stream", async () => {
  const stream = new EventStream(`data: ${deepAnswer(1)}\n\n`);
  await using it = await streamableRig(() => stream.response);
  it.client.say(request(1));
  assert.deepEqual(await it.client.hear(), failure(1, DEEP_ANSWER_REFUSED, -32603));
  await stream.cancelled;
});
