import assert from "node:assert/strict";
import type { Params, RequestId } from "../../../core/message/jsonrpc.ts";
import { fakeClock } from "../../../../tests/support/fake_clock.ts";
import { settled } from "../../../../tests/support/far_end.ts";
import {
  acknowledged,
  change,
  discovered,
  KEY,
  type LegacyClientRig,
  legacyClientRig,
  metaOfClient,
} from "../../../../tests/support/legacy_client_rig.ts";
import { cancelled, failure, notification, request, result } from "../../../../tests/support/messages.ts";

const RESOURCES = { resources: { subscribe: true } };
const EVERYTHING = {
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { subscribe: true, listChanged: true },
};
const RETRY = { attempts: 2, firstDelayMs: 1_000, maxDelayMs: 60_000 };

/** The next listen at the server; gives its id and what it asks for. */
async function listens({ asked }: LegacyClientRig): Promise<{ id: number; filter: unknown }> {
  const { id, params } = await asked("subscriptions/listen");
  assert(typeof id === "number");
  return { id, filter: params?.notifications };
}

/** The next listen, which the server honours. */
async function honored(rig: LegacyClientRig): Promise<{ id: number; filter: unknown }> {
  const listen = await listens(rig);
  rig.server.say(acknowledged(listen.id, listen.filter));
  return listen;
}

function subscribe(id: number, uri: string, method = "subscribe") {
  return request(id, `resources/${method}`, { uri });
}

function updated(uri: string) {
  return notification("notifications/resources/updated", { uri });
}

async function closed(rig: LegacyClientRig, id: RequestId): Promise<void> {
  const { params } = await rig.hears("server", "notifications/cancelled");
  assert.equal(params?.requestId, id);
}

/** Nothing is on its way to the server. */
async function serverHearsNothing({ client, asked }: LegacyClientRig): Promise<void> {
  await settled();
  client.say(request("nothing", "ask"));
  await asked("ask");
}

Deno.test("lists whose changes a server offers are listened to once the client is there", async () => {
  await using rig = await legacyClientRig();
  await rig.introduce({
    offers: { ...EVERYTHING, prompts: { listChanged: false } },
    capabilities: { roots: {} },
  });
  rig.client.say(request(1, "logging/setLevel", { level: "debug" }));
  const { id, params } = await rig.asked("subscriptions/listen");
  assert.deepEqual(params, {
    _meta: metaOfClient({ roots: {} }),
    notifications: { toolsListChanged: true, resourcesListChanged: true },
  });
  assert.deepEqual(await rig.client.hear(), result(1, {}));
  rig.server.say(acknowledged(id, params?.notifications));
  rig.server.say(change(id, "tools/list_changed"));
  assert.deepEqual(await rig.client.hear(), notification("notifications/tools/list_changed"));
  // Some write every number as a text.
  rig.server.say(change(`${id}`, "resources/list_changed", { more: 1 }));
  assert.deepEqual(
    await rig.client.hear(),
    notification("notifications/resources/list_changed", { more: 1 }),
  );
  assert.equal(rig.events.length, 0);
});

Deno.test("a server that offers no changes is not listened to", async () => {
  await using rig = await legacyClientRig();
  await rig.introduce({ offers: { tools: {}, prompts: { listChanged: false }, ...RESOURCES } });
  await serverHearsNothing(rig);
});

Deno.test("a subscription is answered once the server tells of it, and every one after that by another stream", async () => {
  await using rig = await legacyClientRig();
  await rig.introduce({ offers: EVERYTHING });
  const lists = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true };
  const first = await honored(rig);
  assert.deepEqual(first.filter, lists);
  await settled();
  rig.client.say(request("level", "logging/setLevel", { level: "debug" }));
  assert.deepEqual(await rig.client.hear(), result("level", {}));
  rig.client.say(subscribe(1, "a:1"));
  const { id, params } = await rig.asked("subscriptions/listen");
  const second = { id, filter: { ...lists, resourceSubscriptions: ["a:1"] } };
  // Nothing is logged for it.
  assert.deepEqual(params, { _meta: metaOfClient(), notifications: second.filter });
  // Until then the one before tells.
  rig.server.say(change(first.id, "tools/list_changed"), acknowledged(second.id, second.filter));
  rig.server.say(change(first.id, "prompts/list_changed"), change(second.id, "prompts/list_changed"));
  rig.server.say(change(second.id, "resources/updated", { uri: "a:1" }));
  assert.deepEqual(await rig.client.hear(), notification("notifications/tools/list_changed"));
  assert.deepEqual(await rig.client.hear(), result(1, {}));
  assert.deepEqual(await rig.client.hear(), notification("notifications/prompts/list_changed"));
  assert.deepEqual(await rig.client.hear(), updated("a:1"));
  await closed(rig, first.id);
  rig.client.say(subscribe(2, "a:1", "unsubscribe"));
  const third = await honored(rig);
  assert.deepEqual(third.filter, lists);
  assert.deepEqual(await rig.client.hear(), result(2, {}));
  await closed(rig, second.id);
  assert.deepEqual(rig.told("message.dropped").map(({ harmless }) => harmless), [true]);
});

