/**
 * Clients of both eras at servers of both, over every wire, through a gateway of its own process: what each pair can do,
 * and what it cannot for which reason.
 */
import assert from "node:assert/strict";
import { WIRES } from "../support/clients.ts";
import { type Door, EraUser, ROOT, SDK_CLIENTS, type SdkClient, textOf } from "../support/era_user.ts";
import { eventually, EVERYTHING, SMALL_DUAL, SMALL_MODERN, startKeystone } from "../support/keystone.ts";

const SERVERS = { "legacy": EVERYTHING, "modern": SMALL_MODERN, "dual-era": SMALL_DUAL } as const;
type Server = keyof typeof SERVERS;

interface Cell {
  readonly client: SdkClient;
  readonly server: Server;
  readonly door: Door;
}

/** What is done with server-everything, and with the project's own server of the v2 SDK. */
interface Feature {
  readonly everything: (user: EraUser, cell: Cell) => Promise<void>;
  readonly small: (user: EraUser, cell: Cell) => Promise<void>;
}

const TEXT = "demo://resource/dynamic/text";
const NOTE = "test://note";

const FEATURES: Readonly<Record<string, Feature>> = {
  "who the server is": {
    async everything({ client }) {
      assert.equal(client.getServerVersion()?.name, "mcp-servers/everything");
      assert.match(client.getInstructions() ?? "", /everything/i);
      await Promise.resolve();
    },
    async small({ client }) {
      const { name, version } = client.getServerVersion() ?? {};
      assert.deepEqual([name, version], ["small-modern-server", "1.2.3"]);
      assert.equal(client.getInstructions(), "Add things.");
      await Promise.resolve();
    },
  },

  "tools": {
    async everything(user) {
      const { tools } = await user.client.listTools();
      assert(tools.some(({ name }) => name === "get-sum"));
      assert.equal(textOf(await user.call("echo", { message: "grüß dich 👋\n" })), "Echo: grüß dich 👋\n");
      const { structuredContent } = await user.call("get-structured-content", { location: "New York" });
      assert.deepEqual(structuredContent, { temperature: 33, conditions: "Cloudy", humidity: 82 });
    },
    async small(user) {
      const { tools } = await user.client.listTools();
      assert(tools.some(({ name }) => name === "add"));
      const { structuredContent } = await user.call("add", { a: 2, b: 40.5 });
      assert.deepEqual(structuredContent, { sum: 42.5 });
    },
  },

  "resources": {
    async everything({ client }) {
      assert((await client.listResources()).resources.length > 0);
      assert.equal((await client.listResourceTemplates()).resourceTemplates.length, 2);
      const { contents: [text] } = await client.readResource({ uri: `${TEXT}/3` });
      assert.equal(text?.uri, `${TEXT}/3`);
      await assert.rejects(client.readResource({ uri: `${TEXT}/none` }), /Unknown resource/);
    },
    async small({ client }) {
      assert.deepEqual((await client.listResources()).resources.map(({ uri }) => uri), [NOTE]);
      const { contents } = await client.readResource({ uri: NOTE });
      assert.deepEqual(contents, [{ uri: NOTE, text: "a note" }]);
      await assert.rejects(client.readResource({ uri: "test://none" }), /not found/);
    },
  },

  "prompts and their completion": {
    async everything({ client }) {
      assert((await client.listPrompts()).prompts.some(({ name }) => name === "args-prompt"));
      const { messages } = await client.getPrompt({ name: "args-prompt", arguments: { city: "Ulm" } });
      assert.deepEqual(messages[0]?.content, { type: "text", text: "What's weather in Ulm?" });
      const { completion } = await client.complete({
        ref: { type: "ref/prompt", name: "completable-prompt" },
        argument: { name: "department", value: "E" },
      });
      assert.deepEqual(completion.values, ["Engineering"]);
    },
    async small({ client }) {
      assert.deepEqual((await client.listPrompts()).prompts.map(({ name }) => name), ["greet"]);
      const { messages } = await client.getPrompt({ name: "greet", arguments: { whom: "Ada" } });
      assert.deepEqual(messages[0]?.content, { type: "text", text: "Hello, Ada" });
      const { completion } = await client.complete({
        ref: { type: "ref/prompt", name: "greet" },
        argument: { name: "whom", value: "A" },
      });
      assert.deepEqual(completion.values, ["Ada", "Alan"]);
    },
  },

  "progress": {
    async everything(user) {
      const told: number[] = [];
      await user.call("trigger-long-running-operation", { duration: 0.1, steps: 3 }, {
        onProgress: (progress) => void told.push(progress),
      });
      assert.deepEqual(told, [1, 2, 3]);
    },
    async small(user) {
      const told: number[] = [];
      await user.call("work", {}, { onProgress: (progress) => void told.push(progress) });
      assert.deepEqual(told, [1, 2]);
    },
  },

  "logging": {
    async everything(user) {
      await user.callAloud("toggle-simulated-logging");
      // It also says by itself what it has come to know of the roots.
      await user.inbox.waitForOne("notifications/message", ({ data }) => /level.message/.test(String(data)));
      await user.call("toggle-simulated-logging");
    },
    async small(user) {
      // A legacy client hears what it likes as long as it has set no level.
      const before = user.inbox.of("notifications/message").length;
      await user.callAloud("work");
      const said = await user.inbox.waitFor("notifications/message", before + 2);
      assert.deepEqual(said.slice(before).map(({ params }) => params?.data), ["step 1", "step 2"]);
    },
  },

  "what the server asks": {
    async everything(user) {
      assert.match(textOf(await user.call("trigger-elicitation-request"), 1), /Name: Ada/);
      assert.match(textOf(await user.call("trigger-sampling-request", { prompt: "Tell" })), /Once/);
      assert.match(textOf(await user.call("get-roots-list")), /1\. Home\n +URI: file:\/\/\/home\/ada\n/);
    },
    async small(user) {
      assert.match(textOf(await user.call("ask")), /^for Ada: .*Once/);
      assert.match(textOf(await user.call("roots")), new RegExp(ROOT.uri));
      assert.deepEqual(user.asked, ["elicitation/create", "sampling/createMessage", "roots/list"]);
    },
  },

  "cancellation": {
    async everything(user, { door }) {
      const said = () => Promise.resolve("gateway" in door ? door.gateway.stderr() : user.stderr);
      const cancelled = (text: string) => text.split("outcome=cancelled").length;
      const before = cancelled(await said());
      // The server itself goes on, and says nothing of it.
      await assertTakenBack(user, "trigger-long-running-operation", { duration: 5, steps: 100 });
      await eventually(said, (text) => cancelled(text) > before);
    },
    async small(user) {
      const before = Number(textOf(await user.call("taken_back")));
      await assertTakenBack(user, "wait", {});
      await eventually(async () => Number(textOf(await user.call("taken_back"))), (now) => now > before);
    },
  },

  "changes": {
    async everything(user) {
      await user.watch(`${TEXT}/1`);
      await user.call("toggle-subscriber-updates");
      const [updated] = await user.inbox.waitFor("notifications/resources/updated");
      assert.equal(updated?.params?.uri, `${TEXT}/1`);
      await user.call("toggle-subscriber-updates");
      const data = "data:text/plain,hello";
      await user.call("gzip-file-as-resource", { name: crypto.randomUUID(), data, outputType: "resource" });
      await user.inbox.waitFor("notifications/resources/list_changed");
      await user.unwatch(`${TEXT}/1`);
    },
    async small(user) {
      await user.watch(NOTE);
      await user.call("touch");
      const [updated] = await user.inbox.waitFor("notifications/resources/updated");
      assert.equal(updated?.params?.uri, NOTE);
      await user.call("flip");
      await user.inbox.waitFor("notifications/tools/list_changed");
      await user.call("flip");
      await user.unwatch(NOTE);
    },
  },
};

