import assert from "node:assert/strict";
import { inTime } from "../../../tests/contract/deadline.ts";
import type { FarEnd } from "../../../tests/support/far_end.ts";
import { settled } from "../../../tests/support/far_end.ts";
import { failure, notification, progress, request, result } from "../../../tests/support/messages.ts";
import { modernHeaders, type ModernPostRig, modernPostRig } from "../../../tests/support/modern_post_rig.ts";
import { META, modern } from "../../../tests/support/modern_rig.ts";
import {
  allMessages,
  answer,
  type AnyMessage,
  beginSession,
  messagesOf,
} from "../../../tests/support/rpc.ts";
import { servedTest } from "../../../tests/support/served.ts";
import { isRequest, type JsonRpcRequest } from "../../core/message/jsonrpc.ts";
import type { ReplyMode } from "./exchange.ts";
import type { StreamableOptions } from "./streamable.ts";

const REVISION = "io.modelcontextprotocol/protocolVersion";
const OTHER = { ...META, [REVISION]: "2099-01-01" };

const echo = (id: number | string) => modern(id, "tools/call", { name: "echo" });
const listen = (id: number | string) => modern(id, "subscriptions/listen", { notifications: {} });

/** Every front that there is, and every way of answering. */
const FRONTS: readonly Partial<StreamableOptions>[] = [
  {},
  { replyMode: "json" },
  { replyMode: "sse" },
  { stateful: true },
  { stateful: true, replyMode: "sse" },
];

function fronts(name: string, test: (rig: ModernPostRig, replyMode: ReplyMode) => Promise<void>): void {
  for (const front of FRONTS) {
    const { stateful = false, replyMode = "auto" } = front;
    servedTest(`${name} (--replyMode ${replyMode}${stateful ? ", --stateful" : ""})`, async () => {
      await using rig = modernPostRig(front);
      await test(rig, replyMode);
    });
  }
}

/** Settles once a server has been opened, and with what it was asked first. */
async function asked(rig: ModernPostRig): Promise<{ server: FarEnd; request: JsonRpcRequest }> {
  while (rig.shared.servers.length === 0) await settled();
  const server = rig.server();
  const message = await inTime(server.hear(), "A request");
  assert(isRequest(message));
  return { server, request: message };
}

async function told(response: Response): Promise<AnyMessage> {
  const { status } = response;
  const { id, error } = await answer(response);
  return { status, id, code: error?.code, ...error?.data !== undefined && { data: error.data } };
}

fronts(
  "modernPosts answers a call, which is passed on as it is, and has no session",
  async (rig, replyMode) => {
    const answered = rig.ask(echo("a"), { session: "made-up" });
    const { server, request } = await asked(rig);
    assert.deepEqual(request, echo("a"));
    server.say(result("a", { resultType: "complete", content: [] }));
    const response = await answered;
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("mcp-session-id"), null);
    const type = replyMode === "sse" ? "text/event-stream" : "application/json";
    assert.equal(response.headers.get("content-type"), type);
    assert.deepEqual(await answer(response), result("a", { resultType: "complete", content: [] }));
    const [opened] = rig.told("session.opened");
    assert.equal(opened?.scope, "request");
    assert.equal(rig.shared.launches[0]?.era, "modern");
  },
);

fronts("modernPosts refuses what is wrong by looking at it, with the request's id", async (rig) => {
  const refused = async (message: unknown, headers: Record<string, string>) =>
    await told(await rig.post(message, { headers }));
  const good = modernHeaders(echo(1));
  const { "Mcp-Name": _, ...nameless } = good;
  const fault = (key: string, problem: string) => ({
    status: 400,
    id: 1,
    code: -32602,
    data: { key, problem },
  });
  assert.deepEqual(
    await refused(request(1, "tools/call", { name: "echo" }), good),
    fault("_meta", "missing"),
  );
  const incapable = { [REVISION]: "2026-07-28" };
  assert.deepEqual(
    await refused(request(1, "tools/call", { _meta: incapable }), good),
    fault("io.modelcontextprotocol/clientCapabilities", "missing"),
  );
  const mismatch = { status: 400, id: 1, code: -32020 };
  assert.deepEqual(await refused(echo(1), {}), mismatch);
  assert.deepEqual(await refused(echo(1), nameless), mismatch);
  assert.deepEqual(await refused(echo(1), { ...good, "Mcp-Method": "prompts/get" }), mismatch);
  assert.deepEqual(
    await refused({ ...echo(1), params: { ...echo(1).params, _meta: OTHER } }, good),
    mismatch,
  );
  assert.deepEqual(await refused(echo(1), { ...good, "MCP-Protocol-Version": "2025-11-25" }), mismatch);
  const unsupported = await refused(
    { ...echo("id"), params: { ...echo(1).params, _meta: OTHER } },
    { "MCP-Protocol-Version": "2099-01-01" },
  );
  const data = { supported: ["2026-07-28"], requested: "2099-01-01" };
  assert.deepEqual(unsupported, { status: 400, id: "id", code: -32022, data });
  assert.deepEqual(rig.shared.servers, []);
  assert.deepEqual(rig.own.servers, []);
  assert.deepEqual(rig.told("session.opened"), []);
});