Deno.test("subscriptions that come together are asked for together", async () => {
  await using rig = await legacyClientRig();
  await rig.introduce({ offers: RESOURCES });
  rig.client.say(
    subscribe(1, "a:1"),
    subscribe(2, "a:2"),
    subscribe(3, "a:3"),
    subscribe(4, "a:2", "unsubscribe"),
  );
  const first = await listens(rig);
  assert.deepEqual(first.filter, { resourceSubscriptions: ["a:1"] });
  rig.server.say(acknowledged(first.id, first.filter));
  assert.deepEqual(await rig.client.hear(), result(1, {}));
  const second = await listens(rig);
  assert.deepEqual(second.filter, { resourceSubscriptions: ["a:1", "a:3"] });
  rig.server.say(acknowledged(second.id, second.filter));
  await closed(rig, first.id);
  const answers = [await rig.client.hear(), await rig.client.hear(), await rig.client.hear()];
  assert.deepEqual(answers.map((answer) => "id" in answer && answer.id), [2, 3, 4]);
});

Deno.test("the last subscription that goes closes the stream", async () => {
  await using rig = await legacyClientRig();
  await rig.introduce({ offers: RESOURCES });
  rig.client.say(subscribe(1, "a:1"));
  const { id } = await honored(rig);
  await rig.client.hear();
  rig.client.say(subscribe(2, "a:1"), subscribe(3, "a:1", "unsubscribe"), subscribe(4, "a:1", "unsubscribe"));
  for (const answered of [2, 3, 4]) assert.deepEqual(await rig.client.hear(), result(answered, {}));
  await closed(rig, id);
  await serverHearsNothing(rig);
});

Deno.test("a subscription that the server does not honour is refused, and not asked for again", async () => {
  await using rig = await legacyClientRig();
  await rig.introduce({ offers: RESOURCES });
  rig.client.say(subscribe(1, "a:1"));
  const first = await listens(rig);
  rig.server.say(acknowledged(first.id, {}), result(first.id, { resultType: "complete" }));
  const reason = 'resources/subscribe of "a:1": the server does not tell of its changes';
  assert.deepEqual(await rig.client.hear(), failure(1, reason, -32603));
  rig.client.say(subscribe(2, "a:2"));
  assert.deepEqual((await listens(rig)).filter, { resourceSubscriptions: ["a:2"] });
  assert.deepEqual(rig.told("server.trouble"), []);
});

Deno.test("a subscription whose stream the server refuses is refused, and the stream before goes on", async () => {
  await using rig = await legacyClientRig();
  await rig.introduce({ offers: EVERYTHING });
  const first = await honored(rig);
  await settled();
  rig.client.say(subscribe(1, "a:1"));
  rig.server.say(failure((await listens(rig)).id, "too many"), change(first.id, "tools/list_changed"));
  assert.deepEqual(await rig.client.hear(), failure(1, 'resources/subscribe of "a:1": too many', -32603));
  assert.deepEqual(await rig.client.hear(), notification("notifications/tools/list_changed"));
  await serverHearsNothing(rig);
  // Who waits meanwhile is not refused with it.
  rig.client.say(subscribe(2, "a:2"), subscribe(3, "a:3"));
  rig.server.say(failure((await listens(rig)).id, "too many"));
  const last = await honored(rig);
  assert.deepEqual(last.filter, {
    toolsListChanged: true,
    promptsListChanged: true,
    resourcesListChanged: true,
    resourceSubscriptions: ["a:3"],
  });
  assert.deepEqual(await rig.client.hear(), failure(2, 'resources/subscribe of "a:2": too many', -32603));
  assert.deepEqual(await rig.client.hear(), result(3, {}));
});

Deno.test("a subscription is refused where the server offers none, or it is too much", async () => {
  await using rig = await legacyClientRig({ maxSubscriptions: 1, maxUriChars: 10 });
  await rig.introduce({ offers: { resources: {} } });
  const codeOf = async (id: number, params: Params, method = "resources/subscribe") => {
    rig.client.say(request(id, method, params));
    const answer = await rig.client.hear();
    return "error" in answer ? answer.error.code : answer;
  };
  assert.equal(await codeOf(1, { uri: "a" }), -32601);
  assert.equal(await codeOf(2, { uri: "a" }, "resources/unsubscribe"), -32601);
  await rig.introduce({ offers: RESOURCES });
  assert.equal(await codeOf(3, {}), -32602);
  assert.equal(await codeOf(4, { uri: "a".repeat(11) }), -32000);
  rig.client.say(subscribe(5, "a"));
  await honored(rig);
  assert.deepEqual(await rig.client.hear(), result(5, {}));
  assert.equal(await codeOf(6, { uri: "b" }), -32000);
});

