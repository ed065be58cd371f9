import assert from "node:assert/strict";
import { Backlog } from "../../core/backlog.ts";
import { DisconnectedError } from "../../core/errors.ts";
import { settled } from "../../../tests/support/far_end.ts";
import { EventStream, json } from "../../../tests/support/loopback.ts";
import {
  cancelled,
  failure,
  notification,
  progress,
  request,
  result,
} from "../../../tests/support/messages.ts";
import { META, MODERN, modern, modernRig } from "../../../tests/support/modern_rig.ts";

const JSON_TYPE = { "Content-Type": "application/json" };

/** What a request was told in headers, of those that this era knows. */
function mirrored(headers: Headers | undefined): Record<string, string> {
  return Object.fromEntries([...headers ?? []].filter(([name]) => name.startsWith("mcp-")));
}

Deno.test("modern says in headers what each message is, and nothing of a session", async () => {
  await using it = await modernRig(({ body }) => {
    const { id } = JSON.parse(body);
    return id === undefined
      ? new Response(null, { status: 202 })
      : json(result(id), { "Mcp-Session-Id": "s1" });
  });
  const said = [
    modern(1, "server/discover"),
    modern(2, "prompts/get", { name: "p", uri: "no" }),
    modern(3, "resources/read", { uri: "file:///a b" }),
    modern(4, "resources/read", { uri: "test://日本" }),
    modern(5, "prompts/get", {
      _meta: { "io.modelcontextprotocol/protocolVersion": "2099-01-01" },
      name: " p",
    }),
  ];
  for (const message of said) {
    it.client.say(message);
    assert.deepEqual(await it.client.hear(), result(message.id));
  }
  await it.channel.send({ message: notification("notifications/vendor") });
  const version = { "mcp-protocol-version": "2026-07-28" };
  assert.deepEqual(it.server.asked.map(({ headers }) => mirrored(headers)), [
    { ...version, "mcp-method": "server/discover" },
    { ...version, "mcp-method": "prompts/get", "mcp-name": "p" },
    { ...version, "mcp-method": "resources/read", "mcp-name": "file:///a b" },
    { ...version, "mcp-method": "resources/read", "mcp-name": "=?base64?dGVzdDovL+aXpeacrA==?=" },
    { "mcp-protocol-version": "2099-01-01", "mcp-method": "prompts/get", "mcp-name": "=?base64?IHA=?=" },
    { ...version, "mcp-method": "notifications/vendor" },
  ]);
  for (const { method, headers } of it.server.asked) {
    assert.equal(method, "POST");
    assert.equal(headers.get("accept"), "application/json, text/event-stream");
    assert.equal(headers.get("content-type"), "application/json");
  }
});

Deno.test("modern refuses what no header can say, and sends nothing of it", async () => {
  await using it = await modernRig(() => json(result(1)));
  it.client.say(modern(1, "méthode"), modern(2, "a b\n"));
  it.client.say(modern(3, "x", { _meta: { "io.modelcontextprotocol/protocolVersion": 7 } }));
  it.client.say(modern(4, ""));
  const refusals = [
    '"méthode" cannot be said in the header Mcp-Method',
    String.raw`"a b\n" cannot be said in the header Mcp-Method`,
    "7 cannot be said in the header MCP-Protocol-Version",
    '"" cannot be said in the header Mcp-Method',
  ];
  for (const [at, why] of refusals.entries()) {
    assert.deepEqual(await it.client.hear(), failure(at + 1, `Invalid Request: ${why}`, -32600));
  }
  assert.deepEqual(it.posted(), []);
});

Deno.test("modern says a message as it came, and takes its answer as it came", async () => {
  const long = "1915883588174806058";
  const body = `{ "jsonrpc":"2.0", "id":${long}, "result":{"e":1e2} }`;
  await using it = await modernRig(() => new Response(body, { headers: JSON_TYPE }));
  const text = `{"jsonrpc":"2.0", "id":${long}, "method":"x","params":{"n":${long}}}`;
  await it.channel.send({ message: request(BigInt(long), "x"), text });
  const heard = await it.client.next();
  assert.deepEqual([heard.text, heard.relatesTo], [body, BigInt(long)]);
  assert.equal(it.server.asked[0]?.body, text);
});

Deno.test("modern takes an answer as events, all of which belong to its request, and lets go at the answer", async () => {
  const stream = new EventStream(":\n\n");
  await using it = await modernRig(() => stream.response);
  it.client.say(modern(1, "subscriptions/listen"));
  for (const message of [progress("p"), notification("notifications/resources/updated"), result(1)]) {
    stream.say(message, "e1");
    const heard = await it.client.next();
    assert.deepEqual([heard.message, heard.relatesTo], [message, 1]);
  }
  await stream.cancelled;
  assert.deepEqual(it.troubles(), []);
});

