/** What goes wrong with a remote server and its network, one fault a test, seen by a client on stdio. */
import assert from "node:assert/strict";
import { Bridge, QUICK_RETRY } from "../support/bridge.ts";
import { Cable } from "../support/cable.ts";
import { eventually, leapUntil } from "../support/keystone.ts";
import { callTool, initialize, request } from "../support/rpc.ts";
import {
  endless,
  eventOf,
  events,
  EventStream,
  HttpRemote,
  onTool,
  politeAnswer,
  type Script,
  SESSION,
  SseRemote,
  toolOf,
  WebSocketRemote,
} from "../support/scripted_remote.ts";

const WIRES = [
  { wire: "Streamable HTTP", flag: "--streamableHttp", path: "/mcp", scheme: "http", Remote: HttpRemote },
  { wire: "SSE", flag: "--sse", path: "/sse", scheme: "http", Remote: SseRemote },
  { wire: "WebSocket", flag: "--ws", path: "/ws", scheme: "ws", Remote: WebSocketRemote },
] as const;

/** No 5 seconds of waiting at the end for a request that a test has left open. */
const QUICK = [...QUICK_RETRY, "--shutdownTimeout", "100ms"];

function bridgeTo({ url }: { url: string }, ...flags: string[]): Bridge {
  return new Bridge(["--streamableHttp", url, ...QUICK, ...flags]);
}

function sseBridgeTo({ url }: { url: string }, ...flags: string[]): Bridge {
  return new Bridge(["--sse", url, ...QUICK, ...flags]);
}

function notification(data: unknown) {
  return { jsonrpc: "2.0", method: "notifications/message", params: { level: "info", data } };
}

// --- the remote is not there ---

for (const { wire, flag, path, scheme, Remote } of WIRES) {
  Deno.test(`bridge starts without its ${wire} server and works once that is there`, async () => {
    await using remote = new Remote();
    await using cable = await Cable.to(remote);
    await cable.unplug();
    const url = `${scheme}://127.0.0.1:${cable.port}${path}`;
    await using bridge = new Bridge([flag, url, ...QUICK, "--retryAttempts", "2"]);
    const { error } = await bridge.ask(initialize("first"));
    assert.match(error.message, new RegExp(`^Cannot reach ${url}: Connection refused$`));
    // Tried three times, which is said of each try, and of the last that it is that.
    const told = bridge.stderr.match(/WRN Trouble with the server.*/g) ?? [];
    assert.equal(told.length, 3);
    assert.match(told[2] ?? "", /(gave|given) up after 3 tries/);
    await cable.plugIn();
    const { result } = await bridge.begin("second");
    assert.equal(result.serverInfo.name, "remote");
    assert.deepEqual((await bridge.call(3, "echo", { said: "there" })).result.structuredContent, {
      said: "there",
    });
    assert.equal(bridge.answersTo("first").length, 1);
  });
}

Deno.test("bridge to a bare URL finds the wire of a server that was not there at first", async () => {
  await using remote = new SseRemote(({ method, url }) =>
    method === "POST" && url.pathname === "/sse" ? new Response("no such thing", { status: 405 }) : undefined
  );
  await using cable = await Cable.to(remote);
  await cable.unplug();
  await using bridge = new Bridge([`http://127.0.0.1:${cable.port}/sse`, ...QUICK, "--retryAttempts", "0"]);
  assert.match((await bridge.ask(initialize(1))).error.message, /^Cannot reach /);
  await cable.plugIn();
  assert.equal((await bridge.begin(2)).result.serverInfo.name, "remote");
  assert.deepEqual((await bridge.call(3, "echo", { said: "old" })).result.structuredContent, { said: "old" });
});

Deno.test("bridge sends initialize again after HTTP 500, and no later request", async () => {
  let initializations = 0;
  await using remote = new HttpRemote(({ message }) => {
    if (message?.method === "initialize" && ++initializations === 1) {
      return new Response("starting", { status: 500 });
    }
    return message?.params?.name === "fail" ? new Response("out of order", { status: 500 }) : undefined;
  });
  await using bridge = bridgeTo(remote);
  assert.equal((await bridge.begin()).result.serverInfo.name, "remote");
  assert.equal(initializations, 2);
  const { error } = await bridge.call(1, "fail");
  assert.equal(error.message, `${remote.url} answered HTTP 500: out of order`);
  assert.deepEqual((await bridge.call(2, "echo", { n: 2 })).result.structuredContent, { n: 2 });
  assert.equal(remote.posted("fail").length, 1);
});

Deno.test("bridge opens an SSE stream again after HTTP 500, and sends initialize again", async () => {
  let [gets, initializations] = [0, 0];
  await using remote = new SseRemote(({ method, message }) => {
    if (method === "GET" && ++gets === 1) return new Response("starting", { status: 500 });
    if (message?.method === "initialize" && ++initializations === 1) {
      return new Response("starting", { status: 500 });
    }
    return message?.params?.name === "fail" ? new Response("out of order", { status: 500 }) : undefined;
  });
  await using bridge = sseBridgeTo(remote);
  assert.equal((await bridge.begin()).result.serverInfo.name, "remote");
  assert.match((await bridge.call(1, "fail")).error.message, /answered HTTP 500: out of order$/);
  assert.deepEqual((await bridge.call(2, "echo", { n: 2 })).result.structuredContent, { n: 2 });
  assert.equal(remote.posted("fail").length, 1);
});