Deno.test("a stream that the server ends is asked for again, after pauses and not without end", async () => {
  using clock = fakeClock();
  await using rig = await legacyClientRig({ listenRetry: RETRY });
  await rig.introduce({ offers: EVERYTHING });
  const ends = [
    (id: number) => rig.server.say(result(id, { resultType: "complete" })),
    (id: number) => rig.server.say(cancelled(id)),
    (id: number) => rig.server.say(failure(id, "worn out")),
  ];
  for (const end of ends) {
    const { id } = await honored(rig);
    end(id);
    await settled();
    clock.pass(RETRY.maxDelayMs);
  }
  await serverHearsNothing(rig);
  assert.deepEqual(rig.told("server.trouble").map(({ reason }) => reason), [
    "its stream of changes has ended: the server ended it",
    "its stream of changes has ended: the server ended it",
    "its stream of changes has ended: worn out; after 2 tries it is not asked for again",
  ]);
  // What is wanted anew is asked for anew.
  rig.client.say(subscribe(1, "a:1"));
  await honored(rig);
});

Deno.test("a stream that had something to tell does not count as a failure", async () => {
  using clock = fakeClock();
  await using rig = await legacyClientRig({ listenRetry: RETRY });
  await rig.introduce({ offers: { tools: { listChanged: true } } });
  for (let round = 0; round < 5; round++) {
    const { id } = await honored(rig);
    rig.server.say(change(id, "tools/list_changed"), result(id, {}));
    await rig.client.hear();
    await settled();
    clock.pass(RETRY.maxDelayMs);
  }
  await listens(rig);
});

Deno.test("a stream that is not acknowledged is given up", async () => {
  using clock = fakeClock();
  await using rig = await legacyClientRig({ acknowledgeMs: 5_000 });
  await rig.introduce({ offers: RESOURCES });
  rig.client.say(subscribe(1, "a:1"));
  const { id, filter } = await listens(rig);
  clock.pass(5_000);
  await closed(rig, id);
  const reason = 'resources/subscribe of "a:1": it was not acknowledged within 5s';
  assert.deepEqual(await rig.client.hear(), failure(1, reason, -32603));
  rig.server.say(acknowledged(id, filter));
  await serverHearsNothing(rig);
  assert.deepEqual(rig.told("server.trouble"), []);
});

Deno.test("a client that takes its subscription back hears nothing of it", async () => {
  await using rig = await legacyClientRig();
  await rig.introduce({ offers: RESOURCES });
  rig.client.say(subscribe(1, "a:1"), cancelled(1));
  await honored(rig);
  await settled();
  rig.client.say(request(2, "ping"));
  assert.deepEqual(await rig.client.hear(), result(2, {}));
});

Deno.test("a client that says no more ends its stream", async () => {
  await using rig = await legacyClientRig();
  await rig.introduce({ offers: { tools: { listChanged: true } } });
  const { id } = await honored(rig);
  await settled();
  await rig.channel.close();
  await closed(rig, id);
});

Deno.test("a client that begins anew has no subscriptions, and hears so of those that it waits for", async () => {
  await using rig = await legacyClientRig();
  await rig.introduce({ offers: RESOURCES });
  rig.client.say(subscribe(1, "a:1"));
  const first = await listens(rig);
  rig.client.say(request("again", "initialize", {}));
  rig.server.say(result((await rig.asked("server/discover")).id, discovered(RESOURCES)));
  await closed(rig, first.id);
  const reason = 'resources/subscribe of "a:1": its client begins anew';
  assert.deepEqual(await rig.client.hear(), failure(1, reason, -32603));
  const answer = await rig.client.hear();
  assert("result" in answer && answer.id === "again");
  rig.client.say(subscribe(2, "a:2"));
  assert.deepEqual((await honored(rig)).filter, { resourceSubscriptions: ["a:2"] });
});

Deno.test("a server that does not tell of a list that it offers is told of", async () => {
  await using rig = await legacyClientRig();
  await rig.introduce({ offers: EVERYTHING });
  const { id } = await listens(rig);
  rig.server.say(acknowledged(id, { toolsListChanged: true, [`${KEY}x`]: true }));
  await settled();
  assert.deepEqual(rig.told("server.odd").map(({ reason }) => reason), [
    "it offers promptsListChanged, resourcesListChanged, and does not tell of it",
  ]);
});
