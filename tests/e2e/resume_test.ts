/** Clients that lose their connection and come back for what they missed. */
import assert from "node:assert/strict";
// @ts-types="@modelcontextprotocol/sdk/client/streamableHttp"
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { Cable } from "../support/cable.ts";
import { CallToolResultSchema, Client } from "../support/clients.ts";
import { Events, inTime } from "../support/conversation.ts";
import { eventually, type Keystone, leapUntil, SCRIPTED, startKeystone } from "../support/keystone.ts";
import { rawRequest } from "../support/raw_http.ts";
import { RawStream } from "../support/raw_stream.ts";
import {
  ACCEPT,
  answer,
  type AnyMessage,
  beginSession,
  callTool,
  initialize,
  post,
  request,
} from "../support/rpc.ts";

const start = (...flags: string[]) => startKeystone(["--stateful", ...flags], { server: SCRIPTED });
const notification = (method: string, params: unknown = {}) => ({ jsonrpc: "2.0", method, params });
const log = (data: unknown) => notification("notifications/message", { level: "info", data });

/** The GET stream, or the stream of that event from there on. */
function get({ mcp }: Pick<Keystone, "mcp">, session: string, lastEventId?: string): Promise<Response> {
  const resume = lastEventId === undefined ? {} : { "Last-Event-ID": lastEventId };
  return fetch(mcp, { headers: { Accept: "text/event-stream", "Mcp-Session-Id": session, ...resume } });
}

async function resume(gateway: Keystone, session: string, lastEventId: string): Promise<Events> {
  const response = await get(gateway, session, lastEventId);
  assert.equal(response.status, 200, await (response.ok ? "" : response.text()));
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  return new Events(response);
}

async function listen(gateway: Keystone, session: string): Promise<Events> {
  return new Events(await get(gateway, session));
}

async function assertRefused(response: Response, id: string): Promise<void> {
  assert.equal(response.status, 400);
  const { error, ...rest } = await response.json();
  assert.deepEqual([rest, error.code], [{ jsonrpc: "2.0", id: null }, -32000]);
  assert(error.message.startsWith(`Cannot resume after event ${JSON.stringify(id)}: `), error.message);
}

async function assertGone(response: Response): Promise<void> {
  assert.equal(response.status, 404);
  assert.equal((await response.json()).error.code, -32001);
}

/** The messages up to the end of the stream, or so many. */
async function read(events: Events, count = Infinity): Promise<AnyMessage[]> {
  const messages: AnyMessage[] = [];
  while (messages.length < count) {
    const event = await inTime(events.next(), "event");
    if (!event) break;
    messages.push(JSON.parse(event.data));
  }
  return messages;
}

/** A call whose client vanishes, at the level of TCP, when the answer has begun; gives the id it got last. */
async function vanishInCall(
  gateway: Keystone,
  session: string,
  call: unknown,
  after: RegExp,
): Promise<string> {
  const headers = { "Content-Type": "application/json", Accept: ACCEPT, "Mcp-Session-Id": session };
  const body = JSON.stringify(call);
  using stream = new RawStream(
    await rawRequest(gateway.port, { method: "POST", path: "/mcp", headers, body }),
  );
  await stream.read(after);
  const [, id = ""] = await stream.read(/[^]*^id: (\S+)$/m);
  return id;
}

/** The client's word for what it asks the server to do: ask back, so that the call stays open until the reply. */
const asking = (id: unknown) => callTool(id, "ask", request("s", "sampling/createMessage", {}));

Deno.test("a client that vanished in a call gets what it missed, then what comes, then the end", async () => {
  await using gateway = await start("--keepAlive", "100ms");
  const session = await beginSession(gateway.mcp, { sampling: {} });
  const last = await vanishInCall(gateway, session, asking(1), /sampling/);
  const primed = last.replace(/-\d+$/, "-0");
  const stream = await resume(gateway, session, primed);
  assert.deepEqual((await read(stream, 1))[0].method, "sampling/createMessage");
  const reply = { jsonrpc: "2.0", id: "s", result: { text: "late" } };
  await (await post(gateway.mcp, reply, { session })).text();
  const [result, ...more] = await read(stream);
  assert.deepEqual([result.id, result.result.structuredContent.reply], [1, reply]);
  assert.deepEqual(more, []);
  // The answer is kept.
  assert.deepEqual(await read(await resume(gateway, session, last)), [result]);
  const done = last.replace(/-\d+$/, "-2");
  const nothing = await get(gateway, session, done);
  assert.deepEqual([nothing.status, await nothing.text()], [204, ""]);
});