// --- the remote says: not now ---

Deno.test("bridge waits as long as Retry-After says, and no longer than --retryMaxDelay", async () => {
  const times: number[] = [];
  const tooMany = (seconds: number) =>
    new Response(null, { status: 429, headers: { "Retry-After": `${seconds}` } });
  const script: Script = onTool("busy", () => {
    times.push(performance.now());
    return times.length === 1 ? tooMany(1) : times.length === 2 ? tooMany(3600) : undefined;
  });
  await using remote = new HttpRemote(script);
  await using bridge = new Bridge([
    "--streamableHttp",
    remote.url,
    "--retryDelay",
    "1ms",
    "--retryMaxDelay",
    "1500ms",
  ]);
  await bridge.begin();
  assert.deepEqual((await bridge.call(1, "busy", { n: 1 })).result.structuredContent, { n: 1 });
  const [first = 0, second = 0, third = 0] = times;
  assert(second - first >= 990, `came after ${second - first} ms`);
  // And not after an hour.
  assert(third - second >= 1490, `came after ${third - second} ms`);
});

Deno.test("bridge gives up on a server that says 429 again and again", async () => {
  await using remote = new HttpRemote(onTool("busy", () => new Response("slow down", { status: 429 })));
  await using bridge = bridgeTo(remote, "--retryAttempts", "2");
  await bridge.begin();
  const { error } = await bridge.call(1, "busy");
  assert.equal(error.message, `${remote.url} answered HTTP 429: slow down`);
  assert.equal(remote.posted("busy").length, 3);
});

Deno.test("bridge waits for an answer whose header is slow, and other calls do not wait for it", async () => {
  const released = Promise.withResolvers<void>();
  const script = onTool("slow", async () => {
    await released.promise;
    return undefined;
  });
  await using remote = new HttpRemote(script);
  await using bridge = bridgeTo(remote, "--connectTimeout", "1ms");
  await bridge.begin();
  await bridge.send(callTool("slow", "slow"));
  await remote.sees(({ message }) => message?.params?.name === "slow");
  assert.deepEqual((await bridge.call("quick", "echo", { n: 1 })).result.structuredContent, { n: 1 });
  assert.deepEqual(bridge.answersTo("slow"), []);
  released.resolve();
  assert.deepEqual((await bridge.answer("slow")).result.structuredContent, {});
});

for (const { wire, flag, Remote } of [WIRES[0], WIRES[1]]) {
  Deno.test(`bridge sends on to a ${wire} server that does not acknowledge a notification`, async () => {
    const released = Promise.withResolvers<Response>();
    await using remote = new Remote(({ message }) =>
      message?.method === "notifications/roots/list_changed" ? released.promise : undefined
    );
    await using bridge = new Bridge([flag, remote.url, ...QUICK]);
    await bridge.begin();
    await bridge.send({ jsonrpc: "2.0", method: "notifications/roots/list_changed" });
    assert.deepEqual((await bridge.call(1, "echo", { n: 1 })).result.structuredContent, { n: 1 });
    released.resolve(new Response(null, { status: 202 }));
  });
}

Deno.test("bridge gives an SSE stream no more than --connectTimeout for its header and its endpoint", async () => {
  const released = Promise.withResolvers<Response>();
  const silent = new EventStream();
  let gets = 0;
  await using remote = new SseRemote(({ method }) => {
    if (method !== "GET") return undefined;
    return ++gets === 1 ? released.promise : gets === 2 ? silent.response : undefined;
  });
  await using bridge = sseBridgeTo(remote, "--connectTimeout", "1s", "--retryAttempts", "0");
  const late = `${remote.url} did not open its event stream within 1000 ms`;
  assert.equal((await bridge.ask(initialize(1))).error.message, late);
  assert.equal((await bridge.ask(initialize(2))).error.message, late);
  await silent.left;
  released.resolve(new Response(null));
});

// --- the connection breaks ---

Deno.test("bridge answers a call whose stream is reset, says that it was not sent again, and goes on", async () => {
  const stream = new EventStream();
  await using remote = new HttpRemote(onTool("work", () => stream.say(notification("half-way")).response));
  await using cable = await Cable.to(remote);
  await using bridge = bridgeTo({ url: `http://127.0.0.1:${cable.port}/mcp` });
  await bridge.begin();
  await bridge.send(callTool(1, "work"));
  await bridge.next(({ params }) => params?.data === "half-way");
  cable.cut();
  const { error } = await bridge.answer(1);
  assert.match(error.message, /broke before the answer came; the request was not sent again$/);
  await answersAgain(bridge);
  assert.equal(remote.posted("work").length, 1);
  await stream.left;
});

