import assert from "node:assert/strict";
import { DisconnectedError } from "../../core/errors.ts";
import { cancelled, failure, notification, request, result } from "../../../tests/support/messages.ts";
import { fakeClock } from "../../../tests/support/fake_clock.ts";
import { FarEnd, settled } from "../../../tests/support/far_end.ts";
import { deepAnswer } from "../../../tests/support/deep.ts";
import { LAUNCH } from "../../../tests/support/fake_backend.ts";
import { EventStream, json, loopback, remoteOptions } from "../../../tests/support/loopback.ts";
import { type Answer, initialize, streamableRig } from "../../../tests/support/streamable_rig.ts";
import { streamableBackend } from "./streamable.ts";

function text(body: string, status: number, headers: Record<string, string> = {}): Response {
  return new Response(body, { status, headers });
}

Deno.test("streamable takes the answer of a request as JSON, as it came", async () => {
  const body = '{ "jsonrpc":"2.0", "id":1, "result":{"e":1e2} }';
  await using it = await streamableRig(() =>
    text(body, 200, { "Content-Type": "application/json; charset=utf-8" })
  );
  it.client.say(request(1));
  const { message, text: came, relatesTo } = await it.client.next();
  assert.deepEqual([message, came, relatesTo], [result(1, { e: 100 }), body, 1]);
  const [asked] = it.server.asked;
  assert.deepEqual([asked?.method, asked?.body], ["POST", JSON.stringify(request(1))]);
  assert.equal(asked?.headers.get("accept"), "application/json, text/event-stream");
  assert.equal(asked?.headers.get("content-type"), "application/json");
  assert.equal(asked?.headers.get("mcp-session-id"), null);
});

Deno.test("streamable takes a batch as an answer, in which somebody else's may be too", async () => {
  await using it = await streamableRig(() => json([notification(), result(1)]));
  it.client.say(request(1));
  assert.deepEqual([await it.client.hear(), await it.client.hear()], [notification(), result(1)]);
});

Deno.test("streamable takes batches within events, of an answer and of the server's own stream", async () => {
  const own = new EventStream();
  const batch = [notification("a"), result(1), result(2)];
  await using it = await streamableRig(({ method, body }) => {
    if (method === "GET") return own.response;
    if (body.includes("notifications/initialized")) return text("", 202);
    return new EventStream(`data: ${JSON.stringify(batch)}\n\n`).response;
  });
  it.client.say(notification("notifications/initialized"));
  own.say([notification("b"), notification("c")]);
  assert.deepEqual([await it.client.hear(), await it.client.hear()], [notification("b"), notification("c")]);
  it.client.say(request(1));
  for (const message of batch) assert.deepEqual(await it.client.hear(), message);
});

Deno.test("streamable takes what answers a request under an id of another type, or under none", async () => {
  const long = "1915883588174806058";
  const said = [
    `{"jsonrpc":"2.0","id":"1","result":${long}}`,
    `{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"m","data":${long}}}`,
  ];
  const expected = [
    `{"jsonrpc":"2.0","id":1,"result":${long}}`,
    `{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"m","data":${long}}}`,
  ];
  for (const [at, body] of said.entries()) {
    for (const events of [false, true]) {
      await using it = await streamableRig(() =>
        events
          ? new EventStream(`data: ${body}\n\n`).response
          : text(body, 200, { "Content-Type": "application/json" })
      );
      it.client.say(request(1));
      const { message, text: heard, relatesTo } = await it.client.next();
      assert.equal(heard, expected[at]);
      assert.equal("id" in message && message.id, 1);
      assert.equal(relatesTo, 1);
    }
  }
});

