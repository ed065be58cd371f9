/** What stands above legacy servers, above this one. */
import assert from "node:assert/strict";
import type { Backend } from "../../core/backend.ts";
import { isRequest, type JsonRpcRequest, type Params } from "../../core/message/jsonrpc.ts";
import { FakeBackend, type FakeServer, LAUNCH } from "../../../tests/support/fake_backend.ts";
import { FarEnd, settled } from "../../../tests/support/far_end.ts";
import { acknowledged, change, discovered, KEY } from "../../../tests/support/legacy_client_rig.ts";
import { REMEMBERED, SUBSCRIPTIONS } from "../../../tests/support/limits.ts";
import { cancelled, notification, request, result } from "../../../tests/support/messages.ts";
import { recorder } from "../../../tests/support/recorder.ts";
import { withAnswerNames } from "../answer_names.ts";
import { openShared } from "../sharing/open_shared.ts";
import { supervise } from "../supervise.ts";
import { forLegacyClients } from "./for_legacy_clients.ts";

const OFFERS = { tools: { listChanged: true }, resources: { subscribe: true }, logging: {} };
const HANDSHAKE = {
  protocolVersion: "2025-11-25",
  capabilities: { roots: {} },
  clientInfo: { name: "old", version: "1" },
};

async function asked(server: FakeServer, method: string): Promise<JsonRpcRequest> {
  const message = await server.hear();
  assert(isRequest(message) && message.method === method, `${method}: ${JSON.stringify(message)}`);
  return message;
}

/** Acknowledges the next stream of changes; gives its id and what it is to tell of. */
async function listened(server: FakeServer): Promise<{ id: number; filter: unknown }> {
  const { id, params } = await asked(server, "subscriptions/listen");
  assert(typeof id === "number");
  server.say(acknowledged(id, params?.notifications));
  return { id, filter: params?.notifications };
}

async function greeted(server: FakeServer, offers: Params = OFFERS): Promise<void> {
  server.say(result((await asked(server, "server/discover")).id, discovered(offers)));
}

Deno.test("supervise tells a new modern server what the last one knew, and takes back what that one asked", async () => {
  const record = recorder();
  const { emit } = record;
  const fake = new FakeBackend();
  await using supervised = supervise(forLegacyClients(fake, { emit }), {
    retry: { attempts: 3, firstDelayMs: 1, maxDelayMs: 60_000 },
    replayTimeoutMs: 10_000,
    maxBufferedBytes: 1 << 20,
    remembers: REMEMBERED,
    emit,
  });
  await using channel = await supervised.open(LAUNCH, new AbortController().signal);
  const client = new FarEnd(channel);
  client.say(request("init", "initialize", HANDSHAKE));
  const first = await fake.next();
  await greeted(first);
  await client.hear();
  client.say(notification("notifications/initialized"));
  await listened(first);
  client.say(
    request(1, "logging/setLevel", { level: "info" }),
    request(2, "resources/subscribe", { uri: "a:1" }),
  );
  assert.deepEqual(await client.hear(), result(1, {}));
  await listened(first);
  assert.deepEqual(await client.hear(), result(2, {}));
  await first.hear();
  client.say(request(3, "tools/call", { name: "a" }));
  const { id } = await asked(first, "tools/call");
  first.say(result(id, { resultType: "input_required", inputRequests: { a: { method: "roots/list" } } }));
  const question = await client.hear();
  assert(isRequest(question));

  await first.leave();
  const second = await fake.next();
  await greeted(second);
  const replies = [await client.hear(), await client.hear()];
  assert(replies.some((reply) => "error" in reply && reply.id === 3), JSON.stringify(replies));
  assert(
    replies.some((reply) => "method" in reply && reply.params?.requestId === question.id),
    JSON.stringify(replies),
  );
  const streams = [await listened(second), await listened(second)];
  assert.deepEqual(streams[1]?.filter, { toolsListChanged: true, resourceSubscriptions: ["a:1"] });
  await second.hear();
  client.say(request(4, "tools/call", { name: "a" }));
  const { params } = await asked(second, "tools/call");
  assert.equal((params?._meta as Params)[`${KEY}logLevel`], "info");
  second.say(change(streams[1]?.id ?? -1, "resources/updated", { uri: "a:1" }));
  assert.deepEqual(await client.hear(), notification("notifications/resources/updated", { uri: "a:1" }));
});

Deno.test("openShared has clients share a modern server: each hears its answers and its questions", async () => {
  const { emit, drops } = recorder();
  const fake = new FakeBackend();
  const opening = openShared(forLegacyClients(fake, { emit }), LAUNCH, {
    protocolVersion: "2025-11-25",
    clientInfo: { name: "keystone", version: "1" },
    capabilities: { roots: {} },
    timeoutMs: 60_000,
    maxBufferedMessages: 100,
    maxBufferedBytes: 1 << 20,
    versions: ["2025-11-25", "2025-06-18"],
    signal: new AbortController().signal,
    emit,
    ...SUBSCRIPTIONS,
  });
  const server = await fake.next();
  await greeted(server);
  await using shared = await opening;
  await listened(server);
  const [one, two] = [new FarEnd(shared.join("session")), new FarEnd(shared.join("session"))];
  for (const client of [one, two]) {
    client.say(request(1, "initialize", { ...HANDSHAKE, protocolVersion: "2025-06-18" }));
    const answer = await client.hear();
    assert("result" in answer && (answer.result as Params).protocolVersion === "2025-06-18");
    client.say(notification("notifications/initialized"));
    client.say(request(2, "tools/call", { name: "a" }));
  }
  await asked(server, "tools/call");
  const { id } = await asked(server, "tools/call");
  // Both have called: only who has called this one is asked.
  server.say(result(id, { resultType: "input_required", inputRequests: { a: { method: "roots/list" } } }));
  const question = await two.hear();
  assert(isRequest(question) && question.method === "roots/list", JSON.stringify(question));
  two.say(result(question.id, { roots: [] }));
  const again = await asked(server, "tools/call");
  assert.deepEqual(again.params?.inputResponses, { a: { roots: [] } });
  server.say(result(again.id, { content: [] }));
  assert.deepEqual(await two.hear(), result(2, { content: [] }));
  one.say(cancelled(2));
  await settled();
  assert.deepEqual(drops(), []);
});

Deno.test("withAnswerNames finds nothing to mend at a modern server", async () => {
  const { emit, events } = recorder();
  const fake = new FakeBackend();
  const backend: Backend = withAnswerNames(forLegacyClients(fake, { emit }), { shared: false, emit });
  await using channel = await backend.open(LAUNCH, new AbortController().signal);
  const [client, server] = [new FarEnd(channel), await fake.next()];
  client.say(request("init", "initialize", HANDSHAKE));
  await greeted(server);
  assert("result" in await client.hear());
  client.say(request("7", "ask"));
  server.say(result(`${(await asked(server, "ask")).id}`, {}));
  assert.deepEqual(await client.hear(), result("7", {}));
  assert.deepEqual(events, []);
});