Deno.test("bridge answers a call whose connection is reset before the header, and sends it once", async () => {
  const released = Promise.withResolvers<Response>();
  await using remote = new HttpRemote(onTool("work", () => released.promise));
  await using cable = await Cable.to(remote);
  await using bridge = bridgeTo({ url: `http://127.0.0.1:${cable.port}/mcp` });
  await bridge.begin();
  await bridge.send(callTool(1, "work"));
  await remote.sees(({ message }) => message?.params?.name === "work");
  cable.cut();
  const { error } = await bridge.answer(1);
  assert.match(error.message, /broke before the answer came; the request was not sent again$/);
  await answersAgain(bridge);
  assert.equal(remote.posted("work").length, 1);
  released.resolve(new Response(null));
});

/** That other connections were reset as well comes out when they are used, at the latest. */
async function answersAgain(bridge: Bridge): Promise<void> {
  let id = 1;
  const { result } = await eventually(
    () => bridge.call(++id, "echo", { id }),
    ({ result }) => result !== undefined,
  );
  assert.deepEqual(result.structuredContent, { id });
}

Deno.test("bridge answers a call whose stream ends without event ids, and says that it was not sent again", async () => {
  await using remote = new HttpRemote(onTool("work", () => events(eventOf(notification("half-way")))));
  await using bridge = bridgeTo(remote);
  await bridge.begin();
  const { error } = await bridge.call(1, "work");
  assert.equal(
    error.message,
    `The connection to ${remote.url} broke before the answer came; the request was not sent again`,
  );
  assert.equal(remote.posted("work").length, 1);
});

Deno.test("bridge resumes a broken stream after its last event, and the answer arrives once", async () => {
  let broken = 0;
  const times: number[] = [];
  await using remote = new HttpRemote(({ method, headers, message }) => {
    if (message?.params?.name === "work") {
      broken = performance.now();
      return events(`retry: 300\n${eventOf(notification("first"), "a1")}`);
    }
    const cursor = headers.get("last-event-id");
    if (method !== "GET" || cursor === null) return undefined;
    times.push(performance.now());
    if (cursor === "a1") return events(eventOf(notification("second"), "a2"));
    assert.equal(cursor, "a2");
    return events(eventOf(politeAnswer(callTool(1, "work", { n: 1 })), "a3"));
  });
  await using bridge = new Bridge([
    "--streamableHttp",
    remote.url,
    "--retryDelay",
    "1ms",
    "--retryMaxDelay",
    "5s",
  ]);
  await bridge.begin();
  assert.deepEqual((await bridge.call(1, "work", { n: 1 })).result.structuredContent, { n: 1 });
  const [first = 0, second = 0] = times;
  assert(
    first - broken >= 290 && second - first >= 290,
    `came after ${first - broken} and ${second - first} ms`,
  );
  assert.deepEqual((await bridge.call(2, "echo", { n: 2 })).result.structuredContent, { n: 2 });
  const said = bridge.messages.filter(({ method }) => method).map(({ params }) => params.data);
  assert.deepEqual(said, ["first", "second"]);
  assert.equal(bridge.answersTo(1).length, 1);
  assert.equal(remote.posted("work").length, 1);
});

Deno.test("bridge gives up on a stream that breaks again and again without news", async () => {
  await using remote = new HttpRemote(({ method, headers, message }) => {
    if (message?.params?.name === "work") return events("id: a1\ndata:\n\n");
    return method === "GET" && headers.has("last-event-id") ? events("") : undefined;
  });
  await using bridge = bridgeTo(remote, "--retryAttempts", "2");
  await bridge.begin();
  assert.match((await bridge.call(1, "work")).error.message, /; the request was not sent again$/);
  assert.equal(remote.posted("work").length, 1);
  assert.equal(remote.seen.filter(({ headers }) => headers.has("last-event-id")).length, 2);
});

Deno.test("bridge does not send a call again whose session is lost between stream and resumption", async () => {
  let [session, sessions] = ["", 0];
  await using remote = new HttpRemote(({ headers, message }) => {
    if (message?.method === "initialize") {
      session = `s${++sessions}`;
      return Response.json(politeAnswer(message), { headers: { "Mcp-Session-Id": session } });
    }
    if (headers.get("mcp-session-id") !== session) return new Response(null, { status: 404 });
    if (message?.params?.name !== "work") return undefined;
    session = "";
    return events(eventOf(notification("begun"), "a1"));
  });
  await using bridge = bridgeTo(remote);
  await bridge.begin();
  const { error } = await bridge.call(1, "work");
  assert.match(error.message, /the request was not sent again$/);
  assert.equal(remote.posted("work").length, 1);
  assert.deepEqual((await bridge.call(2, "echo", { n: 2 })).result.structuredContent, { n: 2 });
  assert.equal(remote.posted("echo").at(-1)?.headers.get("mcp-session-id"), "s2");
});

