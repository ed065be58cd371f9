/** The v1 client of the SDK at a server of its v2, which speaks 2026-07-28 alone. */
import assert from "node:assert/strict";
import { fileURLToPath as fromFileUrl } from "node:url";
import { Client, type ClientOptions } from "@modelcontextprotocol/sdk/client";
// @ts-types="@modelcontextprotocol/sdk/types"
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  LoggingMessageNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { forLegacyClients } from "../../src/adapters/era/for_legacy_clients.ts";
import { ChannelTransport } from "../support/channel_transport.ts";
import { type Children, childTest, launchOf } from "../support/children.ts";
import { withPackages } from "../support/keystone.ts";

const FIXTURE = fromFileUrl(new URL("../fixtures/small_modern_server.ts", import.meta.url));
const [DENO = "", ...ARGS] = withPackages([Deno.execPath(), "run", "-A", FIXTURE]);
const ASKED = {
  capabilities: { elicitation: { form: {}, url: {} }, sampling: {}, roots: { listChanged: true } },
};

interface Connected extends AsyncDisposable {
  readonly client: Client;
  /** What of it says that something went wrong. */
  readonly trouble: () => string[];
}

async function connected(
  children: Children,
  { options = ASKED, prepare }: { options?: ClientOptions; prepare?: (client: Client) => void } = {},
): Promise<Connected> {
  const backend = children.backend({ program: DENO, args: ARGS });
  const reasons: string[] = [];
  const emit: Parameters<typeof forLegacyClients>[1]["emit"] = (event) => {
    if ("reason" in event) reasons.push(`${event.type}: ${event.reason}`);
    if (event.type === "fault") reasons.push(`fault: ${event.error}`);
  };
  const channel = await forLegacyClients(backend, { emit }).open(launchOf(), AbortSignal.timeout(60_000));
  const client = new Client({ name: "old", version: "1.0.0" }, options);
  prepare?.(client);
  await client.connect(new ChannelTransport(channel));
  return { client, trouble: () => reasons, [Symbol.asyncDispose]: () => client.close() };
}

async function textOf(called: ReturnType<Client["callTool"]>): Promise<string> {
  const { content } = await called;
  assert(Array.isArray(content));
  return content[0]?.text;
}

childTest("a legacy client lists and calls tools of a modern server", async (children) => {
  await using connection = await connected(children);
  const { client, trouble } = connection;
  assert.deepEqual(client.getServerVersion(), { name: "small-modern-server", version: "1.2.3" });
  assert.equal(client.getInstructions(), "Add things.");
  assert(client.getServerCapabilities()?.resources?.subscribe);
  const { tools, ...rest } = await client.listTools();
  assert.deepEqual(rest, {});
  assert(tools.some(({ name }) => name === "add"));
  assert.deepEqual(await client.callTool({ name: "add", arguments: { a: 1, b: 2 } }), {
    content: [{ type: "text", text: "3" }],
    structuredContent: { sum: 3 },
  });
  assert.deepEqual(await client.readResource({ uri: "test://note" }), {
    contents: [{ uri: "test://note", text: "a note" }],
  });
  assert.deepEqual(await client.ping(), {});
  await assert.rejects(() => client.getPrompt({ name: "none" }));
  assert.deepEqual(trouble(), []);
});

childTest("a legacy client answers what a modern server asks in the middle of a call", async (children) => {
  const asked: unknown[] = [];
  await using connection = await connected(children, {
    prepare(client) {
      client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
        asked.push(params.mode ?? "form");
        if (params.mode === "url") assert.match(params.elicitationId, /./);
        return params.mode === "url" ? { action: "accept" } : { action: "accept", content: { name: "Ada" } };
      });
      client.setRequestHandler(CreateMessageRequestSchema, ({ params }) => {
        asked.push(params.maxTokens);
        return { model: "m", role: "assistant", content: { type: "text", text: "Hm" } };
      });
    },
  });
  const { client, trouble } = connection;
  const thought = { model: "m", role: "assistant", content: { type: "text", text: "Hm" } };
  const [said, json] = (await textOf(client.callTool({ name: "ask" }))).split(/: (.*)/s);
  assert.equal(said, "for Ada");
  assert.deepEqual(JSON.parse(json ?? ""), thought);
  assert.deepEqual(JSON.parse(await textOf(client.callTool({ name: "sign_in" }))), { action: "accept" });
  assert.deepEqual(asked, ["form", 10, "url"]);
  assert.deepEqual(trouble(), []);
});

childTest("a legacy client that cannot be asked hears so as the result of the tool", async (children) => {
  await using connection = await connected(children, { options: {} });
  const result = await connection.client.callTool({ name: "ask" });
  assert.equal(result.isError, true, JSON.stringify(result));
  assert.match(JSON.stringify(result.content), /elicitation/);
});

childTest("a legacy client hears of changes at a modern server", async (children) => {
  const updates: string[] = [];
  const changed = Promise.withResolvers<void>();
  await using connection = await connected(children, {
    prepare(client) {
      client.setNotificationHandler(
        ResourceUpdatedNotificationSchema,
        ({ params }) => void updates.push(params.uri),
      );
      client.setNotificationHandler(ToolListChangedNotificationSchema, () => changed.resolve());
    },
  });
  const { client, trouble } = connection;
  await client.callTool({ name: "flip" });
  await changed.promise;
  assert((await client.listTools()).tools.some(({ name }) => name === "extra"));
  await client.callTool({ name: "touch" });
  assert.deepEqual(updates, []);
  await client.subscribeResource({ uri: "test://note" });
  await client.callTool({ name: "touch" });
  assert.deepEqual(updates, ["test://note"]);
  await client.unsubscribeResource({ uri: "test://note" });
  await client.callTool({ name: "touch" });
  assert.deepEqual(updates, ["test://note"]);
  assert.deepEqual(trouble(), []);
});

childTest(
  "a legacy client hears progress, and what is logged from the level on that it has set, if any",
  async (children) => {
    const logged: unknown[] = [];
    await using connection = await connected(children, {
      prepare: (client) =>
        client.setNotificationHandler(
          LoggingMessageNotificationSchema,
          ({ params }) => void logged.push(params.data),
        ),
    });
    const { client, trouble } = connection;
    const steps: number[] = [];
    const work = () =>
      client.callTool({ name: "work" }, undefined, {
        onprogress: ({ progress }) => void steps.push(progress),
      });
    await work();
    assert.deepEqual([steps, logged], [[1, 2], ["step 1", "step 2"]]);
    await client.setLoggingLevel("info");
    await work();
    assert.equal(logged.length, 4);
    await client.setLoggingLevel("error");
    await work();
    assert.deepEqual([steps.length, logged.length], [6, 4]);
    assert.deepEqual(trouble(), []);
  },
);

childTest("a legacy client takes a call back that a modern server works on", async (children) => {
  await using connection = await connected(children);
  const { client } = connection;
  const stop = new AbortController();
  const call = client.callTool({ name: "wait" }, undefined, { signal: stop.signal });
  const failed = assert.rejects(call);
  // By then the call has been read.
  assert.equal(await textOf(client.callTool({ name: "taken_back" })), "0");
  stop.abort();
  await failed;
  assert.equal(await textOf(client.callTool({ name: "taken_back" })), "1");
});