Deno.test("streamable takes the answer of a request as events, up to the answer and no further", async () => {
  const stream = new EventStream("id: 1\ndata:\n\nevent: ping\ndata: {}\n\n");
  await using it = await streamableRig(() => stream.response);
  it.client.say(request(1));
  stream.say(notification());
  const { relatesTo } = await it.client.next();
  assert.equal(relatesTo, 1);
  stream.say(result(1));
  assert.deepEqual(await it.client.hear(), result(1));
  await stream.cancelled;
  assert.deepEqual(it.troubles(), []);
});

Deno.test("streamable resumes a broken answer, and fetches it without sending the request again", async () => {
  const first = new EventStream();
  const second = new EventStream();
  await using it = await streamableRig(({ method }) => method === "POST" ? first.response : second.response);
  it.client.say(request(1));
  first.say(notification(), "e1");
  await it.client.hear();
  first.end();
  second.say(result(1));
  assert.deepEqual(await it.client.hear(), result(1));
  assert.deepEqual(it.server.asked.map(({ method }) => method), ["POST", "GET"]);
  assert.equal(it.server.asked[1]?.headers.get("last-event-id"), "e1");
});

Deno.test("streamable never calls a request undelivered whose answer has begun, whatever resuming meets", async () => {
  for (const status of [401, 404, 405, 429, 503]) {
    const first = new EventStream();
    await using it = await streamableRig(({ method }) =>
      method === "POST" ? first.response : text("no", status, { "Retry-After": "0" })
    );
    await initialize(it);
    it.client.say(request(1));
    first.say(notification(), "e1");
    await it.client.hear();
    first.end();
    const { message, undelivered } = await it.client.next();
    const broke = `The connection to ${it.url} broke before the answer came; the request was not sent again`;
    assert.deepEqual([message, undelivered], [failure(1, broke, -32603), undefined], `${status}`);
  }
});

Deno.test("streamable says what is wrong with an answer that is none", async () => {
  const html = "<!DOCTYPE html><html>s3cret</html>";
  const long = JSON.stringify(result(1, "x".repeat(100_000)));
  const cases: [Answer, string][] = [
    [() => new Response(null, { status: 202 }), "answered HTTP 202 with Content-Type (none) instead of MCP"],
    [
      () => text(html, 200, { "Content-Type": "text/html" }),
      "answered HTTP 200 with an HTML page instead of MCP",
    ],
    [() => text(html, 502), "answered HTTP 502 with an HTML page instead of MCP"],
    [() => text("hi", 200), "answered HTTP 200 with Content-Type text/plain instead of MCP"],
    [() => text("a\n b ", 500), "answered HTTP 500: a b"],
    [() => text("", 500), "answered HTTP 500"],
    [() => json(result(2)), "answered without a response to the request"],
    [() => json({ hello: 1 }), "answered with something that is not JSON-RPC"],
    [
      () => text(deepAnswer(1), 200, { "Content-Type": "application/json" }),
      "answered with a message that nests deeper than 512 levels (--maxDepth)",
    ],
    [
      () => text(long, 200, { "Content-Type": "application/json" }),
      "sent an answer longer than 100000 bytes (--maxMessageSize)",
    ],
  ];
  for (const [answer, why] of cases) {
    await using it = await streamableRig(answer);
    it.client.say(request(1));
    let next = await it.client.next();
    if ("result" in next.message) next = await it.client.next(); // the answer to another request
    const code = why.includes("longer") ? -32000 : -32603;
    assert.deepEqual(next.message, failure(1, `${it.url} ${why}`, code));
    assert.equal(next.undelivered, undefined, why);
  }
});

Deno.test("streamable gives the reason of an error that names no request, as it came", async () => {
  const data = "1915883588174806058";
  for (const id of ["null", `"1"`, "1"]) {
    const body = `{"jsonrpc":"2.0","id":${id},"error":{"code":-32000,"message":"Not ready","data":${data}}}`;
    for (const status of [400, 409, 500]) {
      await using it = await streamableRig(() => text(body, status, { "Content-Type": "application/json" }));
      it.client.say(request(1));
      const { text: came, relatesTo } = await it.client.next();
      assert.deepEqual([came, relatesTo], [body.replace(`"id":${id}`, `"id":1`), 1]);
    }
  }
});