Deno.test("bridge opens the server's own stream again after its last event", async () => {
  const streams: { stream: EventStream; cursor: string | null }[] = [];
  const opened = [Promise.withResolvers<EventStream>(), Promise.withResolvers<EventStream>()];
  await using remote = new HttpRemote(({ method, headers }) => {
    if (method !== "GET") return undefined;
    const stream = new EventStream();
    streams.push({ stream, cursor: headers.get("last-event-id") });
    opened[streams.length - 1]?.resolve(stream);
    return stream.response;
  });
  await using bridge = bridgeTo(remote);
  await bridge.begin();
  const first = await opened[0]!.promise;
  first.say(notification("one"), "g1").close();
  const second = await opened[1]!.promise;
  second.say(notification("two"), "g2");
  await bridge.next(({ params }) => params?.data === "two");
  assert.deepEqual(streams.map(({ cursor }) => cursor), [null, "g1"]);
  assert.equal(bridge.messages.filter(({ params }) => params?.data === "one").length, 1);
});

Deno.test("bridge reconnects to an SSE server whose stream broke in mid-call, with all that was set", async () => {
  await using remote = new SseRemote(onTool("hang", () => new Response(null, { status: 202 })));
  await using cable = await Cable.to(remote);
  await using bridge = sseBridgeTo({ url: `http://127.0.0.1:${cable.port}/sse` });
  await bridge.begin();
  await bridge.ask(request("level", "logging/setLevel", { level: "debug" }));
  await bridge.send(callTool(1, "hang"));
  await remote.sees(({ message }) => message?.params?.name === "hang");
  cable.cut();
  const { error } = await bridge.answer(1);
  assert.match(error.message, /event stream: the answer is lost, and the request was not sent again$/);
  // Without a request of the client that would need it: the server may have something to say.
  await remote.sees(() => remote.posted("logging/setLevel").length === 2);
  remote.say(notification("back"));
  await bridge.next(({ params }) => params?.data === "back");
  assert.deepEqual((await bridge.call(2, "echo", { n: 2 })).result.structuredContent, { n: 2 });
  assert.equal(remote.posted("hang").length, 1);
  assert.deepEqual(remote.posted("initialize").length, 2);
});

Deno.test("bridge answers a call whose WebSocket closes, and opens another", async () => {
  await using remote = new WebSocketRemote(({ params }) => params?.name === "hang");
  await using bridge = new Bridge(["--ws", remote.url, ...QUICK]);
  await bridge.begin();
  await bridge.send(callTool("hang", "hang"));
  await bridge.call(1);
  remote.closeSockets();
  const { error } = await bridge.answer("hang");
  assert.equal(
    error.message,
    "The MCP server closed its socket: the answer is lost, and the request was not sent again",
  );
  assert.deepEqual((await bridge.call(2, "echo", { n: 2 })).result.structuredContent, { n: 2 });
  const methods = remote.messages.map(({ method }) => method);
  assert.deepEqual(methods.filter((method) => method === "initialize").length, 2);
  assert.equal(remote.messages.filter(({ params }) => params?.name === "hang").length, 1);
});

Deno.test("bridge names the status with which a WebSocket is refused, and asks again where that may help", async () => {
  let status = 503;
  await using remote = new HttpRemote(() => new Response("no sockets here", { status }));
  const url = `ws://127.0.0.1:${remote.port}/ws`;
  await using bridge = new Bridge(["--ws", url, ...QUICK, "--retryAttempts", "2"]);
  assert.equal((await bridge.ask(initialize(1))).error.message, `${url} answered HTTP 503`);
  assert.equal(remote.seen.length, 3);
  status = 403;
  const { error } = await bridge.ask(initialize(2));
  assert.equal(
    error.message,
    `${url} answered HTTP 403: give credentials that count there, by --oauth2Bearer or --header`,
  );
  assert.equal(remote.seen.length, 4);
});

// --- the session is lost ---

Deno.test("bridge begins a lost session again, with all that was set, and sends the call that met the loss", async () => {
  let session = 1;
  await using remote = new HttpRemote(({ method, headers, message }) => {
    if (message?.method === "initialize") {
      return Response.json(politeAnswer(message), { headers: { "Mcp-Session-Id": `s${session}` } });
    }
    if (method === "GET") return undefined;
    return headers.get("mcp-session-id") === `s${session}` ? undefined : new Response(null, { status: 404 });
  });
  await using bridge = bridgeTo(remote);
  await bridge.begin("init", { roots: { listChanged: true } });
  await bridge.ask(request(1, "logging/setLevel", { level: "info" }));
  await bridge.ask(request(2, "logging/setLevel", { level: "debug" }));
  await bridge.ask(request(3, "resources/subscribe", { uri: "file:///kept" }));
  await bridge.ask(request(4, "resources/subscribe", { uri: "file:///left" }));
  await bridge.ask(request(5, "resources/unsubscribe", { uri: "file:///left" }));
  const before = remote.seen.length;
  session = 2;
  assert.deepEqual((await bridge.call("again", "echo", { n: 1 })).result.structuredContent, { n: 1 });
  const after = remote.seen.slice(before).filter(({ method }) => method === "POST");
  assert.deepEqual(after.map(({ message, headers }) => [message.method, headers.get("mcp-session-id")]), [
    ["tools/call", "s1"],
    ["initialize", null],
    ["notifications/initialized", "s2"],
    ["logging/setLevel", "s2"],
    ["resources/subscribe", "s2"],
    ["tools/call", "s2"],
  ]);
  assert.deepEqual(after[1]?.message.params, remote.posted("initialize")[0]?.message.params);
  assert.equal(after[5]?.headers.get("mcp-protocol-version"), "2025-11-25");
  assert.deepEqual(after[3]?.message.params, { level: "debug" });
  assert.deepEqual(after[4]?.message.params, { uri: "file:///kept" });
  assert.equal(after[5]?.body, after[0]?.body);
  // The client knows nothing of it.
  assert.deepEqual(bridge.messages.map(({ id }) => id), ["init", 1, 2, 3, 4, 5, "again"]);
});

