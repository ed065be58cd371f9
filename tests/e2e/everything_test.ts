/** Every feature of the published server-everything, through the gateway, with the SDK's own clients. */
import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import {
  connect,
  connectV2,
  ErrorCode,
  ListRootsRequestSchema,
  ProgressNotificationSchema,
  UrlElicitationRequiredError,
  type v2,
  WIRES,
} from "../support/clients.ts";
import { eventually, EVERYTHING, type Keystone, SCRIPTED, startKeystone } from "../support/keystone.ts";
import { SAMPLED, textIn, User } from "../support/user.ts";

const TEXT = "demo://resource/dynamic/text";
const BLOB = "demo://resource/dynamic/blob";

/** The server's tools for a client that can do everything. */
const TOOLS = [
  "echo",
  "get-annotated-message",
  "get-env",
  "get-resource-links",
  "get-resource-reference",
  "get-roots-list",
  "get-structured-content",
  "get-sum",
  "get-tiny-image",
  "gzip-file-as-resource",
  "simulate-research-query",
  "toggle-simulated-logging",
  "toggle-subscriber-updates",
  "trigger-elicitation-request",
  "trigger-elicitation-request-async",
  "trigger-long-running-operation",
  "trigger-sampling-request",
  "trigger-sampling-request-async",
  "trigger-url-elicitation",
];

type Feature = (user: User) => Promise<void>;

