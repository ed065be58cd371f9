/** What a server asks reaches its client, also one that opens no GET stream. */
import assert from "node:assert/strict";
import { inTime } from "../contract/deadline.ts";
import { type Keystone, SCRIPTED, startKeystone } from "../support/keystone.ts";
import {
  answer,
  type AnyMessage,
  beginSession,
  callTool,
  messagesOf,
  post,
  request,
} from "../support/rpc.ts";
import { EventStream, HttpRemote, onTool } from "../support/scripted_remote.ts";

const CAPABILITIES = { sampling: {}, roots: {}, elicitation: {} };
const question = (id: unknown) => request(id, "sampling/createMessage", { messages: [], maxTokens: 1 });
const notification = (method: string, params: unknown = {}) => ({ jsonrpc: "2.0", method, params });
const reply = (id: unknown) => ({ jsonrpc: "2.0", id, result: { said: id } });

/** Its calls that hang are not to hold up the end. */
const start = (...flags: string[]) =>
  startKeystone([...flags, "--shutdownTimeout", "1ms"], { server: SCRIPTED });

/** A client that does nothing but POST. */
class Poster {
  readonly #gateway: Keystone;
  readonly #session: string;
  /** What came on the answers to its POSTs, by the id of their request. */
  readonly heard: { readonly on: unknown; readonly message: AnyMessage }[] = [];
  #changed = Promise.withResolvers<void>();

  static async begin(gateway: Keystone): Promise<Poster> {
    return new Poster(gateway, await inTime(beginSession(gateway.mcp, CAPABILITIES), "The handshake"));
  }

  private constructor(gateway: Keystone, session: string) {
    this.#gateway = gateway;
    this.#session = session;
  }

  /** Sends a request, and hears what comes. */
  ask(message: AnyMessage): void {
    post(this.#gateway.mcp, message, { session: this.#session }).then(async (response) => {
      for await (const heard of messagesOf(response)) {
        this.heard.push({ on: message.id, message: heard });
        this.#changed.resolve();
        this.#changed = Promise.withResolvers<void>();
      }
    }).catch(() => {});
  }

  async tell(message: unknown): Promise<void> {
    await (await post(this.#gateway.mcp, message, { session: this.#session })).body?.cancel();
  }

  /** The first message that fits, and on which POST it came. */
  async hears(what: string, fits: (message: AnyMessage) => boolean) {
    const found = async () => {
      while (true) {
        const heard = this.heard.find(({ message }) => fits(message));
        if (heard) return heard;
        await this.#changed.promise;
      }
    };
    return await inTime(found(), what);
  }
}

const sessionModes: Readonly<Record<string, readonly string[]>> = {
  "a child of its own": ["--stateful"],
  "a child of its own, and streams for all answers": ["--stateful", "--replyMode", "sse"],
  "the child of all": ["--stateful", "--children", "shared"],
};

for (const [name, flags] of Object.entries(sessionModes)) {
  Deno.test(`a question finds a session with ${name}, two calls open and no GET stream, and no other session`, async () => {
    await using gateway = await start(...flags);
    const [client, other] = [await Poster.begin(gateway), await Poster.begin(gateway)];
    // Of the shared one nobody could say whom of two it means.
    if (!flags.includes("shared")) other.ask(callTool("other", "hang"));
    client.ask(callTool("waits", "hang"));
    client.ask(callTool("asks", "ask", question("q")));
    const asked = await client.hears("The question", ({ method }) => method !== undefined);
    assert.deepEqual(asked.message, question("q"));
    await client.tell(reply("q"));
    const { message } = await client.hears("The answer", ({ id }) => id === "asks");
    assert.deepEqual(message.result.structuredContent.reply, reply("q"));
    assert.deepEqual(other.heard, []);
  });
}

Deno.test("a question that came while no call was open goes with the next one", async () => {
  await using gateway = await start("--stateful");
  const client = await Poster.begin(gateway);
  client.ask(callTool("early", "answer_then", { messages: [question(1), question("1")] }));
  await client.hears("The answer", ({ id }) => id === "early");
  // They may have come later than the next call, and be with a later one.
  const bothAsked = async () => {
    for (let call = 0; client.heard.filter(({ message }) => message.method).length < 2; call++) {
      client.ask(callTool(`next ${call}`, "echo"));
      await client.hears("The answer", ({ id }) => id === `next ${call}`);
    }
  };
  await inTime(bothAsked(), "The questions");
  const asked = client.heard.filter(({ message }) => message.method).map(({ message }) => message);
  assert.deepEqual(asked, [question(1), question("1")]);
});

Deno.test("a question that the server takes back is taken back where it was asked", async () => {
  await using gateway = await start("--stateful");
  const client = await Poster.begin(gateway);
  const cancelled = notification("notifications/cancelled", { requestId: "q" });
  client.ask(callTool("waits", "hang"));
  client.ask(callTool("asks", "notify", { messages: [question("q"), cancelled] }));
  const { on } = await client.hears("The question", ({ id, method }) => id === "q" && method !== undefined);
  const taken = await client.hears("Its end", ({ method }) => method === "notifications/cancelled");
  assert.deepEqual(taken, { on, message: cancelled });
});

Deno.test("a question of a call that stands alone is refused with the way out, also while others run", async () => {
  await using gateway = await start();
  const hanging = await post(gateway.mcp, callTool(1, "begin", {}, { progressToken: 1 }));
  const asked = post(gateway.mcp, callTool(2, "ask", question("q"))).then(answer);
  const { result } = await inTime(asked, "The answer");
  assert.match(result.structuredContent.reply.error.message, /without a session \(--stateful\)/);
  await hanging.body?.cancel();
});

/** A remote that speaks on the streams of calls, while they are open. */
function speaking(streams: Map<string, EventStream>): HttpRemote {
  return new HttpRemote(onTool("speak", ({ message }) => {
    const stream = new EventStream();
    streams.set(message.params.arguments.name, stream);
    return stream.response;
  }));
}

for (const [name, flags] of Object.entries({ "": [], " that all share": ["--children", "shared"] })) {
  Deno.test(`what a remote${name} says on the stream of a call goes to that call`, async () => {
    const streams = new Map<string, EventStream>();
    await using remote = speaking(streams);
    const wire = ["--outputTransport", "streamableHttp", "--streamableHttp", remote.url];
    await using gateway = await startKeystone(["--stateful", ...flags, ...wire]);
    const [client, other] = [await Poster.begin(gateway), await Poster.begin(gateway)];
    // Under the same ids, which a shared one is asked under others.
    for (const id of [1, 2]) {
      client.ask(callTool(id, "speak", { name: `${id}` }));
      other.ask(callTool(id, "speak", { name: `other ${id}` }));
    }
    await remote.sees(() => remote.posted("speak").length === 4);
    await inTime(remote.sees(() => streams.size === 4), "The calls");
    const vendor = notification("vendor/said", { about: 2 });
    streams.get("2")!.say(vendor).say(question("q"));
    assert.deepEqual(
      await client.hears("The question", ({ method }) => method === "sampling/createMessage"),
      {
        on: 2,
        message: question("q"),
      },
    );
    assert.deepEqual(client.heard[0], { on: 2, message: vendor });
    await client.tell(reply("q"));
    await remote.sees(({ message }) => message?.result?.said === "q");
    assert.deepEqual([client.heard.length, other.heard.length], [2, 0]);
    for (const stream of streams.values()) stream.close();
  });
}
