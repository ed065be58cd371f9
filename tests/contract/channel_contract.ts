/** What every Channel promises, whatever its wire: one suite that runs on all of them. */
import assert from "node:assert/strict";
import type { Channel, Envelope } from "../../src/core/channel.ts";
import { GatewayError } from "../../src/core/errors.ts";
import { isRequest, type JsonRpcMessage } from "../../src/core/message/jsonrpc.ts";
import { notification, request, result } from "../support/messages.ts";
import { inTime } from "./deadline.ts";
import { Inbox } from "./inbox.ts";

/** Two ends of one wire. */
export interface ChannelPair extends AsyncDisposable {
  /** The channel under test. */
  readonly near: Channel;
  /** Whoever speaks with it. */
  readonly far: Channel;
  /** The far side is gone without a goodbye. Its dispose, unless the wire knows a ruder way. */
  vanish?(): void;
  /** Nothing more arrives at the far side, for a wire on which not to read is no way to stop the other. */
  stall?(): void;
  resume?(): void;
}

/** What not every wire can express. */
type Ability =
  | "keeps text"
  | "listens after its close"
  | "is spoken to after the far close"
  | "tells the far side of its close"
  | "notices a far side that vanished"
  | "holds back its sender"
  | "holds back the far side";

interface ChannelContractOptions {
  /** Which end sends requests; the other one answers them. */
  readonly client: "near" | "far";
  /** What the near side hears when the far side closes: the end, or that the conversation broke. */
  readonly farClose: "end" | "break";
  /** What this wire cannot express, each with the reason. */
  readonly cannot?: Readonly<Partial<Record<Ability, string>>>;
}