Deno.test("modern loses the request whose answer breaks off, and neither resumes it nor sends it again", async () => {
  for (const end of ["end", "break"] as const) {
    const stream = new EventStream();
    await using it = await modernRig(() => stream.response);
    it.client.say(modern(1, "subscriptions/listen"));
    stream.say(notification(), "e1");
    await it.client.hear();
    stream[end]();
    const { message, undelivered } = await it.client.next();
    const why = `The connection to ${it.url} broke before the answer came; the request was not sent again`;
    assert.deepEqual([message, undelivered], [failure(1, why, -32603), undefined]);
    await settled();
    assert.deepEqual(it.server.asked.map(({ method }) => method), ["POST"]);
  }
});

Deno.test("modern cancels a request by leaving its answer, and says nothing of it to the server", async () => {
  const stream = new EventStream();
  const other = new EventStream();
  await using it = await modernRig(({ body }) => (JSON.parse(body).id === 1 ? stream : other).response);
  it.client.say(modern(1, "x"), modern(2, "x"));
  stream.say(progress("p"));
  await it.client.hear();
  await it.channel.send({ message: cancelled(1) });
  await stream.cancelled;
  await it.channel.send({ message: cancelled("1") });
  await it.channel.send({ message: notification("notifications/cancelled") });
  other.say(result(2));
  assert.deepEqual(await it.client.hear(), result(2));
  assert.deepEqual(it.posted(), ["x", "x"]);
});

Deno.test("modern cancels a request that is not answered with a header yet", async () => {
  const left = Promise.withResolvers<void>();
  await using it = await modernRig(async ({ request }) => {
    request.signal.addEventListener("abort", () => left.resolve());
    await left.promise;
    return new Response(null, { status: 499 });
  });
  it.client.say(modern(1, "x"));
  while (it.server.asked.length === 0) await settled();
  await it.channel.send({ message: cancelled(1) });
  await left.promise;
});

Deno.test("modern passes on neither questions of the server nor answers to other requests, and tells so", async () => {
  const stream = new EventStream();
  await using it = await modernRig(() => stream.response);
  it.client.say(modern(1, "x"));
  for (const message of [request(9, "sampling/createMessage"), result(2), result(1)]) stream.say(message);
  assert.deepEqual(await it.client.hear(), result(1));
  await it.channel.send({ message: result(9) });
  assert.deepEqual(it.dropped(), [
    'down: the server asks "sampling/createMessage", which no client answers here',
    "down: it answers another request than the one it came to",
    "up: a server of this revision asks nothing itself",
  ]);
  assert.deepEqual(it.posted(), ["x"]);
});

Deno.test("modern takes what answers a request under an id of another type, or under none", async () => {
  for (const id of ["1", undefined]) {
    await using it = await modernRig(() => json({ jsonrpc: "2.0", id, error: { code: 7, message: "m" } }));
    it.client.say(modern(1, "x"));
    assert.deepEqual(await it.client.hear(), failure(1, "m", 7));
  }
});

Deno.test("modern says which message was not taken, and counts one that waits as waiting for the server", async () => {
  const taken = Promise.withResolvers<void>();
  await using it = await modernRig(async () => {
    await taken.promise;
    return new Response("no", { status: 400 });
  });
  const backlog = new Backlog(1_000);
  await using channel = await it.open({ ...MODERN, backlog });
  const sent = channel.send({ message: notification("notifications/vendor") });
  assert.notEqual(backlog.size, 0);
  taken.resolve();
  await sent;
  assert.equal(backlog.size, 0);
  assert.deepEqual(it.troubles(), [`a message was not taken: ${it.url} answered HTTP 400: no`]);
});

Deno.test("modern still hears what was asked after it has closed, and nothing once it is disposed", async () => {
  const stream = new EventStream();
  await using it = await modernRig(() => stream.response);
  it.client.say(modern(1, "x"));
  while (it.server.asked.length === 0) await settled();
  await it.channel.close();
  assert.throws(() => it.channel.send({ message: modern(2, "x") }), DisconnectedError);
  stream.say(progress("p"));
  assert.deepEqual(await it.client.hear(), progress("p"));
  await it.channel[Symbol.asyncDispose]();
  await stream.cancelled;
  assert.deepEqual(await it.client.rest(), { messages: [], error: undefined });
  assert.deepEqual(it.server.asked.map(({ method }) => method), ["POST"]);
});

Deno.test("modern follows a redirect with what it says in headers, and without what may be a credential", async () => {
  await using far = await modernRig(() => json(result(1)));
  await using it = await modernRig(() => new Response(null, { status: 307, headers: { Location: far.url } }));
  const launch = { ...MODERN, headers: { authorization: "Bearer t", "x-mine": "m" } };
  await using channel = await it.open(launch);
  await channel.send({ message: modern(1, "prompts/get", { name: "p" }) });
  while (far.server.asked.length === 0) await settled();
  const headers = far.server.asked[0]?.headers;
  assert.deepEqual(mirrored(headers), {
    "mcp-protocol-version": META["io.modelcontextprotocol/protocolVersion"],
    "mcp-method": "prompts/get",
    "mcp-name": "p",
  });
  assert.deepEqual([headers?.get("authorization"), headers?.get("x-mine")], [null, null]);
});