Deno.test("an answer that came while its client was away is kept, and goes to nobody else", async () => {
  await using gateway = await start("--keepAlive", "50ms", "--replyMode", "sse");
  const session = await beginSession(gateway.mcp);
  const standing = await listen(gateway, session);
  const last = await vanishInCall(gateway, session, callTool(1, "sleep", { ms: 500 }), /retry/);
  const other = await post(gateway.mcp, callTool(2, "sleep", { ms: 1_000 }), { session });
  assert.deepEqual((await read(new Events(other))).map(({ id }) => id), [2]);
  assert.deepEqual((await read(await resume(gateway, session, last))).map(({ id }) => id), [1]);
  await answer(
    await post(gateway.mcp, callTool(3, "answer_then", { messages: [log("standing")] }), { session }),
  );
  assert.deepEqual(await read(standing, 1), [log("standing")]);
  await standing.cancel();
  assert.doesNotMatch(gateway.stderr(), /Message dropped/);
});

Deno.test("a GET stream goes on where its client lost it", async () => {
  await using gateway = await start();
  const session = await beginSession(gateway.mcp);
  const say = async (...data: string[]) => {
    const messages = data.map(log);
    await answer(await post(gateway.mcp, callTool(1, "answer_then", { messages }), { session }));
  };
  const first = await listen(gateway, session);
  await say("one", "two");
  const seen = [await first.next(), await first.next()];
  await first.cancel();
  await say("three");
  const second = await resume(gateway, session, seen[0]?.id ?? "");
  assert.deepEqual(await read(second, 2), [log("two"), log("three")]);
  await say("four");
  assert.deepEqual(await read(second, 1), [log("four")]);
  await second.cancel();
});

Deno.test("an id that cannot be resumed is refused with 400, and one of a session that is gone with 404", async () => {
  await using gateway = await start("--replyMode", "sse", "--eventStoreCount", "3");
  const sessions = [await beginSession(gateway.mcp), await beginSession(gateway.mcp)];
  const [session = "", other = ""] = sessions;
  const messages = ["a", "b", "c", "d"].map(log);
  const ids = [];
  for (const session of sessions) {
    const response = await post(gateway.mcp, callTool(1, "notify", { messages }), { session });
    ids.push((await new Events(response).rest()).map(({ id }) => id ?? ""));
  }
  const [mine = [], theirs = []] = ids;
  // Of five events the last three are kept.
  for (const id of [mine[0]!, ...theirs, "nonsense", `${mine[4]}0`]) {
    await assertRefused(await get(gateway, session, id), id);
  }
  assert.deepEqual((await read(await resume(gateway, session, mine[1]!))).length, 3);
  await inTime(gateway.logged(/Request refused .*Cannot resume/), "log entry");
  for (const unknown of [crypto.randomUUID(), `${session}x`]) {
    await assertGone(await get(gateway, unknown, mine[4]!));
  }
  await (await fetch(gateway.mcp, { method: "DELETE", headers: { "Mcp-Session-Id": other } })).text();
  await assertGone(await get(gateway, other, theirs[4]!));
});

Deno.test("--eventStore none gives no ids and resumes nothing; a stateless gateway has no GET", async () => {
  await using gateway = await start("--replyMode", "sse", "--eventStore", "none");
  const session = await beginSession(gateway.mcp);
  const response = await post(gateway.mcp, callTool(1, "notify", { messages: [log("a")] }), { session });
  assert.doesNotMatch(await response.text(), /^(id|retry):/m);
  const standing = await get(gateway, session);
  await answer(
    await post(gateway.mcp, callTool(2, "answer_then", { messages: [log("b")] }), { session }),
  );
  const events = new Events(standing, { priming: true });
  const event = await events.next();
  assert.deepEqual([event?.id, JSON.parse(event?.data ?? "")], [undefined, log("b")]);
  await assertRefused(await get(gateway, session, "00000000.1-0"), "00000000.1-0");
  await events.cancel();

  await using stateless = await startKeystone(["--replyMode", "sse"], { server: SCRIPTED });
  const refused = await get(stateless, session, "00000000.1-0");
  assert.deepEqual([refused.status, refused.headers.get("allow")], [405, "POST"]);
  await refused.text();
  assert.doesNotMatch(await (await post(stateless.mcp, initialize())).text(), /^(id|retry):/m);
});

Deno.test("a client that does not come back costs its server no longer than --sessionTimeout", async () => {
  const flags = ["--stateful", "--sessionTimeout", "30m", "--keepAlive", "50ms", "--replyMode", "sse"];
  await using gateway = await startKeystone(flags, { server: SCRIPTED, leapMs: 30 * 60_000 });
  const session = await beginSession(gateway.mcp);
  const last = await vanishInCall(gateway, session, callTool(1, "hang"), /retry/);
  await leapUntil(gateway, eventually(() => gateway.children(), (children) => children.length === 0));
  await assertGone(await get(gateway, session, last));
});

