import assert from "node:assert/strict";
import { beginStreamable, Events, inTime } from "../support/conversation.ts";
import { sendRaw } from "../support/raw_http.ts";
import { conversationContract } from "../support/conversation_contract.ts";
import { eventually, type Keystone, leapUntil, SCRIPTED, startKeystone } from "../support/keystone.ts";
import {
  ACCEPT,
  allMessages,
  answer,
  type AnyMessage,
  beginSession,
  callTool,
  initialize,
  messagesOf,
  post,
  request,
} from "../support/rpc.ts";

conversationContract({
  name: "Streamable HTTP",
  flags: ["--stateful", "--replyMode", "sse"],
  begin: beginStreamable,
});

const start = (...flags: string[]) => startKeystone(["--stateful", ...flags], { server: SCRIPTED });
const startStateless = (...flags: string[]) => startKeystone(flags, { server: SCRIPTED });
const notification = (method: string, params: unknown = {}) => ({ jsonrpc: "2.0", method, params });
const cancelled = (requestId: unknown) => notification("notifications/cancelled", { requestId });
const log = (data: unknown) => notification("notifications/message", { level: "info", data });

/** Opens the GET stream. */
async function listen({ mcp }: Keystone, session: string): Promise<Events> {
  const headers = { Accept: "text/event-stream", "Mcp-Session-Id": session };
  const response = await fetch(mcp, { headers });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  return new Events(response);
}

async function nextOf(stream: Events): Promise<AnyMessage> {
  const event = await inTime(stream.next(), "message on the GET stream");
  return JSON.parse(event?.data ?? "null");
}

/** Sends what has no answer. */
async function tell({ mcp }: Keystone, message: unknown, session?: string): Promise<void> {
  const response = await post(mcp, message, { session });
  assert.deepEqual([response.status, await response.text()], [202, ""]);
}

/** How a call ends that was cancelled. */
function ended(id: unknown): AnyMessage {
  return { jsonrpc: "2.0", id, error: { code: -32800, message: "Request cancelled" } };
}

Deno.test("Streamable HTTP sends progress to the owner of its token, type included", async () => {
  await using gateway = await start("--replyMode", "sse");
  const session = await beginSession(gateway.mcp);
  const send = (message: unknown) => post(gateway.mcp, message, { session });
  const owners = [["a", "token"], ["b", 1], ["c", "1"]] as const;
  const open = [];
  for (const [id, progressToken] of owners) {
    open.push(await send(callTool(id, "hang", {}, { progressToken })));
  }
  const progress = (progressToken: unknown, step: number) =>
    notification("notifications/progress", { progressToken, progress: step });
  const messages = [progress("token", 1), progress(1, 2), progress("1", 3), progress("token", 4)];
  assert.deepEqual((await allMessages(await send(callTool("d", "notify", { messages })))).length, 1);
  // A cancelled request ends with an answer of our own, so each stream is then complete.
  for (const [id] of owners) await tell(gateway, cancelled(id), session);
  const received = await Promise.all(open.map(allMessages));
  assert.deepEqual(received, [
    [messages[0], messages[3], ended("a")],
    [messages[1], ended("b")],
    [messages[2], ended("c")],
  ]);
});

