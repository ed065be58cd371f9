import assert from "node:assert/strict";
import { DisconnectedError, TimeoutError } from "../../core/errors.ts";
import { DEEP_ANSWER_REFUSED, deepAnswer } from "../../../tests/support/deep.ts";
import { LAUNCH } from "../../../tests/support/fake_backend.ts";
import { FarEnd } from "../../../tests/support/far_end.ts";
import { client, loopback, nobody, remoteOptions } from "../../../tests/support/loopback.ts";
import { cancelled, failure, notification, request, result } from "../../../tests/support/messages.ts";
import { MODERN, modern } from "../../../tests/support/modern_rig.ts";
import { recorder } from "../../../tests/support/recorder.ts";
import { RemoteError } from "./remote_error.ts";
import { webSocketBackend } from "./websocket.ts";

const { signal } = new AbortController();

function wsUrl(http: URL): URL {
  return new URL(`ws://${http.host}/ws?key=s3cret`);
}

/** A server whose first socket is given. */
function socketServer() {
  const accepted = Promise.withResolvers<WebSocket>();
  const server = loopback(({ request }) => {
    const { socket, response } = Deno.upgradeWebSocket(request, { protocol: "mcp" });
    socket.addEventListener("open", () => accepted.resolve(socket));
    return response;
  });
  return { server, accepted: accepted.promise };
}

Deno.test("websocket speaks mcp with the configured headers, both ways", async () => {
  const { server, accepted } = socketServer();
  await using _server = server;
  const { emit, told } = recorder();
  const http = client({ headers: { authorization: "Bearer t" } });
  const backend = webSocketBackend({ ...remoteOptions(wsUrl(server.url)), client: http, emit });
  assert.equal(backend.name, `ws://${server.url.host}/ws`);
  const channel = await backend.open(LAUNCH, signal);
  const far = new FarEnd(channel);
  const socket = await accepted;
  const [asked] = server.asked;
  assert.equal(asked?.headers.get("authorization"), "Bearer t");
  assert.equal(asked?.headers.get("sec-websocket-protocol"), "mcp");
  const heard = new Promise((resolve) => socket.addEventListener("message", ({ data }) => resolve(data)));
  far.say(request(1));
  assert.equal(await heard, JSON.stringify(request(1)));
  socket.send("nonsense");
  socket.send(deepAnswer(7));
  socket.send(JSON.stringify(result(1)));
  assert.deepEqual(await far.hear(), failure(7, DEEP_ANSWER_REFUSED, -32603));
  assert.deepEqual(await far.hear(), result(1));
  assert.match(told("server.trouble")[0]?.reason ?? "", /not valid JSON/);
  const closed = new Promise((resolve) => socket.addEventListener("close", resolve));
  await channel[Symbol.asyncDispose]();
  await closed;
});

Deno.test("websocket sends the headers of its launch on top of those that are configured", async () => {
  const { server } = socketServer();
  await using _server = server;
  const http = client({ headers: { authorization: "Bearer t", "x-a": "b" } });
  const backend = webSocketBackend({ ...remoteOptions(wsUrl(server.url)), client: http });
  const launch = { ...LAUNCH, headers: { Authorization: "Bearer own" } };
  await using _channel = await backend.open(launch, signal);
  const [asked] = server.asked;
  assert.deepEqual([asked?.headers.get("authorization"), asked?.headers.get("x-a")], ["Bearer own", "b"]);
});

Deno.test("websocket carries messages of the modern era as they are, questions and cancellations included", async () => {
  const { server, accepted } = socketServer();
  await using _server = server;
  const backend = webSocketBackend(remoteOptions(wsUrl(server.url)));
  const channel = await backend.open(MODERN, signal);
  const far = new FarEnd(channel);
  const socket = await accepted;
  const heard: string[] = [];
  socket.addEventListener("message", ({ data }) => {
    heard.push(data);
    if (heard.length === 2) socket.send(JSON.stringify(failure(1, "no", -32022)));
  });
  const said = [modern(1, "server/discover"), cancelled(1)];
  far.say(...said);
  const { message, undelivered } = await far.next();
  assert.deepEqual([message, undelivered], [failure(1, "no", -32022), undefined]);
  assert.deepEqual(heard, said.map((message) => JSON.stringify(message)));
  await channel[Symbol.asyncDispose]();
});

Deno.test("websocket breaks when the server closes", async () => {
  const { server, accepted } = socketServer();
  await using _server = server;
  await using channel = await webSocketBackend(remoteOptions(wsUrl(server.url))).open(LAUNCH, signal);
  (await accepted).close(1001, "restarting");
  const { error } = await new FarEnd(channel).rest();
  assert(error instanceof DisconnectedError);
  assert.equal(error.message, "The MCP server closed its socket");
  assert.throws(() => channel.send({ message: notification() }), DisconnectedError);
});

Deno.test("websocket says why it cannot open its socket", async () => {
  const failureOf = async (url: URL) => {
    const error = await webSocketBackend(remoteOptions(url)).open(LAUNCH, signal).catch((error) => error);
    assert(error instanceof RemoteError, `${error}`);
    assert.doesNotMatch(error.message, /s3cret/);
    return error;
  };
  const refused = await failureOf(wsUrl(nobody()));
  assert.match(refused.message, /^Cannot reach ws:\/\/127\.0\.0\.1:\d+\/ws: /);
  assert.deepEqual([refused.delivered, refused.permanent], [false, false]);
  for (const [status, permanent] of [[401, true], [403, true], [404, true], [503, false]] as const) {
    await using server = loopback(() => new Response("no", { status }));
    const error = await failureOf(wsUrl(server.url));
    const way = status < 404 ? ": give credentials that count there, by --oauth2Bearer or --header" : "";
    assert.equal(error.message, `ws://${server.url.host}/ws answered HTTP ${status}${way}`);
    assert.deepEqual([error.remoteStatus, error.permanent], [status, permanent]);
  }
});

Deno.test("websocket gives up a server that does not answer, in time or when its signal says so", async () => {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const url = new URL(`ws://127.0.0.1:${listener.addr.port}/ws`);
  const accepted: Deno.Conn[] = [];
  const silent = (async () => {
    for await (const connection of listener) accepted.push(connection);
  })().catch(() => {});
  const late = webSocketBackend({ ...remoteOptions(url), connectTimeoutMs: 20 }).open(LAUNCH, signal);
  await assert.rejects(late, (error) => {
    assert(error instanceof TimeoutError);
    assert.equal(error.message, `${url.href} did not open its socket within 20 ms`);
    return true;
  });
  const abort = new AbortController();
  const opening = webSocketBackend(remoteOptions(url)).open(LAUNCH, abort.signal);
  abort.abort(new Error("enough"));
  await assert.rejects(opening, /enough/);
  await assert.rejects(webSocketBackend(remoteOptions(url)).open(LAUNCH, abort.signal), /enough/);
  listener.close();
  await silent;
  for (const connection of accepted) connection.close();
});