const FEATURES: Record<string, Feature> = {
  "the handshake and ping": (user) =>
    handshakeAndPing(user, ["completions", "logging", "prompts", "resources", "tasks", "tools"]),

  async "the list of tools and its changes"({ client, inbox }) {
    // The server adds what depends on the client's capabilities after the handshake, one by one.
    await inbox.waitFor("notifications/tools/list_changed", 7);
    const { tools } = await client.listTools();
    assert.deepEqual(tools.map(({ name }) => name).sort(), TOOLS);
  },

  async "plain tools"(user) {
    assert.equal(textIn(await user.call("echo", { message: "grüß dich 👋\n" })), "Echo: grüß dich 👋\n");
    assert.equal(textIn(await user.call("get-sum", { a: 2, b: 40.5 })), "The sum of 2 and 40.5 is 42.5.");
    assert.equal(JSON.parse(textIn(await user.call("get-env"))).E2E_MARK, "from the command line");
    const refused = await user.call("get-sum", { a: "two" });
    assert.equal(refused.isError, true);
    assert.match(textIn(refused), /Input validation error/);
    const unknown = await user.client.callTool({ name: "no-such-tool" });
    assert.equal(unknown.isError, true);
  },

  async "all kinds of content"(user) {
    await user.client.listTools(); // From here on the client checks results against the tools' output schemas.
    const { structuredContent } = await user.call("get-structured-content", { location: "Chicago" });
    assert.deepEqual(structuredContent, {
      temperature: 36,
      conditions: "Light rain / drizzle",
      humidity: 82,
    });
    const annotated = await user.call("get-annotated-message", { messageType: "error", includeImage: true });
    assert.deepEqual(annotated.content.map(({ type, annotations }) => [type, annotations]), [
      ["text", { priority: 1, audience: ["user", "assistant"] }],
      ["image", { priority: 0.5, audience: ["user"] }],
    ]);
    const [, image] = (await user.call("get-tiny-image")).content;
    assert(image?.type === "image");
    assert.equal(atob(image.data).slice(1, 4), "PNG");
    const links = (await user.call("get-resource-links", { count: 2 })).content.slice(1);
    assert.deepEqual(links.map((link) => link.type === "resource_link" && link.uri), [
      `${BLOB}/1`,
      `${TEXT}/2`,
    ]);
    const reference = await user.call("get-resource-reference", { resourceType: "Blob", resourceId: 7 });
    const [, embedded] = reference.content;
    assert(embedded?.type === "resource" && "blob" in embedded.resource);
    assert.match(atob(embedded.resource.blob), /^Resource 7: /);
  },

  async "progress, each to its own call"(user) {
    const { client, inbox } = user;
    // Not by `onprogress`: the client forgets it with the answer, before it looks at progress from the same chunk.
    client.setNotificationHandler(ProgressNotificationSchema, (notification) => inbox.add(notification));
    const run = async (progressToken: string | number, steps: number) => {
      const args = { duration: 0.3, steps };
      const result = await user.call("trigger-long-running-operation", args, {}, { progressToken });
      assert.equal(
        textIn(result),
        `Long running operation completed. Duration: 0.3 seconds, Steps: ${steps}.`,
      );
    };
    await Promise.all([run("1", 3), run(1, 5)]);
    const reported = await inbox.waitFor("notifications/progress", 8);
    const of = (token: string | number) =>
      reported.flatMap(({ params }) =>
        params?.progressToken === token ? [params.progress, params.total] : []
      );
    assert.deepEqual(of("1"), [1, 3, 2, 3, 3, 3]);
    assert.deepEqual(of(1), [1, 5, 2, 5, 3, 5, 4, 5, 5, 5]);
  },

  async "logging at the level that was set"(user) {
    const { client, inbox } = user;
    await client.setLoggingLevel("debug");
    await user.call("toggle-simulated-logging"); // Sends one message at once, of any level.
    const [simulated] = await inbox.waitFor("notifications/message");
    assert.match(String(simulated?.params?.data), /level/i);
    await user.call("toggle-simulated-logging");
    await client.subscribeResource({ uri: `${TEXT}/1` });
    const [, subscribed] = await inbox.waitFor("notifications/message", 2);
    assert.equal(subscribed?.params?.level, "info");
    assert.match(String(subscribed?.params?.data), /^Received Subscribe Resource request/);
    await client.setLoggingLevel("error");
    await client.unsubscribeResource({ uri: `${TEXT}/1` }); // Would be told at level info.
    await client.ping();
    assert.equal(inbox.of("notifications/message").length, 2);
  },

  async "resources and templates"({ client }) {
    const { resources } = await client.listResources();
    assert.equal(resources.length, 7);
    const { contents: [document] } = await client.readResource({
      uri: "demo://resource/static/document/architecture.md",
    });
    assert(document && "text" in document);
    assert.equal(document.mimeType, "text/markdown");
    assert.match(document.text, /^# /);
    const { resourceTemplates } = await client.listResourceTemplates();
    assert.deepEqual(resourceTemplates.map(({ uriTemplate }) => uriTemplate), [
      `${TEXT}/{resourceId}`,
      `${BLOB}/{resourceId}`,
    ]);
    const { contents: [text] } = await client.readResource({ uri: `${TEXT}/3` });
    assert.match(text && "text" in text ? text.text : "", /^Resource 3: This is a plaintext resource/);
    const { contents: [blob] } = await client.readResource({ uri: `${BLOB}/4` });
    assert.match(blob && "blob" in blob ? atob(blob.blob) : "", /^Resource 4: This is a base64 blob/);
    await assert.rejects(client.readResource({ uri: `${TEXT}/none` }), /Unknown resource/);
  },

  async "resources that a tool adds, and the change of their list"(user) {
    const { client, inbox } = user;
    const data = `data:text/plain,${"all-work-and-no-play-".repeat(2000)}`;
    const whole = await user.call("gzip-file-as-resource", { name: "a.gz", data, outputType: "resource" });
    const [block] = whole.content;
    assert(block?.type === "resource" && "blob" in block.resource);
    assert.equal(unzipped(block.resource.blob).length, 42_000);
    await inbox.waitFor("notifications/resources/list_changed");
    const linked = await user.call("gzip-file-as-resource", { name: "b.gz", data });
    const [link] = linked.content;
    assert(link?.type === "resource_link");
    const { contents: [read] } = await client.readResource({ uri: link.uri });
    assert.match(read && "blob" in read ? unzipped(read.blob) : "", /^all-work-and-no-play-/);
    await inbox.waitFor("notifications/resources/list_changed", 2);
    const { resources } = await client.listResources();
    assert.deepEqual(resources.slice(-2).map(({ name }) => name), ["a.gz", "b.gz"]);
  },

  async "subscriptions"(user) {
    const { client, inbox } = user;
    const updated = "notifications/resources/updated";
    await client.subscribeResource({ uri: `${TEXT}/1` });
    await client.subscribeResource({ uri: `${TEXT}/2` });
    await user.call("toggle-subscriber-updates"); // Sends an update of each at once.
    const both = await inbox.waitFor(updated, 2);
    assert.deepEqual(both.map(({ params }) => params?.uri), [`${TEXT}/1`, `${TEXT}/2`]);
    await client.unsubscribeResource({ uri: `${TEXT}/1` });
    await user.call("toggle-subscriber-updates");
    await user.call("toggle-subscriber-updates");
    const three = await inbox.waitFor(updated, 3);
    assert.equal(three.at(-1)?.params?.uri, `${TEXT}/2`);
  },

  async "prompts"({ client }) {
    const { prompts } = await client.listPrompts();
    assert.deepEqual(prompts.map(({ name }) => name), [
      "simple-prompt",
      "args-prompt",
      "completable-prompt",
      "resource-prompt",
    ]);
    const text = async (name: string, args?: Record<string, string>) => {
      const { messages: [message] } = await client.getPrompt({ name, ...(args && { arguments: args }) });
      return message?.content.type === "text" ? message.content.text : undefined;
    };
    assert.equal(await text("simple-prompt"), "This is a simple prompt without arguments.");
    assert.equal(await text("args-prompt", { city: "Ulm" }), "What's weather in Ulm?");
    assert.match(await text("completable-prompt", { department: "Sales", name: "Eve" }) ?? "", /promote Eve/);
    const { messages } = await client.getPrompt({
      name: "resource-prompt",
      arguments: { resourceType: "Text", resourceId: "9" },
    });
    const content = messages[1]?.content;
    assert.equal(content?.type === "resource" && content.resource.uri, `${TEXT}/9`);
    await assert.rejects(text("args-prompt"), { code: ErrorCode.InvalidParams });
  },

  async "completions"({ client }) {
    const complete = async (
      ref: { type: "ref/prompt"; name: string } | { type: "ref/resource"; uri: string },
      argument: { name: string; value: string },
      context?: Record<string, string>,
    ) => {
      const { completion } = await client.complete({
        ref,
        argument,
        ...(context && { context: { arguments: context } }),
      });
      return completion.values;
    };
    const prompt = { type: "ref/prompt", name: "completable-prompt" } as const;
    assert.deepEqual(await complete(prompt, { name: "department", value: "S" }), ["Sales", "Support"]);
    const engineering = { department: "Engineering" };
    assert.deepEqual(await complete(prompt, { name: "name", value: "A" }, engineering), ["Alice"]);
    const template = { type: "ref/resource", uri: `${TEXT}/{resourceId}` } as const;
    assert.deepEqual(await complete(template, { name: "resourceId", value: "12" }), ["12"]);
  },

  async "sampling"(user) {
    const result = await user.call("trigger-sampling-request", { prompt: "Tell me a story", maxTokens: 7 });
    assert.deepEqual(afterTitle(textIn(result)), SAMPLED);
    const [asked] = user.sampled;
    assert.equal(asked?.maxTokens, 7);
    assert.equal(asked?.systemPrompt, "You are a helpful test server.");
  },

  async "elicitation by a form"(user) {
    user.elicitResults.push(
      { action: "accept", content: { name: "Ada", integer: 7, check: true } },
      { action: "decline" },
      { action: "cancel" },
    );
    const accepted = await user.call("trigger-elicitation-request");
    assert.equal(
      textIn(accepted, 1),
      "User inputs:\n- Name: Ada\n- Agreed to terms: true\n- Favorite Integer: 7",
    );
    assert.match(textIn(await user.call("trigger-elicitation-request")), /declined/);
    assert.match(textIn(await user.call("trigger-elicitation-request")), /cancelled/);
    const [asked] = user.elicited;
    assert(asked && "requestedSchema" in asked);
    assert.deepEqual(asked.requestedSchema.required, ["name"]);
  },

  async "elicitation by a URL"(user) {
    const url = "https://example.com/sign-in?state=1";
    user.elicitResults.push({ action: "accept" });
    const result = await user.call("trigger-url-elicitation", { url, elicitationId: "e-1" });
    assert.match(textIn(result), /completed the URL elicitation flow.\nElicitation ID: e-1/);
    assert.deepEqual(user.elicited.map((asked) => asked.mode === "url" && asked.url), [url]);
    await assert.rejects(user.call("trigger-url-elicitation", { url, errorPath: true }), (error) => {
      assert(error instanceof UrlElicitationRequiredError);
      assert.equal(error.elicitations[0]?.url, "https://modelcontextprotocol.io");
      return true;
    });
  },

  async "roots and the change of their list"(user) {
    const { client, inbox } = user;
    user.roots = [{ uri: "file:///first", name: "First" }];
    // The server asks by itself, some time after the handshake, and logs what it got.
    const told = async (count: number) =>
      (await inbox.waitFor("notifications/message", count)).at(-1)?.params?.data;
    assert.equal(await told(1), "Roots updated: 1 root(s) received from client");
    assert.match(textIn(await user.call("get-roots-list")), /1\. First\n +URI: file:\/\/\/first\n/);
    user.roots = [...user.roots, { uri: "file:///second", name: "Second" }];
    await client.sendRootsListChanged();
    assert.equal(await told(2), "Roots updated: 2 root(s) received from client");
    assert.match(textIn(await user.call("get-roots-list")), /2\. Second\n +URI: file:\/\/\/second\n/);
  },

  async "tasks of the server and of the client, at the same time"(user) {
    user.elicitResults.push(
      { action: "accept", content: { name: "Grace", interpretation: "historical" } },
      { action: "accept", content: { name: "Grace", interpretation: "historical" } },
    );
    const [research, sampling, elicitation] = await Promise.all([
      user.callAsTask("simulate-research-query", { topic: "looms", ambiguous: true }),
      user.call("trigger-sampling-request-async", { prompt: "Tell me a story" }),
      user.call("trigger-elicitation-request-async"),
    ]);
    assert.equal(research.statuses.at(-1), "input_required");
    assert.match(textIn(research.result), /^# Research Report: looms \(historical\)/);
    assert.match(textIn(sampling), /^\[COMPLETED\][^]*Poll 1: completed[^]*Once upon a time/);
    assert.match(textIn(elicitation), /^\[COMPLETED\]/);
    assert.match(textIn(elicitation, 1), /Name: Grace/);
  },

  async "the list of tasks and their cancellation"({ client }) {
    const tasks = client.experimental.tasks;
    const stream = tasks.callToolStream(
      { name: "simulate-research-query", arguments: { topic: "mills" } },
      undefined,
      { task: { ttl: 60_000 } },
    );
    const { value: created } = await stream.next();
    assert(created?.type === "taskCreated");
    const { taskId } = created.task;
    assert.deepEqual((await tasks.listTasks()).tasks.map((task) => task.taskId), [taskId]);
    assert.equal((await tasks.cancelTask(taskId)).status, "cancelled");
    assert.equal((await tasks.getTask(taskId)).status, "cancelled");
    await stream.return();
  },
};

for (const wire of WIRES) {
  Deno.test(`gateway carries every feature of server-everything over ${wire}`, async (t) => {
    await using keystone = await startKeystone(["--stateful", "--env", "E2E_MARK=from the command line"], {
      server: EVERYTHING,
    });
    const called = new Set<string>();
    for (const [name, feature] of Object.entries(FEATURES)) {
      await t.step(name, async () => {
        await using user = await User.connect(keystone, wire, called);
        await feature(user);
      });
    }
    await t.step("no tool was left out and no server is left over", async () => {
      assert.deepEqual([...called].sort(), TOOLS);
      await eventually(keystone.children, (children) => children.length === 0);
    });
  });
}

for (const wire of WIRES) {
  Deno.test(`gateway hands a cancellation to the server over ${wire}`, async () => {
    await using keystone = await startKeystone(["--stateful"], { server: SCRIPTED });
    const abort = new AbortController();
    await using user = await connect(keystone, wire, {
      capabilities: { roots: {} },
      prepare: (client) =>
        client.setRequestHandler(ListRootsRequestSchema, () => {
          abort.abort("changed my mind");
          return { roots: [] };
        }),
    });
    // Asks the client back, so that it cancels a call that the server is at work on.
    const ask = { name: "ask", arguments: { id: 1, method: "roots/list" } };
    await assert.rejects(user.client.callTool(ask, undefined, { signal: abort.signal }), /changed my mind/);
    const cancelled = async () => {
      const { structuredContent } = await user.client.callTool({ name: "seen" });
      return (structuredContent as { cancelled: unknown[] }).cancelled;
    };
    // The client's ids begin at 0, with "initialize".
    assert.deepEqual(await eventually(cancelled, (ids) => ids.length > 0), [1]);
  });
}

async function handshakeAndPing({ client }: User, capabilities: string[]): Promise<void> {
  assert.equal(client.getServerVersion()?.name, "mcp-servers/everything");
  assert.match(client.getInstructions() ?? "", /everything/i);
  assert.deepEqual(Object.keys(client.getServerCapabilities() ?? {}).sort(), capabilities);
  assert.deepEqual(await client.ping(), {});
}

/** What needs no session: no word from the server outside of a call, and no question to the client. */
const STATELESS = [
  "plain tools",
  "all kinds of content",
  "progress, each to its own call",
  "resources and templates",
  "prompts",
  "completions",
];

Deno.test("gateway carries what needs no session over stateless Streamable HTTP", async (t) => {
  await using keystone = await startKeystone(["--env", "E2E_MARK=from the command line"], {
    server: EVERYTHING,
  });
  await t.step("the handshake, without what needs a session, and ping", async () => {
    await using user = await User.connect(keystone, "Streamable HTTP");
    await handshakeAndPing(user, ["completions", "prompts", "resources", "tools"]);
    const { tools, resources, prompts } = user.client.getServerCapabilities() ?? {};
    assert.deepEqual([tools, resources, prompts], [{}, {}, {}]);
  });
  for (const name of STATELESS) {
    await t.step(name, async () => {
      await using user = await User.connect(keystone, "Streamable HTTP");
      assert.equal(user.session, undefined);
      await FEATURES[name]!(user);
    });
  }
  await t.step("many clients at once, with the same ids and tokens", () => progressOfMany(keystone));
  await t.step("all of it on one server process", async () => {
    assert.equal((await keystone.children()).length, 1);
  });
});

/** Every client counts its messages from 0, and calls with as many steps as nobody else. */
async function progressOfMany(keystone: Keystone): Promise<void> {
  await Promise.all([2, 3, 4, 5, 6, 7, 8, 9].map(async (steps) => {
    await using user = await User.connect(keystone, "Streamable HTTP");
    const totals: unknown[] = [];
    const result = await user.call("trigger-long-running-operation", { duration: 0.5, steps }, {
      onprogress: ({ total }) => totals.push(total),
    });
    assert.match(textIn(result), new RegExp(`Steps: ${steps}\\.$`));
    assert.deepEqual(totals, Array(steps).fill(steps));
  }));
}

for (const mode of ["stateful", "stateless"] as const) {
  Deno.test(`gateway serves the v2 client, ${mode}, in whichever way it negotiates`, async (t) => {
    await using keystone = await startKeystone(mode === "stateful" ? ["--stateful"] : [], {
      server: EVERYTHING,
    });
    for (const negotiation of ["legacy", "auto"] as const) {
      await t.step(`version negotiation "${negotiation}"`, async () => {
        await using user = await connectV2(keystone, { versionNegotiation: { mode: negotiation } });
        const era = negotiation === "auto" ? "modern" : "legacy";
        assert.equal(user.client.getProtocolEra(), era);
        const revision = era === "modern" ? "2026-07-28" : "2025-11-25";
        assert.equal(user.client.getNegotiatedProtocolVersion(), revision);
        assert.equal(user.session !== undefined, mode === "stateful" && era === "legacy");
        if (era === "legacy") await user.client.ping();
        await useV2(user.client);
      });
    }
  });
}

async function useV2(client: v2.Client): Promise<void> {
  const { tools } = await client.listTools();
  assert(tools.some(({ name }) => name === "echo"));
  const echoed = await client.callTool({ name: "echo", arguments: { message: "hello" } });
  assert.deepEqual(echoed.content, [{ type: "text", text: "Echo: hello" }]);
  const weather = await client.callTool({
    name: "get-structured-content",
    arguments: { location: "New York" },
  });
  assert.deepEqual(weather.structuredContent, { temperature: 33, conditions: "Cloudy", humidity: 82 });
  const progress: number[] = [];
  await client.callTool({ name: "trigger-long-running-operation", arguments: { duration: 0.1, steps: 3 } }, {
    onprogress: (at) => progress.push(at.progress),
  });
  assert.deepEqual(progress, [1, 2, 3]);
  const { contents: [text] } = await client.readResource({ uri: `${TEXT}/3` });
  assert.equal(text?.uri, `${TEXT}/3`);
  assert.equal((await client.listResourceTemplates()).resourceTemplates.length, 2);
  const { messages } = await client.getPrompt({ name: "args-prompt", arguments: { city: "Ulm" } });
  assert.deepEqual(messages[0]?.content, { type: "text", text: "What's weather in Ulm?" });
  const { completion } = await client.complete({
    ref: { type: "ref/prompt", name: "completable-prompt" },
    argument: { name: "department", value: "E" },
  });
  assert.deepEqual(completion.values, ["Engineering"]);
  await assert.rejects(client.readResource({ uri: `${TEXT}/none` }), /Unknown resource/);
}

/** The v2 client that answers what the server asks. */
function connectAnswering(
  keystone: Keystone,
  mode: "auto" | "legacy",
  roots: { uri: string; name: string }[],
) {
  return connectV2(keystone, {
    versionNegotiation: { mode },
    capabilities: { sampling: {}, elicitation: { form: {} }, roots: { listChanged: true } },
    prepare(client) {
      client.setRequestHandler("sampling/createMessage", () => SAMPLED);
      client.setRequestHandler("elicitation/create", () => ({ action: "accept", content: { name: "Ada" } }));
      client.setRequestHandler("roots/list", () => ({ roots }));
    },
  });
}

function caller(client: v2.Client) {
  return async (name: string, args: Record<string, unknown> = {}) =>
    JSON.stringify((await client.callTool({ name, arguments: args })).content);
}

async function isAsked(client: v2.Client): Promise<void> {
  const call = caller(client);
  assert.match(await call("trigger-sampling-request", { prompt: "Tell me a story" }), /Once upon a time/);
  assert.match(await call("trigger-elicitation-request"), /Name: Ada/);
}

Deno.test("gateway lets the server ask the v2 client without a handshake", async () => {
  await using keystone = await startKeystone([], { server: EVERYTHING });
  await using user = await connectAnswering(keystone, "auto", []);
  assert.equal(user.client.getProtocolEra(), "modern");
  await isAsked(user.client);
});

Deno.test("gateway lets the server ask and tell the v2 client with a handshake", async () => {
  await using keystone = await startKeystone(["--stateful"], { server: EVERYTHING });
  const roots = [{ uri: "file:///first", name: "First" }];
  await using user = await connectAnswering(keystone, "legacy", roots);
  const { client, inbox } = user;
  const call = caller(client);
  await isAsked(client);
  assert.match(await call("get-roots-list"), /1\. First/);
  await client.setLoggingLevel("debug");
  await client.subscribeResource({ uri: `${TEXT}/1` });
  await inbox.waitFor("notifications/message");
  await call("toggle-subscriber-updates");
  await inbox.waitFor("notifications/resources/updated");
  roots.push({ uri: "file:///second", name: "Second" });
  await client.sendRootsListChanged();
  await eventually(() => call("get-roots-list"), (text) => text.includes("2. Second"));
});

function unzipped(base64: string): string {
  const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  return new TextDecoder().decode(gunzipSync(bytes));
}

/** The JSON below a heading. */
function afterTitle(text: string): unknown {
  return JSON.parse(text.slice(text.indexOf("\n")));
}