/** Takes a call back once the server is at work on it. */
async function assertTakenBack(user: EraUser, tool: string, args: Record<string, unknown>): Promise<void> {
  const abort = new AbortController();
  const begun = Promise.withResolvers<void>();
  const call = user.call(tool, args, { signal: abort.signal, onProgress: () => begun.resolve() });
  const failed = assert.rejects(call, /changed my mind/);
  await Promise.race([begun.promise, failed]);
  abort.abort("changed my mind");
  await failed;
}

type Check = (user: EraUser, cell: Cell) => Promise<void>;

async function assertFeatures(user: EraUser, cell: Cell, except: readonly string[] = []): Promise<void> {
  for (const [what, { everything, small }] of Object.entries(FEATURES)) {
    if (except.includes(what)) continue;
    try {
      await (cell.server === "legacy" ? everything : small)(user, cell);
    } catch (cause) {
      const { message } = cause as Error;
      throw new Error(`${what}: ${message}\n${user.errors.join("\n")}\n${user.stderr.slice(-4_000)}`, {
        cause,
      });
    }
  }
}

async function assertCell(cell: Cell, check: Check = assertFeatures): Promise<void> {
  await using user = await EraUser.connect(cell.client, cell.door);
  // Whoever knows both speaks the newest with a gateway, whatever is behind that.
  assert.equal(user.era, /auto|pinned/.test(cell.client) ? "modern" : "legacy");
  await check(user, cell);
}