/** Registers the suite for one kind of channel. */
export function channelContract(
  name: string,
  openPair: () => Promise<ChannelPair>,
  options: ChannelContractOptions,
): void {
  const { client, farClose, cannot = {} } = options;

  function promises(what: string, run: (ends: Ends) => Promise<void>, needs?: Ability): void {
    // What a wire cannot express is no promise of its channel; the reason stands where it is switched off.
    if (needs && cannot[needs]) return;
    Deno.test({
      name: `${name} channel ${what}`,
      sanitizeOps: true,
      sanitizeResources: true,
      fn: () => inTime(runWith(openPair, run), "The end of the test"),
    });
  }

  promises("keeps the order of messages, both ways", async (ends) => {
    for (const { from, inbox } of ends.ways()) {
      const messages = numbered(100);
      const sent = sendEach(from, messages);
      assert.deepEqual(await inbox.take(messages.length), messages);
      await sent;
    }
  });

  promises("delivers a burst of 1,000 messages, both ways", async (ends) => {
    for (const { from, inbox } of ends.ways()) {
      const messages = numbered(1_000);
      const sent = Promise.all(messages.map((message) => from.send({ message })));
      assert.deepEqual(await inbox.take(messages.length), messages);
      await sent;
    }
  });

  promises("gives each answer the id of its request, type and all", async (ends) => {
    const ids = [1, "1", 0, "", -7, 1.5, "a:b", "1.5", "ü 😀", Number.MAX_SAFE_INTEGER];
    const { asker, answerer } = ends.roles(client);
    for (const id of ids) void asker.channel.send({ message: request(id, "ask", { id }) });
    const asked = (await answerer.inbox.take(ids.length)).filter(isRequest);
    // The last one first, so that no answer finds its request by luck.
    for (const { id, params } of asked.reverse()) {
      await answerer.channel.send({ message: result(id, params), relatesTo: id });
    }
    const answers = await asker.inbox.take(ids.length);
    assert.deepEqual(new Set(answers), new Set(ids.map((id) => result(id, { id }))));
  });

  promises("passes text as it came", async (ends) => {
    const { asker, answerer } = ends.roles(client);
    const texts = [
      `{"jsonrpc": "2.0",  "id":7.0, "method":"a\\u0062", "params":{"z":12345678901234567890, "a":1.0}}`,
      `{ "result" : {"e":1e2, "slash":"\\/"} ,"id":7, "jsonrpc":"2.0" }`,
    ] as const;
    void asker.channel.send(envelopeOf(texts[0]));
    assert.equal((await answerer.inbox.next()).text, texts[0]);
    await answerer.channel.send({ ...envelopeOf(texts[1]), relatesTo: 7 });
    assert.equal((await asker.inbox.next()).text, texts[1]);
    for (const { from, inbox } of ends.ways()) {
      const text = `{"method" : "n", "params" : {"n" : -0.0} , "jsonrpc":"2.0"}`;
      await from.send(envelopeOf(text));
      assert.equal((await inbox.next()).text, text);
    }
  }, "keeps text");

  promises("carries every character, both ways", async (ends) => {
    const text = 'ß漢字 😀 \u2028 \u2029 \u0000 \u0085 \ufeff \ud83d \\ " data: \n\n \r \r\n event: x';
    for (const { from, inbox } of ends.ways()) {
      const messages = [notification("text", { text, [text]: 1 }), notification("after")];
      await sendEach(from, messages);
      assert.deepEqual(await inbox.take(2), messages);
    }
  });

  promises("carries a message of 1 MB, both ways", async (ends) => {
    for (const { from, inbox } of ends.ways()) {
      const messages = [notification("large", { text: "ä€".repeat(200_000) }), notification("after")];
      const sent = sendEach(from, messages);
      assert.deepEqual(await inbox.take(2), messages);
      await sent;
    }
  });

  promises("carries pretty-printed text as one message, both ways", async (ends) => {
    for (const { from, inbox } of ends.ways()) {
      const message = notification("pretty", { list: [1, { deep: true }], text: "a\nb" });
      const pretty = JSON.stringify(message, null, 2);
      await from.send({ message, text: pretty });
      await from.send({ message, text: pretty.replaceAll("\n", "\r\n") });
      await from.send({ message: notification("after") });
      assert.deepEqual(await inbox.take(3), [message, message, notification("after")]);
    }
  });

  promises(
    `hears what was sent and then ${farClose === "end" ? "the end" : "an error"} when the far side closes`,
    async (ends) => {
      const messages = numbered(3);
      await sendEach(ends.far.channel, messages);
      await ends.far.channel.close();
      const rest = await ends.near.inbox.rest();
      assert.deepEqual(rest.messages, messages);
      if (farClose === "end") assert.equal(rest.error, undefined);
      else assert(rest.error instanceof GatewayError, `${rest.error}`);
    },
  );

  promises("can be spoken to after the far side has closed", async (ends) => {
    await ends.far.channel.close();
    await ends.near.inbox.rest();
    await ends.near.channel.send({ message: notification("still") });
    assert.deepEqual(await ends.far.inbox.take(1), [notification("still")]);
  }, "is spoken to after the far close");

  promises("throws when the far side has vanished, in its incoming and at send", async (ends) => {
    await sendEach(ends.far.channel, numbered(3));
    await ends.near.inbox.take(3);
    await ends.vanish();
    const { messages, error } = await ends.near.inbox.rest();
    assert.deepEqual(messages, []);
    assert(error instanceof GatewayError, `${error}`);
    await refusesToSend(ends.near.channel);
  }, "notices a far side that vanished");

  promises("tells the far side that it closed, after all that it sent", async (ends) => {
    const messages = numbered(100);
    for (const message of messages) void ends.near.channel.send({ message });
    await ends.near.channel.close();
    assert.deepEqual((await ends.far.inbox.rest()).messages, messages);
  }, "tells the far side of its close");

  promises("still listens after its own close", async (ends) => {
    await ends.near.channel.close();
    await ends.far.channel.send({ message: notification("still") });
    assert.deepEqual(await ends.near.inbox.take(1), [notification("still")]);
  }, "listens after its close");

  promises("sends nothing after its close", async (ends) => {
    await ends.near.channel.close();
    await refusesToSend(ends.near.channel);
  });

  promises("sends nothing after its dispose", async (ends) => {
    await ends.near.channel[Symbol.asyncDispose]();
    await refusesToSend(ends.near.channel);
  });

  promises("can be closed and disposed any number of times", async ({ near: { channel, inbox } }) => {
    await channel.close();
    await channel.close(new GatewayError("again"));
    await Promise.all([channel[Symbol.asyncDispose](), channel[Symbol.asyncDispose]()]);
    await channel.close();
    await channel[Symbol.asyncDispose]();
    assert.deepEqual((await inbox.rest()).messages, []);
  });

  promises(
    "ends its own incoming at dispose, under a reader that waits",
    async ({ near: { channel, inbox } }) => {
      const rest = inbox.rest();
      await channel[Symbol.asyncDispose]();
      assert.deepEqual(await rest, { messages: [], error: undefined });
    },
  );

  promises("lets a send that waits go at dispose", async (ends) => {
    ends.stall();
    const { last } = await fill(ends.near.channel);
    await ends.near.channel[Symbol.asyncDispose]();
    await settled(last);
  }, "holds back its sender");

  promises("holds back its sender while the far side does not read, and loses nothing", async (ends) => {
    ends.stall();
    const { messages, last } = await fill(ends.near.channel);
    ends.resume();
    assert.deepEqual(await ends.far.inbox.take(messages.length), messages);
    await last;
  }, "holds back its sender");

  promises("holds back the far side while nobody reads here, and loses nothing", async (ends) => {
    const { messages, last } = await fill(ends.far.channel);
    assert.deepEqual(await ends.near.inbox.take(messages.length), messages);
    await last;
  }, "holds back the far side");
}