Deno.test("streamable knows a server of the older transport by what it answers to a POST", async () => {
  await using it = await streamableRig(
    () => text("", 500),
    {},
    () => new EventStream("event: endpoint\ndata: /message\n\n").response,
  );
  it.client.say(request("init", "initialize"));
  const { message, undelivered } = await it.client.next();
  const why =
    "answered a message with the beginning of an SSE session: it speaks the older transport (--sse)";
  assert.deepEqual(message, failure("init", `${it.url} ${why}`, -32603));
  assert.deepEqual(undelivered, { again: "later", afterMs: undefined, why: "foreign" });
});

Deno.test("streamable says nothing before initialize is answered, and then everything in its order", async () => {
  const accepted = Promise.withResolvers<void>();
  const taken = Promise.withResolvers<void>();
  await using it = await streamableRig(
    async ({ method, body }) => {
      if (method === "GET") return text("", 405);
      if (body.includes("notifications/initialized")) await taken.promise;
      return body.includes("tools/call") ? json(result(2)) : text("", 202);
    },
    {},
    async () => {
      await accepted.promise;
      return json(result(1, { protocolVersion: "2025-06-18" }), { "Mcp-Session-Id": "s1" });
    },
  );
  const said = () => it.server.asked.filter(({ method }) => method === "POST").map(({ body }) => body);
  const all = [
    request(1, "initialize"),
    notification("notifications/initialized"),
    request(2),
  ];
  it.client.say(...all, request(3), cancelled(3));
  while (said().length === 0) await settled();
  await settled();
  assert.equal(said().length, 1);
  // Without waiting for anything: it may be what the server waits for.
  it.client.say(result("question"));
  while (said().length === 1) await settled();
  accepted.resolve();
  while (said().length === 2) await settled();
  await settled();
  taken.resolve();
  while (said().length < 4) await settled();
  assert.deepEqual(
    said(),
    [all[0], result("question"), ...all.slice(1)].map((message) => JSON.stringify(message)),
  );
  const sessions = it.server.asked.map(({ headers }) => headers.get("mcp-session-id"));
  assert.deepEqual(sessions, [null, null, "s1", "s1", "s1"]);
});

Deno.test("streamable does not go on to fetch the answer of a call that was cancelled", async () => {
  using clock = fakeClock();
  const first = new EventStream();
  await using it = await streamableRig(({ method, body }) => {
    if (method === "GET") return text("", 500);
    return body.includes("cancelled") ? text("", 202) : first.response;
  });
  it.client.say(request(1));
  first.say(notification(), "e1");
  await it.client.hear();
  first.end();
  while (clock.timers === 0) await settled();
  await it.channel.send({ message: cancelled(1) });
  clock.pass(60_000);
  await settled();
  assert.deepEqual(it.server.asked.map(({ method }) => method), ["POST", "POST"]);
});

Deno.test("streamable says which flags give credentials, and that nothing was delivered", async () => {
  const ways = {
    401: "give credentials that count there, by --oauth2Bearer or --header",
    403: "the credentials of --oauth2Bearer or --header do not suffice",
  };
  for (const [status, way] of Object.entries(ways)) {
    await using it = await streamableRig(() => text("s3cret", Number(status)));
    it.client.say(request(1));
    const { message, undelivered } = await it.client.next();
    assert.deepEqual(message, failure(1, `${it.url} answered HTTP ${status}: ${way}`, -32603));
    assert.deepEqual(undelivered, { again: "never", afterMs: undefined, why: undefined });
  }
});