fronts("modernPosts refuses batches with a modern element, and responses", async (rig) => {
  const headers = modernHeaders(echo(1));
  const batches = [[echo(1)], [request(1, "ping"), echo(2)], [
    notification("notifications/x", { _meta: META }),
  ]];
  for (const batch of batches) {
    for (const own of [headers, { "MCP-Protocol-Version": "2025-03-26" }, {}]) {
      const { status, id, code } = await told(await rig.post(batch, { headers: own }));
      assert.deepEqual({ status, id, code }, { status: 400, id: null, code: -32600 });
    }
  }
  for (const response of [result(1, { _meta: META }), failure(1), [request(1, "ping")], []]) {
    const { status, code } = await told(await rig.post(response, { headers }));
    assert.deepEqual({ status, code }, { status: 400, code: -32600 });
  }
  assert.deepEqual(rig.shared.servers, []);
});

fronts("modernPosts takes notifications with 202 and without a body", async (rig) => {
  const said = [
    notification("notifications/x", { _meta: META }),
    notification("notifications/cancelled", { requestId: 1 }),
  ];
  for (const message of said) {
    const response = await rig.post(message, { headers: { "MCP-Protocol-Version": "2026-07-28" } });
    assert.deepEqual([response.status, await response.text()], [202, ""]);
  }
});

fronts("modernPosts wants the header of a notification to say what the notification says", async (rig) => {
  const said = notification("notifications/x", { _meta: META });
  for (const headers of [{}, { "MCP-Protocol-Version": "2025-11-25" }]) {
    const { status, id, code } = await told(await rig.post(said, { headers }));
    assert.deepEqual({ status, id, code }, { status: 400, id: null, code: -32020 });
  }
  assert.deepEqual(rig.told("session.opened"), []);
});

fronts(
  "modernPosts opens nothing for who says that a call is cancelled: to leave has done that",
  async (rig) => {
    const cancelled = notification("notifications/cancelled", { requestId: 1 });
    await rig.post(cancelled, { headers: { "MCP-Protocol-Version": "2026-07-28" } });
    assert.deepEqual(rig.told("session.opened"), []);
  },
);

fronts(
  "modernPosts gives answers that are the whole response a status of their own",
  async (rig, replyMode) => {
    const statuses: [code: number, status: number][] = [
      ...[[-32601, 404], [-32020, 400], [-32021, 400], [-32022, 400], [-32602, 200], [-32603, 200], [
        -32000,
        200,
      ]],
      [7, 200],
    ] as [number, number][];
    for (const [at, [code, status]] of statuses.entries()) {
      const answered = rig.ask(echo(at));
      while (rig.shared.servers.length === at) await settled();
      await rig.server().hear();
      rig.server().say(failure(at, "no", code));
      const response = await answered;
      assert.equal(response.status, status, `${code}`);
      const type = replyMode === "sse" && status === 200 ? "text/event-stream" : "application/json";
      assert.equal(response.headers.get("content-type"), type, `${code}`);
      assert.equal((await answer(response)).error.code, code);
    }
  },
);