/** A channel and the one reader that it may have. */
interface End {
  readonly channel: Channel;
  readonly inbox: Inbox;
}

class Ends {
  readonly near: End;
  readonly far: End;
  readonly #pair: ChannelPair;

  constructor(pair: ChannelPair) {
    this.#pair = pair;
    this.near = { channel: pair.near, inbox: new Inbox(pair.near) };
    this.far = { channel: pair.far, inbox: new Inbox(pair.far) };
  }

  ways(): { from: Channel; inbox: Inbox }[] {
    const { near, far } = this;
    return [{ from: near.channel, inbox: far.inbox }, { from: far.channel, inbox: near.inbox }];
  }

  roles(client: "near" | "far"): { asker: End; answerer: End } {
    const { near, far } = this;
    return client === "near" ? { asker: near, answerer: far } : { asker: far, answerer: near };
  }

  stall(): void {
    this.#pair.stall?.();
  }

  resume(): void {
    this.#pair.resume?.();
  }

  async vanish(): Promise<void> {
    if (this.#pair.vanish) this.#pair.vanish();
    else await this.far.channel[Symbol.asyncDispose]();
  }
}

async function runWith(
  openPair: () => Promise<ChannelPair>,
  run: (ends: Ends) => Promise<void>,
): Promise<void> {
  await using pair = await openPair();
  await run(new Ends(pair));
}

function numbered(count: number): JsonRpcMessage[] {
  return Array.from({ length: count }, (_, n) => notification("numbered", { n }));
}

function envelopeOf(text: string): Envelope {
  return { message: JSON.parse(text), text };
}

async function sendEach(channel: Channel, messages: readonly JsonRpcMessage[]): Promise<void> {
  for (const message of messages) await channel.send({ message });
}

/** In either way that a Channel may refuse: it throws or it rejects. */
async function refusesToSend(channel: Channel): Promise<void> {
  await assert.rejects(async () => await channel.send({ message: notification("late") }), GatewayError);
}

/** Far more than the buffers of pipes and sockets on the way, and than anything of ours may keep. */
const MOST_BYTES = 64 * 1024 * 1024;
const PIECE_BYTES = 64 * 1024;
/** A send that takes this long waits for somebody. On a slow machine less is sent, and nothing fails. */
const WAITS_MS = 300;

/** Sends until a send waits; throws when none ever does. */
async function fill(channel: Channel): Promise<{ messages: JsonRpcMessage[]; last: Promise<void> }> {
  const text = "x".repeat(PIECE_BYTES);
  const messages: JsonRpcMessage[] = [];
  while (messages.length * PIECE_BYTES < MOST_BYTES) {
    const message = notification("piece", { n: messages.length, text });
    messages.push(message);
    const room = channel.send({ message });
    if (room && await waits(room)) return { messages, last: room };
  }
  throw new Error(`${MOST_BYTES} bytes were taken, and nobody reads them`);
}

async function waits(room: Promise<void>): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<true>((resolve) => timer = setTimeout(() => resolve(true), WAITS_MS));
  try {
    return await Promise.race([room.then(() => false), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** In any way: what was to be sent may be lost. */
async function settled(promise: Promise<void>): Promise<void> {
  await Promise.allSettled([promise]);
}
