import assert from "node:assert/strict";
import { settled } from "../../../tests/support/far_end.ts";
import { fakeClock } from "../../../tests/support/fake_clock.ts";
import { type Asked, EventStream, json } from "../../../tests/support/loopback.ts";
import { failure, notification, request, result } from "../../../tests/support/messages.ts";
import { type Answer, initialize, streamableRig } from "../../../tests/support/streamable_rig.ts";

const INITIALIZED = notification("notifications/initialized");
const ODD = "it answers requests on the event stream that is for what it says by itself";

type Rig = Awaited<ReturnType<typeof streamableRig>>;

function taken(): Response {
  return new Response(null, { status: 202 });
}

function gets({ server }: Rig): Asked[] {
  return server.asked.filter(({ method }) => method === "GET");
}

/** A server whose own stream this is, and that answers each POST so; its session is begun. */
async function begun(own: EventStream, post: Answer = taken) {
  const it = await streamableRig((asked) => asked.method === "GET" ? own.response : post(asked));
  await initialize(it);
  await it.channel.send({ message: INITIALIZED });
  while (gets(it).length === 0) await settled();
  return it;
}

Deno.test("OwnStream is asked for as soon as there is a session, before the handshake is over", async () => {
  const own = new EventStream(":\n\n");
  await using it = await streamableRig(() => own.response);
  await initialize(it);
  while (gets(it).length === 0) await settled();
  own.say(notification("early"));
  assert.deepEqual(await it.client.hear(), notification("early"));
  assert.equal(gets(it)[0]?.headers.get("mcp-session-id"), "s1");
});

Deno.test("OwnStream is there before the server hears that the handshake is over, unless it takes its time", async () => {
  for (const prompt of [true, false]) {
    using clock = fakeClock();
    const header = Promise.withResolvers<void>();
    const own = new EventStream(":\n\n");
    await using it = await streamableRig(async ({ method }) => {
      if (method === "GET") await header.promise;
      return method === "GET" ? own.response : taken();
    });
    await initialize(it);
    const sent = it.channel.send({ message: INITIALIZED });
    while (gets(it).length === 0) await settled();
    await settled();
    assert.deepEqual(it.server.asked.map(({ method }) => method), ["POST", "GET"]);
    if (prompt) header.resolve();
    else clock.pass(1_000);
    await sent;
    assert.deepEqual(it.server.asked.map(({ method }) => method), ["POST", "GET", "POST"]);
    header.resolve();
  }
});

Deno.test("OwnStream is asked for once more by who was refused it before the handshake was over", async () => {
  for (const status of [400, 401, 404, 409]) {
    const own = new EventStream(":\n\n");
    let handshake = false;
    await using it = await streamableRig(({ method }) => {
      if (method !== "GET") handshake = true;
      else return handshake ? own.response : new Response("too early", { status });
      return taken();
    });
    await initialize(it);
    while (gets(it).length === 0) await settled();
    await it.channel.send({ message: INITIALIZED });
    own.say(notification());
    assert.deepEqual(await it.client.hear(), notification());
    assert.deepEqual([gets(it).length, it.troubles()], [2, []]);
  }
});

Deno.test("OwnStream is asked for once where there never is one, and a page in its place is told once", async () => {
  const page = () => new Response("<!doctype html>", { headers: { "Content-Type": "text/html" } });
  const answers: [() => Response, string[]][] = [
    [() => new Response(null, { status: 405 }), []],
    [page, ["HTTP 200 with an HTML page"]],
    [() => new Response(null, { status: 204 }), ["HTTP 204 with Content-Type (none)"]],
  ];
  for (const [answer, odd] of answers) {
    using clock = fakeClock();
    await using it = await streamableRig(({ method }) => method === "GET" ? answer() : taken());
    await initialize(it);
    await it.channel.send({ message: INITIALIZED });
    for (let turn = 0; turn < 3; turn++) {
      clock.pass(60_000);
      await settled();
    }
    assert.equal(gets(it).length, 1);
    assert.deepEqual(
      it.oddities(),
      odd.map((what) => `what it says by itself cannot be heard: ${it.url} answered ${what} instead of MCP`),
    );
    assert.deepEqual(it.troubles(), []);
  }
});

Deno.test("OwnStream that ends again and again, or fails, is told once", async () => {
  const again = "it is asked for again and again, at pauses that grow (--retryMaxDelay)";
  const cases: [() => Response, (url: string) => [string[], string[]]][] = [
    [
      () => {
        const stream = new EventStream("id: 1\ndata:\n\n");
        stream.end();
        return stream.response;
      },
      () => [[`its own event stream ends without a message; ${again}`], []],
    ],
    [
      () => new Response("down", { status: 500 }),
      (url) => [[], [`the server's own stream cannot be had: ${url} answered HTTP 500: down; ${again}`]],
    ],
  ];
  for (const [answer, told] of cases) {
    const retry = { attempts: 2, firstDelayMs: 0, maxDelayMs: 600_000 };
    await using it = await streamableRig(({ method }) => method === "GET" ? answer() : taken(), { retry });
    await initialize(it);
    await it.channel.send({ message: INITIALIZED });
    while (gets(it).length < 8) await settled();
    assert.deepEqual([it.oddities(), it.troubles()], told(it.url));
  }
});