Deno.test("bridge sends every call again that the server turned away because the session was lost", async () => {
  const calls = [1, 2, 3, 4, 5, 6, 7, 8];
  const allThere = Promise.withResolvers<void>();
  let session = 1;
  await using remote: HttpRemote = new HttpRemote(async ({ method, headers, message }) => {
    if (message?.method === "initialize") {
      return Response.json(politeAnswer(message), { headers: { "Mcp-Session-Id": `s${session}` } });
    }
    if (method === "GET" || headers.get("mcp-session-id") === `s${session}`) return undefined;
    if (remote.posted("echo").length === calls.length) allThere.resolve();
    await allThere.promise;
    // The first is turned away before the others are.
    if (message.params.name === "echo" && message.id !== 1) {
      await remote.sees(() => remote.posted("initialize").length === 2);
    }
    return new Response(null, { status: 404 });
  });
  await using bridge = bridgeTo(remote);
  await bridge.begin();
  session = 2;
  for (const n of calls) await bridge.send(callTool(n, "echo", { n }));
  for (const n of calls) assert.deepEqual((await bridge.answer(n)).result?.structuredContent, { n });
  assert.equal(remote.posted("initialize").length, 2);
  assert.equal(remote.posted("echo").length, calls.length * 2);
});

Deno.test("bridge tells the client to forget what a server asked that has lost its session", async () => {
  let session = 1;
  const stream = new EventStream();
  await using remote = new HttpRemote(({ method, headers, message }) => {
    if (message?.method === "initialize") {
      return Response.json(politeAnswer(message), { headers: { "Mcp-Session-Id": `s${session}` } });
    }
    if (method === "GET") return headers.get("mcp-session-id") === "s1" ? stream.response : undefined;
    return headers.get("mcp-session-id") === `s${session}` ? undefined : new Response(null, { status: 404 });
  });
  await using bridge = bridgeTo(remote);
  await bridge.begin("init", { roots: {} });
  stream.say(request("question", "roots/list"));
  await bridge.next(({ id }) => id === "question");
  session = 2;
  assert.deepEqual((await bridge.call(1, "echo", { n: 1 })).result.structuredContent, { n: 1 });
  await bridge.next(({ method, params }) =>
    method === "notifications/cancelled" && params.requestId === "question"
  );
  // Too late: the new session never asked.
  await bridge.send({ jsonrpc: "2.0", id: "question", result: { roots: [] } });
  await bridge.call(2);
  assert.deepEqual(remote.seen.filter(({ message }) => message?.id === "question"), []);
});

// --- what is answered is no MCP ---

Deno.test("bridge bounds an endless body, an endless event and an endless error page", async () => {
  const json = { "Content-Type": "application/json" };
  await using remote = new HttpRemote(({ message }) => {
    switch (message?.params?.name) {
      case "body":
        return endless(json, `{"jsonrpc":"2.0","id":1,"result":{"text":"`);
      case "event":
        return endless({ "Content-Type": "text/event-stream" }, "data: ");
      case "page":
        return new Response(endless({}, "<html>").body, {
          status: 500,
          headers: { "Content-Type": "text/html" },
        });
    }
  });
  await using bridge = bridgeTo(remote, "--maxMessageSize", "300k");
  await bridge.begin();
  const body = await bridge.call(1, "body");
  assert.equal(
    body.error.message,
    `${remote.url} sent an answer longer than 307200 bytes (--maxMessageSize)`,
  );
  const event = await bridge.call(2, "event");
  assert.equal(event.error.message, "The server sent an event longer than 307200 bytes (--maxMessageSize)");
  const page = await bridge.call(3, "page");
  assert.equal(page.error.message, `${remote.url} answered HTTP 500 with an HTML page instead of MCP`);
  assert.deepEqual((await bridge.call(4, "echo", { n: 4 })).result.structuredContent, { n: 4 });
});