Deno.test("Streamable HTTP sends what the server starts to the one open POST, else to the GET stream", async () => {
  await using gateway = await start();
  const session = await beginSession(gateway.mcp, { sampling: {} });
  const send = (message: unknown) => post(gateway.mcp, message, { session });
  const stream = await listen(gateway, session);
  const asked = request("ask", "sampling/createMessage", {});

  // One request is open: a stream is opened for it.
  const alone = await allMessages(await send(callTool(1, "notify", { messages: [log("alone")] })));
  assert.deepEqual([alone[0], alone[1].id], [log("alone"), 1]);
  const asking = messagesOf(await send(callTool(2, "ask", asked)));
  assert.deepEqual((await asking.next()).value, asked);
  await tell(gateway, { jsonrpc: "2.0", id: "ask", result: { text: "on the POST" } }, session);
  assert.deepEqual((await asking.next()).value.result.structuredContent.reply.result, {
    text: "on the POST",
  });
  assert.equal((await asking.next()).done, true);

  // None is open.
  await answer(await send(callTool(3, "answer_then", { messages: [log("afterwards")] })));
  assert.deepEqual(await nextOf(stream), log("afterwards"));

  // Two are open: which of them it belongs to would be a guess.
  const waiting = messagesOf(await send(callTool("waiting", "ask", { ...asked, id: "unanswered" })));
  await waiting.next();
  const told = send(callTool(4, "notify", { messages: [log("ambiguous")] }));
  assert.deepEqual(await nextOf(stream), log("ambiguous"));
  assert.equal((await allMessages(await told)).length, 1);
  const reply = send(callTool(5, "ask", asked));
  assert.deepEqual(await nextOf(stream), asked);
  await tell(gateway, { jsonrpc: "2.0", id: "ask", result: { text: "on GET" } }, session);
  assert.deepEqual((await answer(await reply)).result.structuredContent.reply.result, { text: "on GET" });
  await tell(gateway, cancelled("waiting"), session);
  assert.deepEqual((await waiting.next()).value, ended("waiting"));
  assert.equal((await waiting.next()).done, true);

  // A cancelled request attracts nothing any more.
  const later = await allMessages(await send(callTool(6, "notify", { messages: [log("later")] })));
  assert.deepEqual([later[0], later[1].id], [log("later"), 6]);
  await stream.cancel();
});

Deno.test("Streamable HTTP keeps messages until the GET stream opens, the newest --maxBufferedMessages", async () => {
  await using gateway = await start("--maxBufferedMessages", "3", "--replyMode", "sse");
  const session = await beginSession(gateway.mcp);
  const messages = [1, 2, 3, 4, 5].map(log);
  // With two requests open, neither of them attracts the messages.
  const open = await post(gateway.mcp, callTool(1, "hang"), { session });
  const told = await post(gateway.mcp, callTool(2, "notify", { messages }), { session });
  assert.deepEqual((await allMessages(told)).map(({ id }) => id), [2]);
  const stream = await listen(gateway, session);
  assert.deepEqual([await nextOf(stream), await nextOf(stream), await nextOf(stream)], messages.slice(2));
  await inTime(gateway.logged(/Message dropped .*buffer for the GET stream is full/), "log entry");
  await tell(gateway, cancelled(1), session);
  assert.deepEqual(await allMessages(open), [ended(1)]);
  // What was delivered does not come again.
  const next = await listen(gateway, session);
  assert.equal(await inTime(stream.next(), "end of the first stream"), undefined);
  await answer(await post(gateway.mcp, callTool(3, "answer_then", { messages: [log("new")] }), { session }));
  assert.deepEqual(await nextOf(next), log("new"));
  await next.cancel();
});

Deno.test("Streamable HTTP lets a second GET stream take over from the first", async () => {
  await using gateway = await start();
  const session = await beginSession(gateway.mcp);
  const first = await listen(gateway, session);
  const second = await listen(gateway, session);
  assert.equal(await inTime(first.next(), "end of the first stream"), undefined);
  await answer(await post(gateway.mcp, callTool(1, "answer_then", { messages: [log("news")] }), { session }));
  assert.deepEqual(await nextOf(second), log("news"));
  await second.cancel();
});

Deno.test("Streamable HTTP never mixes calls that run at the same time, in one session or several", async () => {
  await using gateway = await start();
  const sessions = await Promise.all([1, 2, 3].map(() => beginSession(gateway.mcp)));
  const calls = sessions.flatMap((session) =>
    Array.from({ length: 20 }, async (_, id) => {
      const progressToken = `${session} ${id}`;
      const message = callTool(id, "progress", { steps: 5 }, { progressToken });
      const messages = await allMessages(await post(gateway.mcp, message, { session }));
      assert.equal(messages.pop().id, id);
      assert.deepEqual(messages.map(({ params }) => params.progressToken), Array(5).fill(progressToken));
    })
  );
  await Promise.all(calls);
});

