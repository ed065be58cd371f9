/** Several clients of the official SDK at one modern server of the same, which they share: what is whose. */
import assert from "node:assert/strict";
import { ModernServer } from "../../src/adapters/era/modern_server.ts";
import { probeEra } from "../../src/adapters/era/probe_era.ts";
import { processBackend } from "../../src/backends/process/process.ts";
import { AS_CONFIGURED } from "../../src/core/backend.ts";
import { MetaKey } from "../../src/core/mcp/request_meta.ts";
import { isObject } from "../../src/core/message/jsonrpc.ts";
import { inTime } from "../contract/deadline.ts";
import { ChannelTransport } from "../support/channel_transport.ts";
import { Inbox, v2 } from "../support/clients.ts";
import { FarEnd } from "../support/far_end.ts";
import { EVERYTHING, MODERN_SHARED } from "../support/keystone.ts";
import { modern } from "../support/modern_rig.ts";
import { recorder } from "../support/recorder.ts";

const INFO = { name: "keystone-test", version: "1.0.0" };
const PROBE = { clientInfo: INFO, timeoutMs: 60_000 };
const LIMITS = { maxBufferedMessages: 1_000, maxBufferedBytes: 1 << 26 };

function backendOf([program = "", ...args]: readonly string[], emit = recorder().emit) {
  return processBackend({
    ...{ name: "test", program, args, shell: false, env: {}, emit },
    maxMessageBytes: 1 << 26,
    stopTimeoutMs: 10_000,
  });
}

async function openShared() {
  const record = recorder();
  const backend = backendOf(MODERN_SHARED, record.emit);
  const server = await backend.open({ ...AS_CONFIGURED, session: "shared" }, new AbortController().signal);
  const { incoming } = server;
  const shared = new ModernServer({ server, incoming, session: "shared", emit: record.emit, ...LIMITS });
  return {
    ...record,
    shared,
    async [Symbol.asyncDispose]() {
      await shared[Symbol.asyncDispose]();
      await shared.ended;
      await backend[Symbol.asyncDispose]();
    },
  };
}

interface SharedClient extends AsyncDisposable {
  readonly name: string;
  readonly client: v2.Client;
  readonly inbox: Inbox;
}

async function join(shared: ModernServer, name: string): Promise<SharedClient> {
  const client = new v2.Client(INFO, { versionNegotiation: { mode: { pin: "2026-07-28" } } });
  const inbox = new Inbox();
  client.fallbackNotificationHandler = (notification) => Promise.resolve(inbox.add(notification));
  await client.connect(new ChannelTransport(shared.join()) as v2.Transport);
  return { name, client, inbox, [Symbol.asyncDispose]: () => client.close() };
}

function textOf(result: v2.CallToolResult): string | undefined {
  const [content] = result.content;
  return content?.type === "text" ? content.text : undefined;
}

/** A call that is never answered, once it has begun: gives what settles when the call has failed. */
async function begin({ name, client }: SharedClient, signal?: AbortSignal): Promise<Promise<void>[]> {
  const begun = Promise.withResolvers<void>();
  const options = { onprogress: () => begun.resolve(), ...(signal && { signal }) };
  const failed = assert.rejects(client.callTool({ name: "wait", arguments: { owner: name } }, options));
  await inTime(begun.promise, "the beginning of a call");
  return [failed];
}

Deno.test("a v2 server shared by several v2 clients gives each its own answers, progress and log", async () => {
  await using rig = await openShared();
  const clients = await Promise.all(["ann", "bob", "eve", "joe"].map((name) => join(rig.shared, name)));
  await Promise.all(clients.map(async ({ name, client }) => {
    for (let round = 0; round < 20; round++) {
      const heard: (string | undefined)[] = [];
      const call = { name: "report", arguments: { owner: name } };
      const result = await client.callTool(call, { onprogress: ({ message }) => void heard.push(message) });
      assert.equal(textOf(result), name);
      assert.deepEqual(heard, [name, name, name]);
    }
  }));
  for (const { name, client, inbox } of clients) {
    const meta = { [MetaKey.logLevel]: "info" };
    await client.callTool({ name: "log", arguments: { owner: name }, _meta: meta });
    const [logged] = await inbox.waitFor("notifications/message");
    assert.equal(logged?.params?.data, name);
  }
  for (const { client, inbox } of clients) {
    assert.equal(inbox.of("notifications/message").length, 1);
    await client.close();
  }
  assert.deepEqual(rig.drops(), []);
  assert(rig.shared.idleMs !== undefined);
});