Deno.test("OwnStream brings the answers of a server that only takes requests, however it says so", async () => {
  const ended = () => {
    const stream = new EventStream();
    stream.end();
    return stream.response;
  };
  const ways: (() => Response)[] = [
    taken,
    () => new Response("Accepted", { status: 202 }),
    () => new Response(null, { status: 204 }),
    () => new Response("", { headers: { "Content-Type": "application/json" } }),
    ended,
  ];
  for (const way of ways) {
    const own = new EventStream(":\n\n");
    await using it = await begun(own, way);
    it.client.say(request(1), request("2"));
    while (it.server.asked.length < 5) await settled();
    own.say(notification());
    own.say(result("1", { n: 1 }));
    own.say(failure("2", "no"));
    assert.equal((await it.client.next()).relatesTo, undefined);
    assert.deepEqual((await it.client.next()).relatesTo, 1);
    assert.deepEqual(await it.client.next(), {
      message: failure("2", "no"),
      text: JSON.stringify(failure("2", "no")),
      relatesTo: "2",
    });
    assert.deepEqual([new Set(it.oddities()), it.troubles()], [new Set([ODD]), []]);
  }
});

Deno.test("OwnStream may bring an answer before its request is acknowledged, and while another stream is open for it", async () => {
  const acknowledged = Promise.withResolvers<Response>();
  const silent = new EventStream(":\n\n");
  for (const post of [() => acknowledged.promise, () => silent.response]) {
    const own = new EventStream(":\n\n");
    await using it = await begun(own, ({ body }) => body.includes("tools/call") ? post() : taken());
    it.client.say(request(1));
    while (it.server.asked.length < 4) await settled();
    own.say(result(1));
    assert.deepEqual(await it.client.hear(), result(1));
    acknowledged.resolve(taken());
    await it.channel.send({ message: notification() });
    await settled();
    own.say(notification("last"));
    // Nothing else is said of the request.
    assert.deepEqual(await it.client.hear(), notification("last"));
  }
  await silent.cancelled;
});

Deno.test("OwnStream that is over answers nothing more, and those who waited for that hear so", async () => {
  const own = new EventStream(":\n\n");
  let opened = 0;
  await using it = await streamableRig(({ method }) => {
    if (method !== "GET") return taken();
    return opened++ === 0 ? own.response : new Response("no more", { status: 401 });
  });
  await initialize(it);
  await it.channel.send({ message: INITIALIZED });
  it.client.say(request(1));
  while (it.server.asked.length < 4) await settled();
  await settled();
  own.say(notification());
  // So far it may still come.
  assert.deepEqual(await it.client.hear(), notification());
  own.end();
  const none = failure(1, `${it.url} answered HTTP 202 with Content-Type (none) instead of MCP`, -32603);
  assert.deepEqual((await it.client.next()).message, none);
  it.client.say(request(1));
  assert.deepEqual((await it.client.next()).message, none);
});

Deno.test("OwnStream brings the answer of a handshake that was only taken, where that gave a session", async () => {
  const own = new EventStream(":\n\n");
  const given = { "Mcp-Session-Id": "s2" };
  await using it = await streamableRig(
    ({ method, body }) => {
      if (method === "GET") return own.response;
      return body.includes("tools/call") ? json(result(1)) : taken();
    },
    {},
    () => new Response(null, { status: 202, headers: given }),
  );
  it.client.say(request("init", "initialize"));
  while (gets(it).length === 0) await settled();
  own.say(result("init", { protocolVersion: "2025-06-18" }));
  assert.deepEqual(await it.client.hear(), result("init", { protocolVersion: "2025-06-18" }));
  it.client.say(request(1));
  assert.deepEqual(await it.client.hear(), result(1));
  const { headers } = it.server.asked.at(-1)!;
  assert.deepEqual([headers.get("mcp-session-id"), headers.get("mcp-protocol-version")], [
    "s2",
    "2025-06-18",
  ]);
});

Deno.test("OwnStream brings an error without an id to the one request that waits for it", async () => {
  const own = new EventStream(":\n\n");
  await using it = await begun(own);
  it.client.say(request(1));
  while (it.server.asked.length < 4) await settled();
  own.say(failure(null, "broken"));
  const { message, relatesTo } = await it.client.next();
  assert.deepEqual([message, relatesTo], [failure(null, "broken"), 1]);
  // Nobody waits any more, so that the end of the stream is not told to anybody.
  await it.channel[Symbol.asyncDispose]();
  assert.deepEqual(await it.client.rest(), { messages: [], error: undefined });
});