servedTest(
  "modernPosts has a stream for a call that reports something, and its answer is 200 then",
  async () => {
    await using rig = modernPostRig();
    const answered = rig.ask(modern(1, "tools/call", { name: "echo", _meta: { progressToken: "p" } }));
    const { server } = await asked(rig);
    server.say(progress("p"), failure(1, "no", -32601));
    const response = await answered;
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("x-accel-buffering"), "no");
    assert.deepEqual(await allMessages(response), [progress("p"), failure(1, "no", -32601)]);
  },
);

for (const stateful of [false, true]) {
  servedTest(`both eras are on one URL at the same time${stateful ? " (--stateful)" : ""}`, async () => {
    await using rig = modernPostRig({ stateful });
    const began = stateful ? beginLegacy(rig) : undefined;
    const session = await began;
    const old = rig.post(request("old", "tools/call", { name: "echo" }), {
      session,
      headers: { "MCP-Protocol-Version": "2025-11-25" },
    });
    const own = stateful ? rig.own : rig.shared;
    if (!stateful) { while (own.servers.length === 0) await settled(); }
    const legacy = own.last();
    assert.deepEqual(await legacy.hear(), request("old", "tools/call", { name: "echo" }));
    const count = rig.shared.servers.length;
    // Whatever session it names, and whatever it would resume.
    const headers = { "Last-Event-ID": "1" };
    const answered = rig.ask(echo("new"), { session, headers });
    while (rig.shared.servers.length === count) await settled();
    const server = rig.server();
    assert.deepEqual(await server.hear(), echo("new"));
    server.say(result("new", { resultType: "complete" }));
    legacy.say(result("old"));
    assert.deepEqual(await answer(await old), result("old"));
    assert.deepEqual(await answer(await answered), result("new", { resultType: "complete" }));
    assert.deepEqual(own.launches[0]?.era, undefined);
    assert.equal(rig.shared.launches.at(-1)?.era, "modern");
  });
}

/** A session of a legacy client; gives its id. */
async function beginLegacy(rig: ModernPostRig): Promise<string> {
  const began = beginSession(rig.url);
  while (rig.own.servers.length === 0) await settled();
  const server = rig.own.last();
  await server.hear();
  server.say(result(0, { protocolVersion: "2025-11-25", capabilities: {}, serverInfo: {} }));
  const session = await began;
  await server.hear();
  return session;
}

servedTest("GET and DELETE stay those of the sessions, with a modern header and without", async () => {
  await using with_ = modernPostRig({ stateful: true });
  await using without = modernPostRig();
  for (const method of ["GET", "DELETE"]) {
    for (const version of ["2026-07-28", "2025-11-25"]) {
      const headers = { Accept: "text/event-stream", "MCP-Protocol-Version": version };
      const stateless = await fetch(without.url, { method, headers });
      assert.deepEqual([stateless.status, stateless.headers.get("allow")], [405, "POST"]);
      await stateless.body?.cancel();
      const stateful = await fetch(with_.url, { method, headers });
      assert.equal(stateful.status, 400);
      await stateful.body?.cancel();
    }
  }
  const session = await beginLegacy(with_);
  const headers = { "Mcp-Session-Id": session, "MCP-Protocol-Version": "2025-11-25" };
  const ended = await fetch(with_.url, { method: "DELETE", headers });
  assert.equal(ended.status, 200);
  await ended.body?.cancel();
});

servedTest("modernPosts asks for headers of arguments once it has seen the list of tools", async () => {
  await using rig = modernPostRig();
  const call = modern(1, "tools/call", { name: "sql", arguments: { region: "eu", n: 42 } });
  const properties = {
    region: { type: "string", "x-mcp-header": "Region" },
    n: { type: "integer", "x-mcp-header": "N" },
  };
  const tools = [{ name: "sql", inputSchema: { type: "object", properties } }, {
    name: "echo",
    inputSchema: {},
  }];
  const answered = async (message: JsonRpcRequest, value: unknown, headers = {}) => {
    const count = rig.shared.servers.length;
    const response = rig.ask(message, { headers });
    while (rig.shared.servers.length === count) await settled();
    await rig.server().hear();
    rig.server().say(result(1, value));
    assert.deepEqual((await answer(await response)).result, value);
  };
  await answered(call, {});
  // Such a result of another method says nothing of tools.
  await answered(call, { tools });
  await answered(call, {});
  await answered(modern(1, "tools/list"), { tools, resultType: "complete" });
  const { status, code } = await told(await rig.ask(call));
  assert.deepEqual([status, code], [400, -32020]);
  const wrong = await told(
    await rig.ask(call, { headers: { "Mcp-Param-Region": "us", "Mcp-Param-N": "42" } }),
  );
  assert.equal(wrong.code, -32020);
  await answered(call, {}, { "mcp-param-region": "eu", "Mcp-Param-N": "42.0" });
  await answered(echo(1), {}, { "Mcp-Param-Region": "whatever" });
  const without = [{ name: "sql", inputSchema: { type: "object" } }];
  await answered(modern(1, "tools/list"), { tools: without, resultType: "complete" });
  await answered(call, {});
});