Deno.test("streamable names the flags for what the server says that it accepts", async () => {
  for (
    const [kinds, flags] of [
      [["apiKey", "basic", "jwt"], "--oauth2Bearer or --header"],
      [["keypair"], "--keypair"],
      [["constructor", 1], "--oauth2Bearer or --header"],
      ["keypair", "--oauth2Bearer or --header"],
    ] as const
  ) {
    const error = { code: -32000, message: "no", data: { auth: { kinds } } };
    const body = JSON.stringify({ jsonrpc: "2.0", id: null, error });
    const headers = { "Content-Type": "application/json" };
    await using it = await streamableRig(() => new Response(body, { status: 401, headers }));
    it.client.say(request(1));
    const { message } = await it.client.next();
    const told = `${it.url} answered HTTP 401: give credentials that count there, by ${flags}; it says: no`;
    assert.deepEqual(message, failure(1, told, -32603));
  }
});

Deno.test("streamable calls a refused initialize undelivered, whatever the status, and a refused call only where it is certain", async () => {
  const again = { 400: "never", 404: "never", 405: "never", 429: "later", 500: "later", 503: "later" };
  for (const [key, verdict] of Object.entries(again)) {
    const status = Number(key);
    await using server = loopback(() => text("no", status));
    const backend = streamableBackend(remoteOptions(server.url));
    await using channel = await backend.open(LAUNCH, new AbortController().signal);
    const client = new FarEnd(channel);
    client.say(request(1, "initialize"));
    assert.equal((await client.next()).undelivered?.again, verdict, key);
    client.say(request(2));
    const certain = [404, 405, 429].includes(status);
    assert.equal((await client.next()).undelivered?.again, certain ? verdict : undefined, key);
  }
});

Deno.test("streamable sends the session and the version that initialize gave, and DELETE at close", async () => {
  await using it = await streamableRig(({ method }) => text("", method === "GET" ? 405 : 202));
  await initialize(it);
  await it.channel.send({ message: notification("notifications/initialized") });
  while (it.server.asked.length < 3) await settled();
  await it.channel.close();
  const seen = it.server.asked.map(({ method, headers }) =>
    [method, headers.get("mcp-session-id"), headers.get("mcp-protocol-version")].join(" ")
  );
  const session = "s1 2025-06-18";
  assert.deepEqual(seen, ["POST  ", `GET ${session}`, `POST ${session}`, `DELETE ${session}`]);
  assert.throws(() => it.channel.send({ message: request(1) }), DisconnectedError);
  assert.deepEqual(it.troubles(), []);
});

Deno.test("streamable sends the headers of its launch with everything, and those of the protocol win over them", async () => {
  await using server = loopback(({ method, body }) => {
    if (method !== "POST") return text("", 405);
    if (!body.includes('initialize"')) return text("", 202);
    return Response.json(result(1), { headers: { "mcp-session-id": "s1" } });
  });
  const launch = { ...LAUNCH, headers: { "x-key": "own", Accept: "text/plain" } };
  const channel = await streamableBackend(remoteOptions(server.url)).open(
    launch,
    new AbortController().signal,
  );
  const client = new FarEnd(channel);
  client.say(request(1, "initialize"));
  await client.hear();
  await channel.send({ message: notification("notifications/initialized") });
  await channel.close();
  await channel[Symbol.asyncDispose]();
  const seen = new Set(server.asked.map(({ method, headers }) => `${method} ${headers.get("x-key")}`));
  assert.deepEqual(seen, new Set(["POST own", "GET own", "DELETE own"]));
  assert.equal(server.asked[0]?.headers.get("accept"), "application/json, text/event-stream");
});

Deno.test("streamable takes no protocol version for a header that cannot be one", async () => {
  await using server = loopback(() => json(result(1, { protocolVersion: "a\nb" })));
  const backend = streamableBackend(remoteOptions(server.url));
  await using channel = await backend.open(LAUNCH, new AbortController().signal);
  const client = new FarEnd(channel);
  client.say(request(1, "initialize"));
  await client.hear();
  client.say(request(1));
  assert.deepEqual(await client.hear(), result(1, { protocolVersion: "a\nb" }));
});