Deno.test("a gateway that stops answers a resumed call", async () => {
  await using gateway = await start("--shutdownTimeout", "0", "--keepAlive", "50ms", "--replyMode", "sse");
  const session = await beginSession(gateway.mcp);
  const last = await vanishInCall(gateway, session, callTool(1, "hang"), /retry/);
  const stream = await resume(gateway, session, last);
  gateway.signal("SIGTERM");
  const error = { code: -32000, message: "The gateway is shutting down" };
  assert.deepEqual(await read(stream), [{ jsonrpc: "2.0", id: 1, error }]);
});

/** An SDK client whose connections a test can cut. */
async function wired(gateway: Keystone) {
  const cable = await Cable.to(gateway);
  const answers: { method: string; status: number; lastEventId: string | null }[] = [];
  const connect = async (sessionId?: string) => {
    const client = new Client({ name: "keystone-test", version: "1.0.0" }, {
      capabilities: { sampling: {} },
    });
    const transport = new StreamableHTTPClientTransport(new URL(`http://127.0.0.1:${cable.port}/mcp`), {
      ...sessionId === undefined ? {} : { sessionId },
      fetch: async (url, init) => {
        const response = await fetch(url, init);
        const { method = "GET", headers } = init ?? {};
        const lastEventId = new Headers(headers).get("last-event-id");
        answers.push({ method, status: response.status, lastEventId });
        return response;
      },
    });
    const told: unknown[] = [];
    client.fallbackNotificationHandler = (notified) => Promise.resolve(void told.push(notified.params));
    await client.connect(transport);
    return { client, transport, told };
  };
  return { cable, answers, connect, [Symbol.asyncDispose]: () => cable[Symbol.asyncDispose]() };
}

Deno.test("the v1 client gets the answer of a call in the middle of which its connection broke", async () => {
  await using gateway = await start("--replyMode", "sse", "--keepAlive", "50ms");
  await using wire = await wired(gateway);
  const { client, transport, told } = await wire.connect();
  const primed = Promise.withResolvers<string>();
  const call = client.request(
    { method: "tools/call", params: { name: "sleep", arguments: { ms: 3_000 } } },
    CallToolResultSchema,
    { onresumptiontoken: primed.resolve },
  );
  const token = await primed.promise;
  wire.cable.cut();
  assert.deepEqual((await inTime(call, "answer")).structuredContent, { slept: 3_000 });
  assert(wire.answers.some(({ status, lastEventId }) => lastEventId === token && status === 200));
  assert.deepEqual(told, []);
  await transport.terminateSession();
  await client.close();
});

Deno.test("the v1 client picks a call up that another client of its session began", async () => {
  await using gateway = await start("--replyMode", "sse", "--keepAlive", "50ms");
  await using wire = await wired(gateway);
  const first = await wire.connect();
  const primed = Promise.withResolvers<string>();
  const params = { name: "notify", arguments: { messages: [log("missed")] } };
  const slow = { name: "sleep", arguments: { ms: 3_000 } };
  const lost = first.client.request(
    { method: "tools/call", params: slow },
    CallToolResultSchema,
    { onresumptiontoken: primed.resolve },
  );
  const resumptionToken = await primed.promise;
  const { sessionId } = first.transport;
  await Promise.all([assert.rejects(lost), first.client.close()]);
  const second = await wire.connect(sessionId);
  const found = second.client.request(
    { method: "tools/call", params: slow },
    CallToolResultSchema,
    { resumptionToken },
  );
  assert.deepEqual((await inTime(found, "answer")).structuredContent, { slept: 3_000 });
  await second.client.request({ method: "tools/call", params }, CallToolResultSchema);
  assert.equal(second.told.length, 1);
  await second.transport.terminateSession();
  await second.client.close();
});

Deno.test("the v1 client, which comes back after an error, is told that there is nothing more", async () => {
  await using gateway = await start("--replyMode", "sse");
  await using wire = await wired(gateway);
  const { client, transport } = await wire.connect();
  const refused = client.request({ method: "no/such" }, CallToolResultSchema);
  await assert.rejects(refused, /Method not found/);
  const resumed = () => Promise.resolve(wire.answers.filter(({ lastEventId }) => lastEventId !== null));
  const [again] = await eventually(resumed, (answers) => answers.length > 0);
  assert.equal(again?.status, 204);
  await transport.terminateSession();
  await client.close();
});