servedTest("modernPosts believes nobody's tools for calls of others, or at another server", async () => {
  await using rig = modernPostRig();
  await using other = modernPostRig();
  const properties = { region: { type: "string", "x-mcp-header": "Region" } };
  const tools = [{ name: "sql", inputSchema: { type: "object", properties } }];
  const call = modern(1, "tools/call", { name: "sql", arguments: { region: "eu" } });
  /** The status of the answer, which a server gives where one is asked. */
  const answered = async ({ shared, ask }: ModernPostRig, who: string, message: JsonRpcRequest) => {
    const count = shared.servers.length;
    let over = false;
    const response = ask(message, { headers: { "x-principal": who } }).finally(() => over = true);
    while (!over && shared.servers.length === count) await settled();
    if (!over) shared.last().say(result(1, { tools }));
    return (await told(await response)).status;
  };
  assert.equal(await answered(rig, "eve", modern(1, "tools/list")), 200);
  assert.equal(await answered(rig, "eve", call), 400);
  assert.equal(await answered(rig, "ann", call), 200);
  assert.equal(await answered(other, "eve", call), 200);
});

for (const afterMs of [0, 300]) {
  fronts(`a client that leaves ${afterMs} ms after its call takes it back`, async (rig) => {
    const leaving = new AbortController();
    const answered = rig.ask(echo(1), { signal: leaving.signal });
    const { server } = await asked(rig);
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    leaving.abort();
    await assert.rejects(async () => await (await answered).text());
    const rest = await inTime(server.rest(), "The end of the call");
    assert.deepEqual(rest.messages, []);
  });
}

fronts("a client that has its answer leaves without a word to anybody", async (rig) => {
  const leaving = new AbortController();
  const answered = rig.ask(echo(1), { signal: leaving.signal });
  const { server } = await asked(rig);
  server.say(result(1));
  assert.deepEqual(await answer(await answered), result(1));
  leaving.abort();
  await server.rest();
  const [closed] = rig.told("session.closed");
  assert.equal(closed?.reason, "the client is done");
});

fronts(
  "subscriptions/listen is a stream, and ends with the gateway, which does not wait for it",
  async (rig) => {
    const answered = rig.ask(listen("l"));
    const { server } = await asked(rig);
    const acknowledged = notification("notifications/subscriptions/acknowledged", { notifications: {} });
    server.say(acknowledged);
    const response = await inTime(answered, "The beginning of the stream");
    assert.equal(response.headers.get("content-type"), "text/event-stream");
    const messages = messagesOf(response);
    assert.deepEqual((await messages.next()).value, acknowledged);
    const changed = notification("notifications/tools/list_changed");
    server.say(changed);
    assert.deepEqual((await messages.next()).value, changed);
    // Longer than a test may take.
    await inTime(
      rig.gateway.stop({ reason: "the test is over", timeoutMs: 600_000 }),
      "The end of the gateway",
    );
    assert.deepEqual((await messages.next()).value, {
      jsonrpc: "2.0",
      id: "l",
      result: { resultType: "complete", _meta: { "io.modelcontextprotocol/subscriptionId": "l" } },
    });
    assert.equal((await messages.next()).done, true);
  },
);

fronts("a client that leaves a subscription ends it at the server", async (rig) => {
  const leaving = new AbortController();
  const answered = rig.ask(listen(1), { signal: leaving.signal });
  const { server } = await asked(rig);
  server.say(notification("notifications/subscriptions/acknowledged", { notifications: {} }));
  const response = await inTime(answered, "The beginning of the stream");
  await response.body?.cancel();
  leaving.abort();
  await inTime(server.rest(), "The end of the subscription");
});