Deno.test("bridge bounds an endless event of an SSE server, and reconnects", async () => {
  await using remote = new SseRemote(onTool("event", () => {
    remote.streams.at(-1)?.write("data: ").write("x".repeat(400 * 1024));
    return new Response(null, { status: 202 });
  }));
  await using bridge = sseBridgeTo(remote, "--maxMessageSize", "300k");
  await bridge.begin();
  const { error } = await bridge.call(1, "event");
  assert.match(
    error.message,
    /^The server sent an event longer than 307200 bytes \(--maxMessageSize\): the answer is lost/,
  );
  assert.deepEqual((await bridge.call(2, "echo", { n: 2 })).result.structuredContent, { n: 2 });
});

Deno.test("bridge refuses a WebSocket message that is too long, and reconnects", async () => {
  await using remote = new WebSocketRemote(({ params }, socket) => {
    if (params?.name === "long") socket.send("x".repeat(400 * 1024));
    return params?.name === "long";
  });
  await using bridge = new Bridge(["--ws", remote.url, ...QUICK, "--maxMessageSize", "300k"]);
  await bridge.begin();
  const { error } = await bridge.call(1, "long");
  assert.match(error.message, /307200 bytes: the answer is lost, and the request was not sent again$/);
  assert.deepEqual((await bridge.call(2, "echo", { n: 2 })).result.structuredContent, { n: 2 });
});

Deno.test("bridge names an HTML page with status and URL, without credentials and query", async () => {
  const html = "<!doctype html><title>Sign in</title>";
  await using remote = new HttpRemote(({ message }) => {
    const status = { found: 200, unavailable: 502 }[String(message?.params?.name)];
    return status ? new Response(html, { status, headers: { "Content-Type": "text/html" } }) : undefined;
  });
  const url = `http://user:hunter2@127.0.0.1:${remote.port}/mcp?key=topsecret`;
  await using bridge = bridgeTo({ url }, "--logLevel", "debug");
  await bridge.begin();
  const found = await bridge.call(1, "found");
  assert.equal(found.error.message, `${remote.url} answered HTTP 200 with an HTML page instead of MCP`);
  const unavailable = await bridge.call(2, "unavailable");
  assert.equal(unavailable.error.message, `${remote.url} answered HTTP 502 with an HTML page instead of MCP`);
  const [seen] = remote.posted("found");
  assert.equal(seen?.url.search, "?key=topsecret");
  assert.equal(seen?.headers.get("authorization"), `Basic ${btoa("user:hunter2")}`);
  await bridge.end();
  await bridge.ended();
  assert.doesNotMatch(bridge.stderr + bridge.lines.join("\n"), /hunter2|topsecret/);
});

Deno.test("bridge refuses answers of another type, and what is no answer", async () => {
  const answers: Record<string, () => Response> = {
    text: () => new Response("hello"),
    none: () => new Response(null, { status: 202 }),
    empty: () => Response.json({}),
    other: () => Response.json({ jsonrpc: "2.0", id: "another", result: {} }),
    broken: () => new Response(`{"jsonrpc":`, { headers: { "Content-Type": "application/json" } }),
  };
  await using remote = new HttpRemote(({ message }) => answers[message?.params?.name]?.());
  await using bridge = bridgeTo(remote);
  await bridge.begin();
  const said = async (name: string) => (await bridge.call(name, name)).error.message;
  assert.equal(
    await said("text"),
    `${remote.url} answered HTTP 200 with Content-Type text/plain instead of MCP`,
  );
  assert.equal(await said("none"), `${remote.url} answered HTTP 202 with Content-Type (none) instead of MCP`);
  assert.equal(await said("empty"), `${remote.url} answered with something that is not JSON-RPC`);
  assert.equal(await said("broken"), `${remote.url} answered with something that is not JSON-RPC`);
  assert.equal(await said("other"), `${remote.url} answered without a response to the request`);
  assert.deepEqual(bridge.answersTo("another"), []);
});

// --- event streams as the standard allows them ---

const WORDS = "Grüße, 世界 🌍";

Deno.test("bridge reads an event that is split at every byte", async () => {
  const stream = new EventStream();
  await using remote = new HttpRemote(onTool("split", () => stream.response));
  await using bridge = bridgeTo(remote);
  await bridge.begin();
  const call = callTool(1, "split", { said: WORDS });
  await bridge.send(call);
  await remote.sees(({ message }) => message?.params?.name === "split");
  await byteByByte(stream, `: comment\nid: 1\n${eventOf(politeAnswer(call))}`);
  assert.equal((await bridge.answer(1)).result.structuredContent.said, WORDS);
  // It has its answer.
  await stream.left;
});

/** Each byte in a write of its own, so in an HTTP chunk of its own. */
async function byteByByte(stream: EventStream, text: string): Promise<void> {
  for (const byte of new TextEncoder().encode(text)) {
    stream.write(Uint8Array.of(byte));
    await new Promise((resolve) => setTimeout(resolve));
  }
}

