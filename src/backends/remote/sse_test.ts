import assert from "node:assert/strict";
import {
  BackendError,
  DisconnectedError,
  GatewayError,
  TimeoutError,
  TooLargeError,
} from "../../core/errors.ts";
import { DEEP_ANSWER_REFUSED, deepAnswer } from "../../../tests/support/deep.ts";
import { LAUNCH } from "../../../tests/support/fake_backend.ts";
import { FarEnd, settled } from "../../../tests/support/far_end.ts";
import { type Asked, EventStream, loopback, nobody, remoteOptions } from "../../../tests/support/loopback.ts";
import { failure, notification, request, result } from "../../../tests/support/messages.ts";
import { recorder } from "../../../tests/support/recorder.ts";
import type { RemoteOptions } from "./remote.ts";
import { RemoteError } from "./remote_error.ts";
import { sseBackend } from "./sse.ts";

type Answer = (asked: Asked) => Response | Promise<Response>;

const { signal } = new AbortController();

/** A channel over this stream, whose messages get this answer. */
async function connected(
  stream: EventStream,
  post: Answer = () => new Response("Accepted", { status: 202 }),
) {
  const server = loopback((asked) => asked.method === "GET" ? stream.response : post(asked));
  const record = recorder();
  const backend = sseBackend(remoteOptions(new URL("/sse?key=s3cret", server.url), { emit: record.emit }));
  const channel = await backend.open(LAUNCH, signal);
  return {
    server,
    channel,
    client: new FarEnd(channel),
    troubles: () => record.told("server.trouble").map(({ reason }) => reason),
    async [Symbol.asyncDispose]() {
      await channel[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

async function refusal(url: URL, options: Partial<RemoteOptions> = {}): Promise<GatewayError> {
  const error = await sseBackend(remoteOptions(url, options)).open(LAUNCH, signal).catch((error) => error);
  assert(error instanceof GatewayError, `${error}`);
  return error;
}

Deno.test("sse posts to the endpoint that the server names, and hears the stream", async () => {
  for (const endpoint of ["/message?id=1", "message?id=1", "?id=1"]) {
    const stream = new EventStream(`event: other\ndata: x\n\nevent: endpoint\ndata: ${endpoint}\n\n`);
    await using it = await connected(stream);
    await it.channel.send({ message: notification() });
    const posted = it.server.asked[1]!;
    assert.equal(new URL(posted.request.url).search, "?id=1");
    assert.equal(posted.path, endpoint.startsWith("?") ? "/sse" : "/message");
    assert.equal(posted.headers.get("content-type"), "application/json");
    assert.equal(posted.body, JSON.stringify(notification()));
    stream.say(result(1));
    assert.deepEqual(await it.client.hear(), result(1));
  }
});

Deno.test("sse sends the headers of its launch with its stream and with each message", async () => {
  const stream = new EventStream("event: endpoint\ndata: /m\n\n");
  await using server = loopback(({ method }) =>
    method === "GET" ? stream.response : new Response(null, { status: 202 })
  );
  const launch = { ...LAUNCH, headers: { "x-key": "own" } };
  await using channel = await sseBackend(remoteOptions(server.url)).open(launch, signal);
  await channel.send({ message: notification() });
  assert.deepEqual(server.asked.map(({ method, headers }) => [method, headers.get("x-key")]), [
    ["GET", "own"],
    ["POST", "own"],
  ]);
});

Deno.test("sse takes an absolute endpoint of its own origin, and none of another", async () => {
  for (const foreign of [false, true]) {
    let origin = "http://127.0.0.1:1";
    await using server = loopback(({ method }) =>
      method === "GET"
        ? new EventStream(`event: endpoint\ndata: ${origin}/message\n\n`).response
        : new Response(null, { status: 202 })
    );
    if (foreign) {
      const error = await refusal(server.url);
      assert(error instanceof BackendError && error.permanent);
      assert.match(error.message, /names an endpoint of another origin, which is not trusted$/);
      assert.equal(server.asked.length, 1);
      continue;
    }
    origin = server.url.origin;
    await using channel = await sseBackend(remoteOptions(server.url)).open(LAUNCH, signal);
    await channel.send({ message: notification() });
    assert.equal(server.asked[1]?.path, "/message");
  }
});

Deno.test("sse says why there is no event stream", async () => {
  const cases: [() => Response, string, boolean][] = [
    [() => new Response("no", { status: 404 }), "answered HTTP 404: no", true],
    [() => new Response("no", { status: 503 }), "answered HTTP 503: no", false],
    [() => Response.json({}), "answered HTTP 200 with Content-Type application/json instead of MCP", false],
  ];
  for (const [answer, why, permanent] of cases) {
    await using server = loopback(answer);
    const error = await refusal(server.url);
    assert(error instanceof RemoteError);
    assert.deepEqual([error.message, error.permanent], [`${server.url.href} ${why}`, permanent]);
  }
  const url = nobody();
  assert.equal((await refusal(url)).message, `Cannot reach ${url.href}: Connection refused`);
});

Deno.test("sse says that the stream ended, broke or kept silent before it named an endpoint", async () => {
  const ends: [(stream: EventStream) => void, number, RegExp][] = [
    [(stream) => stream.end(), 600_000, /ended its event stream at once$/],
    [(stream) => stream.break(), 600_000, /broke off its event stream$/],
    [() => {}, 30, /did not open its event stream within 30 ms$/],
  ];
  for (const [end, connectTimeoutMs, why] of ends) {
    const stream = new EventStream(":\n\n");
    await using server = loopback(() => {
      queueMicrotask(() => end(stream));
      return stream.response;
    });
    const error = await refusal(server.url, { connectTimeoutMs });
    assert.match(error.message, why);
    assert.equal(error instanceof TimeoutError, why.source.includes("within"));
  }
});

Deno.test("sse stops connecting when its signal says so, also when that was before", async () => {
  const stream = new EventStream(":\n\n");
  await using server = loopback(() => stream.response);
  const abort = new AbortController();
  const opening = sseBackend(remoteOptions(server.url)).open(LAUNCH, abort.signal);
  abort.abort(new DisconnectedError("enough"));
  await assert.rejects(opening, /enough/);
  await assert.rejects(sseBackend(remoteOptions(server.url)).open(LAUNCH, abort.signal), /enough/);
  assert(server.asked.length <= 1);
});

Deno.test("sse breaks when the stream ends, and answers nothing that was sent", async () => {
  const stream = new EventStream("event: endpoint\ndata: /m\n\n");
  await using it = await connected(stream);
  it.client.say(request(1));
  stream.end();
  const { messages, error } = await it.client.rest();
  assert.deepEqual(messages, []);
  assert(error instanceof DisconnectedError);
  assert.equal(error.message, "The MCP server closed its event stream");
  assert.throws(() => it.channel.send({ message: request(2) }), DisconnectedError);
});

Deno.test("sse answers a request whose message was not taken, and goes on", async () => {
  const stream = new EventStream("event: endpoint\ndata: /m\n\n");
  let status = 500;
  await using it = await connected(
    stream,
    () => new Response("no", { status, headers: { "Retry-After": "2" } }),
  );
  const { host } = it.server.url;
  for (const undelivered of [undefined, { again: "later", afterMs: 2000, why: undefined }]) {
    it.client.say(request(1));
    const next = await it.client.next();
    assert.deepEqual(next.message, failure(1, `http://${host}/m answered HTTP ${status}: no`, -32603));
    assert.deepEqual(next.undelivered, undelivered);
    status = 429;
  }
  await it.channel.send({ message: notification() });
  assert.deepEqual(it.troubles(), [`a message was not taken: http://${host}/m answered HTTP 429: no`]);
});

Deno.test("sse gives the reason of an error that comes in answer to a POST and names no request", async () => {
  const stream = new EventStream("event: endpoint\ndata: /m\n\n");
  await using it = await connected(stream, () => Response.json(failure(null, "Not ready"), { status: 400 }));
  it.client.say(request(1));
  assert.deepEqual((await it.client.next()).message, failure(1, "Not ready"));
});

Deno.test("sse says nothing before initialize is answered, and then everything in its order", async () => {
  for (const answer of [result(1), result("1"), failure(null)]) {
    const stream = new EventStream("event: endpoint\ndata: /m\n\n");
    await using it = await connected(stream);
    const all = [request(1, "initialize"), notification("notifications/initialized"), request(2)];
    it.client.say(...all);
    while (it.server.asked.length < 2) await settled();
    await settled();
    assert.equal(it.server.asked.length, 2);
    stream.say(answer);
    assert.deepEqual(await it.client.hear(), answer);
    while (it.server.asked.length < 4) await settled();
    const said = it.server.asked.slice(1).map(({ body }) => body);
    assert.deepEqual(said, all.map((message) => JSON.stringify(message)));
  }
});

Deno.test("sse takes 404 for the end of the session", async () => {
  const stream = new EventStream("event: endpoint\ndata: /m\n\n");
  await using it = await connected(stream, () => new Response("no", { status: 404 }));
  it.client.say(request(1));
  assert.equal((await it.client.next()).undelivered?.again, "now");
  assert((await it.client.rest()).error instanceof DisconnectedError);
  await stream.cancelled;
});

Deno.test("sse tells the asker whose answer is not taken", async () => {
  const stream = new EventStream("event: endpoint\ndata: /m\n\n");
  await using it = await connected(stream);
  stream.write(`data: ${deepAnswer(1)}\n\ndata: {"jsonrpc":"2.0","id":"2","error":1}\n\n`);
  assert.deepEqual(await it.client.hear(), failure(1, DEEP_ANSWER_REFUSED, -32603));
  assert.deepEqual(
    await it.client.hear(),
    failure("2", "The MCP server's answer is not valid JSON-RPC", -32603),
  );
});

Deno.test("sse takes the batch of an event", async () => {
  const stream = new EventStream("event: endpoint\ndata: /message\n\n");
  await using it = await connected(stream);
  const batch = [result(1), notification("a"), result(2)];
  stream.say(batch);
  for (const message of batch) assert.deepEqual(await it.client.hear(), message);
});

Deno.test("sse refuses an event that is too long to its asker, and goes on after it, however it comes", async () => {
  const long = "x".repeat(100_001);
  const answer = JSON.stringify({ result: { long, id: 7, more: [`"}`] }, jsonrpc: "2.0", id: 1 });
  const error = "was refused: the server sent an event longer than 100000 bytes (--maxMessageSize)";
  const ways = [
    [`: hello\n\ndata: ${answer}\n\n`],
    [`data: ${answer.slice(0, 50_000)}`, answer.slice(50_000), "\n", "\n"],
    [`data: ${answer.slice(0, 100_000)}`, `${answer.slice(100_000)}\r\n`, "\r\n"],
    [`data: {\ndata: "id":1,\n`, "data: \n".repeat(20_000), `data: "jsonrpc":"2.0","result":1}\n\n`],
  ];
  for (const pieces of ways) {
    const stream = new EventStream("event: endpoint\ndata: /m\n\n");
    await using it = await connected(stream);
    stream.say(notification("before"));
    assert.deepEqual(await it.client.hear(), notification("before"));
    for (const piece of pieces) {
      stream.write(piece);
      await new Promise((resolve) => setTimeout(resolve));
    }
    stream.say(result(2));
    assert.deepEqual(await it.client.hear(), failure(1, `The MCP server's answer ${error}`, -32603));
    assert.deepEqual(await it.client.hear(), result(2));
  }
});

Deno.test("sse leaves out an event that is no message, and breaks at one without end", async () => {
  const stream = new EventStream("event: endpoint\ndata: /m\n\n");
  await using it = await connected(stream);
  stream.write("data: nonsense\n\ndata:\n\n");
  stream.say(notification());
  assert.deepEqual(await it.client.hear(), notification());
  assert.deepEqual(it.troubles(), ["an event was not taken: Parse error: the message is not valid JSON"]);
  for (let piece = 0; piece < 17; piece++) stream.write("data: " + "x".repeat(100_000));
  assert((await it.client.rest()).error instanceof TooLargeError);
});

Deno.test("sse lets go of the stream at its dispose, and says no more", async () => {
  const stream = new EventStream("event: endpoint\ndata: /m\n\n");
  await using it = await connected(stream);
  await it.channel.close();
  assert.throws(() => it.channel.send({ message: request(1) }), DisconnectedError);
  await it.channel[Symbol.asyncDispose]();
  await stream.cancelled;
  assert.deepEqual(await it.client.rest(), { messages: [], error: undefined });
});