/**
 * What a legacy client cannot do without a session, where its POSTs have nothing to do with each other: there is no stream
 * but that of an answer, and what belongs to a question or to a call would come by another POST.
 */
const NEED_SESSION = ["what the server asks", "logging", "cancellation", "changes"];

const assertStandingAlone: Check = async (user, cell) => {
  await assertFeatures(user, cell, NEED_SESSION);
  const { tools, resources, logging } = user.client.getServerCapabilities() ?? {};
  assert.deepEqual([tools, resources, logging], [{}, {}, undefined]);
  const question = cell.server === "legacy" ? "trigger-elicitation-request" : "ask";
  assert.match(textOf(await user.call(question)), /not found|Cannot request input 'who'/);
  await assert.rejects(user.callAloud("echo"), /"logging\/setLevel" needs a session/);
  await assert.rejects(user.watch(NOTE), /"resources\/subscribe" needs a session/);
};

const TALKATIVE = ["--logLevel", "debug"];
const ALL_WIRES = ["--outputTransport", "streamableHttp,sse,ws", ...TALKATIVE];

for (const [server, command] of Object.entries(SERVERS) as [Server, readonly string[]][]) {
  Deno.test(`clients of both eras work with a ${server} server over each wire`, async (t) => {
    await using gateway = await startKeystone(ALL_WIRES, { server: command });
    for (const client of SDK_CLIENTS) {
      for (const wire of WIRES) {
        const alone = wire === "Streamable HTTP" && /v1|legacy/.test(client);
        const cell = { client, server, door: { gateway, wire } };
        await t.step(
          `${client} over ${wire}`,
          () => assertCell(cell, alone ? assertStandingAlone : assertFeatures),
        );
      }
    }
    assert.doesNotMatch(gateway.stderr(), /Internal fault/);
  });

  Deno.test(`clients of both eras work with a ${server} server where legacy ones have sessions`, async (t) => {
    await using gateway = await startKeystone(["--stateful", ...TALKATIVE], { server: command });
    for (const client of SDK_CLIENTS) {
      await t.step(client, () => assertCell({ client, server, door: { gateway, wire: "Streamable HTTP" } }));
    }
    assert.doesNotMatch(gateway.stderr(), /Internal fault/);
  });

  Deno.test({
    name: `clients of both eras work with a ${server} server through a gateway that they start`,
    // The process by which the newest SDK finds out leaves timers of it behind.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const door = { flags: ["--outputTransport", "stdio", ...TALKATIVE], start: { server: command } };
      await Promise.all(SDK_CLIENTS.map((client) => assertCell({ client, server, door })));
    },
  });
}

Deno.test("clients of both eras work with a remote of both, each in its own", async (t) => {
  await using remote = await startKeystone(["--stateful", ...TALKATIVE], { server: SMALL_MODERN });
  await using gateway = await startKeystone([...ALL_WIRES, "--streamableHttp", remote.mcp]);
  for (const client of SDK_CLIENTS) {
    await t.step(
      client,
      () => assertCell({ client, server: "modern", door: { gateway, wire: "WebSocket" } }),
    );
  }
  // What stands alone there is of modern clients: the others have sessions.
  assert.match(remote.stderr(), /wire=streamableHttp scope=request/);
  for (const { stderr } of [remote, gateway]) assert.doesNotMatch(stderr(), /Internal fault/);
});