for (const [name, lineEnd] of [["CRLF", "\r\n"], ["CR", "\r"], ["LF", "\n"]] as const) {
  Deno.test(`bridge reads event streams with ${name} and a byte order mark`, async () => {
    await using remote = new HttpRemote(onTool("marked", ({ message }) => {
      const pretty = JSON.stringify(politeAnswer(message), undefined, 1).split("\n").map((line) =>
        `data: ${line}`
      );
      const lines = ["\uFEFFevent: message", ...pretty, "", ""];
      return events(lines.join(lineEnd));
    }));
    await using bridge = bridgeTo(remote);
    await bridge.begin();
    assert.equal((await bridge.call(1, "marked", { said: WORDS })).result.structuredContent.said, WORDS);
    assert.equal(bridge.lines.length, 2);
  });
}

for (
  const [kind, endpoint] of [
    ["an absolute", (origin: string) => `${origin}/posts/here?s=1`],
    ["a rooted", () => "/posts/here?s=1"],
    ["a relative", () => "posts/here?s=1"],
  ] as const
) {
  Deno.test(`bridge posts to ${kind} endpoint of an SSE server`, async () => {
    await using remote: SseRemote = new SseRemote(({ method }) => {
      if (method !== "GET") return undefined;
      const stream = new EventStream().write(`event: endpoint\ndata: ${endpoint(remote.origin)}\n\n`);
      remote.streams.push(stream);
      return stream.response;
    });
    await using bridge = sseBridgeTo(remote);
    await bridge.begin();
    assert.deepEqual((await bridge.call(1, "echo", { n: 1 })).result.structuredContent, { n: 1 });
    assert.deepEqual(
      remote.requested("POST").map(({ url }) => url.href).at(-1),
      `${remote.origin}/posts/here?s=1`,
    );
  });
}

Deno.test("bridge refuses an SSE endpoint of another origin, at once and before it has posted anything", async () => {
  await using foreign = new HttpRemote();
  await using remote = new SseRemote(() => undefined, { endpoint: `${foreign.origin}/message` });
  await using bridge = sseBridgeTo(remote, "--header", "X-Key: topsecret");
  const { error } = await bridge.ask(initialize(1));
  assert.equal(error.message, `${remote.url} names an endpoint of another origin, which is not trusted`);
  assert.equal(remote.requested("GET").length, 1);
  assert.deepEqual(foreign.seen, []);
});

// --- ids and sizes ---

const IDS = [0, -1, 1.5, 1e21, "1", 1, "", "a:b", "null", "ü\u0000\n", "__proto__"];

for (const { wire, flag, Remote } of WIRES) {
  Deno.test(`bridge keeps ids of every type over ${wire}, a client's and a server's`, async () => {
    await using remote = new Remote();
    await using bridge = new Bridge([flag, remote.url, ...QUICK]);
    await bridge.begin("init", { roots: {} });
    for (const id of IDS) await bridge.send(callTool(id, "echo", { id }));
    for (const id of IDS) assert.deepEqual((await bridge.answer(id)).result.structuredContent, { id });
    assert.equal(bridge.messages.length, IDS.length + 1);
  });
}

Deno.test("bridge keeps ids that no double holds, as they were written", async () => {
  await using remote = new HttpRemote(onTool("echo", ({ body }) => {
    const id = /"id":(\d+)/.exec(body)?.[1];
    return new Response(`{"jsonrpc":"2.0","id":${id},"result":{}}`, {
      headers: { "Content-Type": "application/json" },
    });
  }));
  await using bridge = bridgeTo(remote);
  await bridge.begin();
  await bridge.send(
    `{"jsonrpc":"2.0","id":12345678901234567890,"method":"tools/call","params":{"name":"echo"}}`,
  );
  await bridge.next(({ result }) => result && !result.serverInfo);
  assert.equal(bridge.lines.at(-1), `{"jsonrpc":"2.0","id":12345678901234567890,"result":{}}`);
});

Deno.test("bridge keeps the ids of a server's requests in their replies", async () => {
  const stream = new EventStream();
  await using remote = new HttpRemote(({ method }) => method === "GET" ? stream.response : undefined);
  await using bridge = bridgeTo(remote);
  await bridge.begin("init", { roots: {} });
  for (const id of IDS) stream.say(request(id, "roots/list"));
  for (const id of IDS) {
    await bridge.next((message) => message.method === "roots/list" && message.id === id);
    await bridge.send({ jsonrpc: "2.0", id, result: { roots: [], said: id } });
    const { message } = await remote.sees(({ message }) => message?.id === id && "result" in message);
    assert.deepEqual(message.result.said, id);
  }
});

const TEN_MEGABYTES = "ten bytes.".repeat(1024 * 1024);

for (const { wire, flag, Remote } of WIRES) {
  Deno.test(`bridge passes an answer of 10 MB on from ${wire}`, async () => {
    const large = (id: unknown) => ({ jsonrpc: "2.0", id, result: { text: TEN_MEGABYTES } });
    await using remote = Remote === WebSocketRemote
      ? new WebSocketRemote(({ id, params }, socket) => {
        if (params?.name === "large") socket.send(JSON.stringify(large(id)));
        return params?.name === "large";
      })
      : new (Remote as typeof HttpRemote)(onTool("large", ({ message }) => {
        if (!(remote instanceof SseRemote)) return Response.json(large(message.id));
        remote.say(large(message.id));
        return new Response(null, { status: 202 });
      }));
    await using bridge = new Bridge([flag, remote.url, ...QUICK]);
    await bridge.begin();
    const { result } = await bridge.call(1, "large");
    assert(result.text === TEN_MEGABYTES);
  });
}