Deno.test("a v2 server shared by several v2 clients tells each of what it listens to, and ends what is taken back", async () => {
  await using rig = await openShared();
  await using ann = await join(rig.shared, "ann");
  await using bob = await join(rig.shared, "bob");
  await using eve = await join(rig.shared, "eve");
  const lists = await ann.client.listen({ toolsListChanged: true });
  assert.deepEqual(lists.honoredFilter, { toolsListChanged: true });
  const notes = await bob.client.listen({ resourceSubscriptions: ["notes://all"], promptsListChanged: true });
  assert.deepEqual(notes.honoredFilter, { resourceSubscriptions: ["notes://all"] });
  await eve.client.callTool({ name: "change" });
  await ann.inbox.waitFor("notifications/tools/list_changed");
  await bob.inbox.waitFor("notifications/resources/updated");
  await lists.close();
  await eve.client.callTool({ name: "change" });
  await bob.inbox.waitFor("notifications/resources/updated", 2);
  assert.deepEqual(ann.inbox.all.length, 1);
  assert.deepEqual(bob.inbox.all.length, 2);
  assert.deepEqual(eve.inbox.all, []);

  // A call that is taken back, and one whose client leaves.
  const abort = new AbortController();
  const [taken] = await begin(ann, abort.signal);
  const [lost] = await begin(bob);
  abort.abort(new Error("enough"));
  await taken;
  await bob.client.close();
  await lost;
  assert.equal(textOf(await eve.client.callTool({ name: "cancelled" })), "2");
});

Deno.test("a v2 server that is shared stays modern for the others, whatever one client says first", async () => {
  await using rig = await openShared();
  const rude = rig.shared.join();
  const heard: unknown[] = [];
  const meta = { [MetaKey.revision]: "2026-07-28", [MetaKey.capabilities]: {} };
  const all = Promise.withResolvers<void>();
  rude.incoming.read(({ message }) => {
    if ("error" in message && heard.push(message.error.code) === 3) all.resolve();
  }, () => {});
  const said = [
    {
      id: 1,
      method: "initialize",
      params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: INFO },
    },
    { id: 2, method: "initialize", params: { _meta: meta } },
    { id: 3, method: "tools/list" },
    { method: "notifications/initialized" },
    { method: "notifications/x" },
    { id: 4, method: "server/discover", params: { _meta: meta } },
    { method: "notifications/cancelled", params: { requestId: 4 } },
  ];
  for (const message of said) await rude.send({ message: { jsonrpc: "2.0", ...message } });
  await inTime(all.promise, "three refusals");
  await rude[Symbol.asyncDispose]();
  assert.deepEqual(heard, [-32602, -32601, -32602]);
  await using ann = await join(rig.shared, "ann");
  assert.equal(textOf(await ann.client.callTool({ name: "report", arguments: { owner: "ann" } })), "ann");
});

Deno.test("a v2 server that ends tells its clients, and what they wait for fails", async () => {
  await using rig = await openShared();
  const ann = await join(rig.shared, "ann");
  const listening = await ann.client.listen({ toolsListChanged: true });
  const [failed] = await begin(ann);
  await rig.shared.channel[Symbol.asyncDispose]();
  await failed;
  assert.equal(await listening.closed, "remote");
});

Deno.test("a v2 server that is shared says which revisions it speaks", async () => {
  await using rig = await openShared();
  const asker = new FarEnd(rig.shared.join());
  asker.say(modern(1, "server/discover"));
  const answer = await asker.hear();
  assert("result" in answer && isObject(answer.result), JSON.stringify(answer));
  assert.deepEqual(answer.result.supportedVersions, ["2026-07-28"]);
});

for (
  const [name, command, era] of [["server-everything", EVERYTHING, "legacy"], [
    "a v2 server",
    MODERN_SHARED,
    "modern",
  ]] as const
) {
  Deno.test(`probeEra finds that ${name} is a ${era} server`, async () => {
    await using backend = backendOf(command);
    const server = await backend.open({ ...AS_CONFIGURED, session: "probe" }, new AbortController().signal);
    const { found } = await probeEra(server, PROBE);
    assert.equal(found, era);
    await server[Symbol.asyncDispose]();
  });
}