Deno.test("--replyMode auto answers with JSON unless something comes first", async () => {
  await using gateway = await startKeystone(["--stateful", "--keepAlive", "100ms"], {
    server: SCRIPTED,
    leapMs: 10_000,
  });
  const session = await beginSession(gateway.mcp);
  const send = (message: unknown) => post(gateway.mcp, message, { session });
  // Mostly the first: on a busy machine an answer may come after two seconds of silence.
  const plain = await eventually(async () => {
    const response = await send(callTool(1, "echo"));
    return { type: response.headers.get("content-type"), text: await response.text() };
  }, ({ type }) => type === "application/json");
  assert.equal(JSON.parse(plain.text).id, 1);
  const preceded = await send(callTool(2, "notify", { messages: [log("first")] }));
  assert.equal(preceded.headers.get("content-type"), "text/event-stream");
  assert.equal(preceded.headers.get("x-accel-buffering"), "no");
  assert.equal((await allMessages(preceded)).length, 2);

  // Silence: from about two seconds on a stream shows that the client is not forgotten.
  const long = await leapUntil(gateway, send(callTool(4, "sleep", { ms: 5_000 })));
  assert.equal(long.headers.get("content-type"), "text/event-stream");
  assert.match(
    await long.text(),
    /^id: \S+\nretry: \d+\ndata: \n\n(:\n\n)+id: \S+\nevent: message\ndata: \{.*"id":4.*\n\n$/,
  );
});

Deno.test("--replyMode json answers with JSON alone; what precedes it goes to the GET stream", async () => {
  await using gateway = await start("--replyMode", "json");
  const session = await beginSession(gateway.mcp, { sampling: {} });
  const send = (message: unknown) => post(gateway.mcp, message, { session });
  const stream = await listen(gateway, session);
  const preceded = await send(callTool(1, "notify", { messages: [log("first")] }));
  assert.equal(preceded.headers.get("content-type"), "application/json");
  assert.equal((await preceded.json()).id, 1);
  assert.deepEqual(await nextOf(stream), log("first"));
  const progressed = await send(callTool(2, "progress", { steps: 1 }, { progressToken: 7 }));
  assert.equal((await progressed.json()).id, 2);
  assert.equal((await nextOf(stream)).params.progressToken, 7);
  const asking = send(callTool(3, "ask", request("ask", "sampling/createMessage", {})));
  assert.equal((await nextOf(stream)).id, "ask");
  await tell(gateway, { jsonrpc: "2.0", id: "ask", result: {} }, session);
  assert.equal((await (await asking).json()).id, 3);
  const abandoned = send(callTool("abandoned", "ask", request("ask", "sampling/createMessage", {})));
  assert.equal((await nextOf(stream)).id, "ask");
  await tell(gateway, cancelled("abandoned"), session);
  const { id, error } = await (await abandoned).json();
  assert.deepEqual([id, error.message], ["abandoned", "Request cancelled"]);
  await stream.cancel();
});

Deno.test("--replyMode sse answers every request with a stream", async () => {
  await using gateway = await start("--replyMode", "sse");
  const session = await beginSession(gateway.mcp);
  const plain = await post(gateway.mcp, callTool(1, "echo"), { session });
  assert.equal(plain.headers.get("content-type"), "text/event-stream");
  assert.deepEqual((await allMessages(plain)).map(({ id }) => id), [1]);
});

for (const mode of ["stateful", "stateless"]) {
  Deno.test(`a ${mode} batch is answered message by message, in the form that --replyMode says`, async () => {
    for (
      const [replyMode, type] of [["auto", "text/event-stream"], ["sse", "text/event-stream"], [
        "json",
        "application/json",
      ]]
    ) {
      await using gateway = await startKeystone(
        ["--replyMode", replyMode!, ...mode === "stateful" ? ["--stateful"] : []],
        { server: SCRIPTED },
      );
      const session = mode === "stateful" ? await beginSession(gateway.mcp) : undefined;
      const batch = [
        callTool("slow", "sleep", { ms: 100 }),
        notification("notifications/roots/list_changed"),
        request(1, "ping"),
        request("1", "no/such"),
      ];
      const response = await post(gateway.mcp, batch, { session });
      assert.equal(response.status, 200);
      assert.equal(response.headers.get("content-type"), type);
      const answers = await allMessages(response);
      assert.equal(answers.length, 3);
      assert.equal(answers.at(-1).id, "slow", "each answer comes when it is there");
      assert.deepEqual(
        new Map(answers.map(({ id, error }) => [id, error?.code])),
        new Map<unknown, unknown>([["slow", undefined], [1, undefined], ["1", -32601]]),
      );
      await tell(gateway, [notification("notifications/a"), notification("notifications/b")], session);
    }
  });
}

Deno.test("DELETE ends the session, its streams and its child, and answers what is open", async () => {
  await using gateway = await start();
  const session = await beginSession(gateway.mcp);
  const headers = { "Mcp-Session-Id": session, Accept: "text/event-stream" };
  const stream = await listen(gateway, session);
  const asking = callTool(1, "ask", request("ask", "roots/list"));
  const open = messagesOf(await post(gateway.mcp, asking, { session }));
  await open.next();
  const ended = await fetch(gateway.mcp, { method: "DELETE", headers });
  assert.deepEqual([ended.status, await ended.text()], [200, ""]);
  assert.equal(await inTime(stream.next(), "end of the stream"), undefined);
  const error = { code: -32603, message: "The client ended the session" };
  assert.deepEqual((await open.next()).value, { jsonrpc: "2.0", id: 1, error });
  assert.equal((await open.next()).done, true);
  for (const method of ["POST", "GET", "DELETE"]) {
    const response = method === "POST"
      ? await post(gateway.mcp, request(3, "ping"), { session })
      : await fetch(gateway.mcp, { method, headers });
    assert.equal(response.status, 404, method);
    assert.equal((await response.json()).error.code, -32001);
  }
  await eventually(() => gateway.children(), (children) => children.length === 0);
});

Deno.test("Streamable HTTP answers every call at the end, those too that wait for a server that does not read", async () => {
  const flags = ["--stateful", "--replyMode", "sse", "--shutdownTimeout", "0"];
  await using gateway = await startKeystone(flags, { server: ["/bin/sh", "-c", "exec sleep 600"] });
  const first = await post(gateway.mcp, initialize(0));
  const session = first.headers.get("mcp-session-id") ?? "";
  const open = [first];
  for (let id = 1; id <= 20; id++) {
    open.push(await post(gateway.mcp, callTool(id, "echo", { fill: "x".repeat(20_000) }), { session }));
  }
  gateway.signal("SIGTERM");
  const error = { code: -32000, message: "The gateway is shutting down" };
  for (const [id, response] of open.entries()) {
    assert.deepEqual(await allMessages(response), [{ jsonrpc: "2.0", id, error }]);
  }
});

Deno.test("--sessionTimeout leaves a session alone that talks, or whose client waits for an answer", async () => {
  const leapMs = 20 * 60_000;
  await using gateway = await startKeystone(["--stateful", "--sessionTimeout", "30m"], {
    server: SCRIPTED,
    leapMs,
  });
  const session = await beginSession(gateway.mcp);
  const say = async (body: unknown) => (await answer(await post(gateway.mcp, body, { session }))).result;
  for (const id of [1, 2, 3]) {
    assert.deepEqual((await say(callTool(id, "echo", { id }))).structuredContent.id, id);
    await gateway.leap();
  }
  const waiting = await post(gateway.mcp, callTool("long", "begin", {}, { progressToken: "p" }), { session });
  for (let leap = 0; leap < 3; leap++) await gateway.leap();
  assert.deepEqual(await say(request(4, "ping")), {});
  await waiting.body?.cancel();
});

Deno.test("stateless calls share one child, and each gets its own answer although all use one id", async () => {
  await using gateway = await startStateless();
  const calls = Array.from({ length: 20 }, async (_, number) => {
    const { id, result } = await answer(await post(gateway.mcp, callTool(1, "echo", { number })));
    assert.equal(id, 1);
    assert.equal(result.structuredContent.number, number);
    return result.structuredContent.pid;
  });
  const pids = new Set(await Promise.all(calls));
  assert.equal(pids.size, 1);
  assert.deepEqual(await gateway.children(), [...pids]);
  await gateway.logged(/Child started/);
  assert.equal(gateway.stderr().match(/Child started/g)?.length, 1);
});

Deno.test("stateless calls get the progress of their own request alone", async () => {
  await using gateway = await startStateless();
  const calls = Array.from({ length: 10 }, async (_, number) => {
    const steps = number + 1;
    const message = callTool("same", "progress", { steps }, { progressToken: "same" });
    const messages = await allMessages(await post(gateway.mcp, message));
    assert.deepEqual(messages.pop().result.structuredContent, { steps });
    assert.deepEqual(
      messages.map(({ params }) => params),
      Array.from({ length: steps }, (_, at) => ({ progressToken: "same", progress: at + 1, total: steps })),
    );
  });
  await Promise.all(calls);
  // Of what names no request nobody can say whom it is for.
  const told = await allMessages(
    await post(gateway.mcp, callTool(1, "notify", { messages: [log("whose")] })),
  );
  assert.deepEqual(told.map(({ id }) => id), [1]);
  await inTime(gateway.logged(/Message dropped .*nobody can be named/), "log entry");
});

Deno.test("stateless clients may initialize, and what they tell reaches the shared child", async () => {
  await using gateway = await startStateless();
  for (const version of ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"]) {
    const response = await post(gateway.mcp, initialize("hello", version));
    assert.equal(response.headers.get("mcp-session-id"), null);
    const { id, result } = await answer(response);
    assert.deepEqual([id, result.protocolVersion, result.serverInfo.name], ["hello", version, "scripted"]);
    await tell(gateway, notification("notifications/initialized"));
  }
  await tell(gateway, notification("notifications/future"));
  // Whose roots these are could not be said; and nothing was asked.
  await tell(gateway, notification("notifications/roots/list_changed"));
  await tell(gateway, { jsonrpc: "2.0", id: 1, result: { answers: "nothing" } });
  const { result } = await answer(await post(gateway.mcp, callTool(1, "seen")));
  // The gateway's own handshake is the only one.
  assert.deepEqual(result.structuredContent.notifications, [
    "notifications/initialized",
    "notifications/future",
  ]);
  assert.equal((await gateway.children()).length, 1);
});

Deno.test("stateless clients are not offered what needs a session, and get an error that says so", async () => {
  await using gateway = await startStateless();
  const { result } = await answer(await post(gateway.mcp, initialize()));
  assert.deepEqual(result.capabilities, { tools: {} });
  const asks: [method: string, params: unknown][] = [
    ["logging/setLevel", { level: "debug" }],
    ["resources/subscribe", { uri: "a:b" }],
    ["resources/unsubscribe", { uri: "a:b" }],
  ];
  for (const [method, params] of asks) {
    const { error } = await answer(await post(gateway.mcp, request("x", method, params)));
    assert.equal(error.code, -32601);
    assert.match(error.message, /needs a session.*--stateful/);
  }
  const { error } = await answer(await post(gateway.mcp, request("x", "tasks/list")));
  assert.match(error.message, /"tasks\/list" is not offered by a shared server/);
});

Deno.test("stateless answers keep every character but the id, also what no double holds", async () => {
  await using gateway = await startStateless();
  const answerTo = (id: string) =>
    `{"jsonrpc":"2.0", "result":{"n":12345678901234567890,"e":1.0}, "id": ${id}}`;
  // The first request that a shared child gets has the id 1.
  const response = await post(gateway.mcp, callTool("a:b", "write", { text: answerTo("1") }));
  assert.equal(await response.text(), answerTo('"a:b"'));
});

Deno.test("stateless requests of a server are answered by the gateway: nobody else could", async () => {
  await using gateway = await startStateless();
  const ask = async (method: string) => {
    const { result } = await answer(await post(gateway.mcp, callTool(1, "ask", request("s", method))));
    return result.structuredContent.reply;
  };
  assert.deepEqual(await ask("ping"), { jsonrpc: "2.0", id: "s", result: {} });
  assert.equal((await ask("sampling/createMessage")).error.code, -32601);
});

Deno.test("stateless requests are cancelled at the child when their client vanishes", async () => {
  for (const replyMode of ["auto", "sse"]) {
    await using gateway = await startStateless("--replyMode", replyMode, "--keepAlive", "100ms");
    const headers = { "Content-Type": "application/json", Accept: ACCEPT };
    const body = JSON.stringify(callTool("gone", "hang"));
    const connection = await sendRaw(gateway.port, { method: "POST", path: "/mcp", headers, body });
    await answer(await post(gateway.mcp, request(1, "ping")));
    connection.close();
    const seen = async () => (await answer(await post(gateway.mcp, callTool(1, "seen")))).result;
    await eventually(seen, ({ structuredContent }) => structuredContent.cancelled.length === 1);
  }
});

Deno.test("stateless calls are answered when the shared child crashes, and the next one gets a new child", async () => {
  await using gateway = await startStateless("--replyMode", "sse");
  const first = (await answer(await post(gateway.mcp, callTool(1, "echo")))).result.structuredContent.pid;
  const open = [];
  for (const id of [1, "1"]) open.push(await post(gateway.mcp, callTool(id, "hang")));
  const fatal = await answer(await post(gateway.mcp, callTool(2, "exit", { code: 6 })));
  const error = {
    code: -32603,
    message: "The MCP server exited with code 6: the answer is lost, and the request was not sent again",
  };
  assert.deepEqual(fatal, { jsonrpc: "2.0", id: 2, error });
  const answers = await Promise.all(open.map(answer));
  assert.deepEqual(answers, [{ jsonrpc: "2.0", id: 1, error }, { jsonrpc: "2.0", id: "1", error }]);
  const second = (await answer(await post(gateway.mcp, callTool(1, "echo")))).result.structuredContent.pid;
  assert.notEqual(second, first);
});

Deno.test("stateless calls have their limits: --requestTimeout in time, --maxOpenRequests all together", async () => {
  const flags = ["--requestTimeout", "10m", "--maxOpenRequests", "2", "--replyMode", "sse"];
  await using gateway = await startKeystone(flags, { server: SCRIPTED, leapMs: 600_000 });
  await answer(await post(gateway.mcp, request(1, "ping")));
  const open = [];
  for (const id of [1, 1]) open.push(await post(gateway.mcp, callTool(id, "hang")));
  const refused = await post(gateway.mcp, callTool("third", "echo"));
  assert.equal(refused.status, 503);
  assert.match(refused.headers.get("retry-after") ?? "", /^\d+$/);
  assert.deepEqual(await refused.json(), {
    jsonrpc: "2.0",
    id: "third",
    error: { code: -32000, message: "Too many open requests: the limit is 2" },
  });
  await gateway.leap();
  for (const { id, error } of await Promise.all(open.map(answer))) {
    assert.deepEqual([id, error.code], [1, -32001]);
    assert.match(error.message, /within 10m \(--requestTimeout\)/);
  }
  const { result } = await answer(await post(gateway.mcp, callTool(1, "seen")));
  assert.equal(result.structuredContent.cancelled.length, 2);
});

Deno.test("Streamable HTTP is not held up by clients that leave while their answer comes", async () => {
  await using gateway = await start("--replyMode", "sse");
  const session = await beginSession(gateway.mcp);
  // The answers come at about the time at which the gateway hears of the end; one of many hits it.
  for (let id = 1; id <= 200; id++) {
    const response = await post(gateway.mcp, callTool(id, "echo"), { session });
    await response.body?.cancel();
  }
  const answered = post(gateway.mcp, request("last", "ping"), { session }).then(answer);
  assert.deepEqual((await inTime(answered, "answer")).result, {});
});