// --- the client ---

Deno.test("bridge answers a line that is no message with -32700 or -32600, and lives", async () => {
  await using remote = new HttpRemote();
  await using bridge = bridgeTo(remote, "--maxBodySize", "1k");
  await bridge.send("{nonsense");
  assert.equal((await bridge.next(({ error }) => error?.code === -32700)).id, null);
  await bridge.send(`{"id":1,"method":"ping"}`);
  assert.equal((await bridge.next(({ error }) => error?.code === -32600)).id, null);
  await bridge.send("");
  await bridge.begin();
  await bridge.send(callTool("long", "echo", { text: "x".repeat(2000) }));
  await bridge.next(({ error }) => /longer than 1024 bytes/.test(error?.message));
  assert.deepEqual((await bridge.call(2, "echo", { n: 2 })).result.structuredContent, { n: 2 });
  assert.deepEqual(remote.posted("tools/call").length, 1);
});

Deno.test("bridge waits after the end of stdin for the answer in flight, then ends the session at the server", async () => {
  const stream = new EventStream();
  await using remote = new HttpRemote(onTool("work", () => stream.response));
  await using bridge = bridgeTo(remote, "--shutdownTimeout", "1m");
  await bridge.begin();
  await bridge.send(callTool(1, "work"));
  await remote.sees(({ message }) => message?.params?.name === "work");
  await bridge.end();
  stream.say(notification("still at work"));
  await bridge.next(({ params }) => params?.data === "still at work");
  assert.deepEqual(remote.requested("DELETE"), []);
  stream.say(politeAnswer(callTool(1, "work", { n: 1 })));
  assert.deepEqual((await bridge.answer(1)).result.structuredContent, { n: 1 });
  assert.equal((await bridge.ended()).code, 0);
  assert.deepEqual(remote.requested("DELETE").map(({ headers }) => headers.get("mcp-session-id")), [SESSION]);
});

Deno.test("bridge waits no longer than --shutdownTimeout after the end of stdin, and answers what is open", async () => {
  const released = Promise.withResolvers<Response>();
  await using remote = new HttpRemote(onTool("hang", () => released.promise));
  await using bridge = new Bridge(["--streamableHttp", remote.url, "--shutdownTimeout", "10m"], {
    leapMs: 600_000,
  });
  await bridge.begin();
  await bridge.send(callTool(1, "hang"));
  await remote.sees(({ message }) => message?.params?.name === "hang");
  await bridge.end();
  await leapUntil(bridge, bridge.logged(/Gateway is stopping/));
  // That was all the time there is: it is not granted once more to the gateway.
  assert.equal((await bridge.answer(1)).error.message, "The gateway is shutting down");
  assert.equal((await bridge.ended()).code, 0);
  assert.equal(remote.requested("DELETE").length, 1);
  released.resolve(new Response(null));
});

// --- what a review found ---

Deno.test("bridge answers every request in time while a connection is still being opened", async () => {
  await using remote = new SseRemote((seen) => seen.method === "GET" ? new Promise(() => {}) : undefined);
  await using bridge = sseBridgeTo(remote, "--requestTimeout", "300ms", "--connectTimeout", "20s");
  const asked = [bridge.ask(initialize(1)), bridge.ask(request(2, "ping")), bridge.ask(request("3", "ping"))];
  for (const { error } of await Promise.all(asked)) assert.match(error.message, /within 300ms/);
});

Deno.test("bridge begins a session again where a server refuses the old one with 400", async () => {
  let refuse = false;
  const refusal = { code: -32000, message: "Bad Request: No valid session ID provided" };
  await using remote = new HttpRemote(({ message }) => {
    if (!refuse || !toolOf(message)) return undefined;
    refuse = false;
    return Response.json({ jsonrpc: "2.0", error: refusal, id: null }, { status: 400 });
  });
  await using bridge = bridgeTo(remote);
  await bridge.begin();
  refuse = true;
  const { result } = await bridge.call(7, "echo", { said: "again" });
  assert.deepEqual(result.structuredContent, { said: "again" });
  assert.match(bridge.stderr, /session/);
});

Deno.test("bridge relays the error that a server says in JSON-RPC under another status", async () => {
  const error = { code: -32602, message: "Bad params", data: { field: "x" } };
  await using remote = new HttpRemote(({ message }) =>
    toolOf(message) ? Response.json({ jsonrpc: "2.0", id: message.id, error }, { status: 400 }) : undefined
  );
  await using bridge = bridgeTo(remote);
  await bridge.begin();
  assert.deepEqual((await bridge.call("a", "echo", {})).error, error);
});
