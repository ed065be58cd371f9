import assert from "node:assert/strict";
import type { Channel } from "../core/channel.ts";
import { DisconnectedError } from "../core/errors.ts";
import { deepArray } from "../../tests/support/deep.ts";
import { FarEnd, settled } from "../../tests/support/far_end.ts";
import { failure, notification, request, result } from "../../tests/support/messages.ts";
import { stdio, type StdioOptions } from "./stdio.ts";
import { unbounded } from "../../tests/support/unbounded.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A client on a stdin and a stdout, and the gateway's end of it. */
function rig(options: Partial<StdioOptions> = {}) {
  let input: ReadableStreamDefaultController<Uint8Array> | undefined;
  let ended = false;
  let cancelled = false;
  const written: string[] = [];
  const accepted = Promise.withResolvers<Channel>();
  const over = Promise.withResolvers<void>();
  const served = stdio({
    accept: (peer) => {
      const { session, wire, scope } = peer;
      assert.deepEqual([session, wire, scope], ["stdio", "stdio", "session"]);
      const run = (channel: Channel) => (accepted.resolve(channel), over.promise);
      return { peer, backlog: unbounded(), run, withdraw: () => {} };
    },
    input: new ReadableStream({
      start: (controller) => void (input = controller),
      cancel: () => void (cancelled = true),
    }),
    output: new WritableStream({ write: (chunk) => void written.push(decoder.decode(chunk)) }),
    maxBodyBytes: 100,
    onInputEnd: () => ended = true,
    ...options,
  });
  return {
    served,
    over,
    accepted: accepted.promise,
    gateway: async () => new FarEnd(await accepted.promise),
    type: (text: string) => input?.enqueue(encoder.encode(text)),
    endInput: () => input?.close(),
    breakInput: () => input?.error(new Error("gone")),
    ended: () => ended,
    cancelled: () => cancelled,
    /** The lines on stdout so far, as messages. */
    async heard() {
      await settled();
      return written.join("").split("\n").slice(0, -1).map((line) => JSON.parse(line));
    },
  };
}

function line(value: unknown): string {
  return JSON.stringify(value) + "\n";
}

const PARSE_ERROR = failure(null, "Parse error: the message is not valid JSON", -32700);
const TOO_LONG = failure(null, "A line is longer than 100 bytes", -32000);

Deno.test("stdio carries messages as lines, both ways, as they came", async () => {
  const it = rig();
  const gateway = await it.gateway();
  it.type('{ "jsonrpc":"2.0", "id":1, "method":"ping" }\n' + line(notification("b")).slice(0, 9));
  it.type(line(notification("b")).slice(9));
  const { message, text } = await gateway.next();
  assert.deepEqual([message, text], [request(1, "ping"), '{ "jsonrpc":"2.0", "id":1, "method":"ping" }']);
  assert.deepEqual(await gateway.hear(), notification("b"));
  gateway.say(result(1), notification("c"));
  assert.deepEqual(await it.heard(), [result(1), notification("c")]);
});

Deno.test("stdio takes a batch for its messages", async () => {
  const it = rig();
  const gateway = await it.gateway();
  it.type(line([request(1, "a"), notification("b")]));
  assert.deepEqual([await gateway.hear(), await gateway.hear()], [request(1, "a"), notification("b")]);
});

Deno.test("stdio answers a malformed line, and goes on with the next one", async () => {
  const it = rig();
  const gateway = await it.gateway();
  it.type(`nonsense\n\n{"a":1}\n${line(request(1))}`);
  assert.deepEqual(await gateway.hear(), request(1));
  const [parse, invalid, ...more] = await it.heard();
  assert.deepEqual(parse, PARSE_ERROR);
  assert.deepEqual([invalid.error.code, invalid.id, more], [-32600, null, []]);
});

Deno.test("stdio answers a line that is too long once, and skips all of it, also what looks like a message", async () => {
  const it = rig();
  const gateway = await it.gateway();
  const long = "x".repeat(90);
  it.type(line(request(1)) + long);
  it.type(long);
  it.type(`${long}${line(request(2))}${line(request(3))}`);
  assert.deepEqual(await gateway.hear(), request(1));
  assert.deepEqual(await gateway.hear(), request(3));
  assert.deepEqual(await it.heard(), [TOO_LONG]);
});

Deno.test("stdio ends its incoming with its stdin, the last line included, and still writes answers", async () => {
  const it = rig();
  const gateway = await it.gateway();
  it.type(JSON.stringify(request(1)));
  it.endInput();
  assert.deepEqual(await gateway.rest(), { messages: [request(1)], error: undefined });
  assert.equal(it.ended(), true);
  gateway.say(result(1));
  assert.deepEqual(await it.heard(), [result(1)]);
});

Deno.test("stdio takes a stdin that breaks for one that ends", async () => {
  const it = rig();
  const gateway = await it.gateway();
  it.breakInput();
  assert.deepEqual(await gateway.rest(), { messages: [], error: undefined });
  assert.equal(it.ended(), true);
});

Deno.test("stdio breaks when nobody reads its stdout any more, and sends no more", async () => {
  const output = new WritableStream({ write: () => Promise.reject(new Error("EPIPE")) });
  const it = rig({ output });
  const channel = await it.accepted;
  const gateway = new FarEnd(channel);
  gateway.say(result(1));
  const { error } = await gateway.rest();
  assert(error instanceof DisconnectedError);
  assert.equal(error.message, "The client closed our stdout");
  assert.throws(() => channel.send({ message: result(2) }), DisconnectedError);
  it.type("nonsense\n");
  await settled();
});

Deno.test("stdio holds back its sender while stdout takes nothing, and then writes it all", async () => {
  const gate = Promise.withResolvers<void>();
  let bytes = 0;
  const output = new WritableStream<Uint8Array>({
    async write(chunk) {
      await gate.promise;
      bytes += chunk.length;
    },
  });
  const channel = await rig({ output }).accepted;
  const message = notification("x".repeat(30_000));
  const sent = [1, 2, 3, 4].map(() => channel.send({ message }));
  assert.deepEqual(sent.map((room) => room instanceof Promise), [false, false, false, true]);
  let closed = false;
  const closing = channel.close().then(() => closed = true);
  await settled();
  assert.equal(closed, false);
  gate.resolve();
  await closing;
  assert.throws(() => channel.send({ message }), DisconnectedError);
  assert.equal(bytes, 4 * line(message).length);
});

Deno.test("stdio lets go of its stdin at its dispose, and settles when the conversation is over", async () => {
  const it = rig();
  const channel = await it.accepted;
  const gateway = new FarEnd(channel);
  await channel[Symbol.asyncDispose]();
  assert.throws(() => channel.send({ message: result(1) }), DisconnectedError);
  await channel.close();
  await channel[Symbol.asyncDispose]();
  assert.equal(it.cancelled(), true);
  assert.deepEqual(await gateway.rest(), { messages: [], error: undefined });
  it.over.resolve();
  await it.served;
});

Deno.test("stdio refuses a request that nests too deep under its own id, and goes on", async () => {
  const it = rig({ maxBodyBytes: 100_000 });
  const gateway = await it.gateway();
  it.type(`{"jsonrpc":"2.0","id":"a","method":"x","params":{"a":${deepArray()}}}\n${line(request(1))}`);
  assert.deepEqual(await gateway.hear(), request(1));
  const why = "Invalid Request: a message that nests deeper than 512 levels (--maxDepth) is not taken";
  assert.deepEqual(await it.heard(), [failure("a", why, -32600)]);
  it.endInput();
  await gateway.rest();
  it.over.resolve();
  await it.served;
});

Deno.test("stdio does not listen to a client that does not read what it is answered", async () => {
  const unread = Promise.withResolvers<void>();
  const lines = encoder.encode("nonsense\n".repeat(1_000));
  let pulled = 0;
  const it = rig({
    input: new ReadableStream({
      pull(controller) {
        controller.enqueue(lines);
        if (++pulled === 50) controller.close();
      },
    }, { highWaterMark: 0 }),
    output: new WritableStream({ write: () => unread.promise }),
  });
  const channel = await it.accepted;
  for (let turn = 0; turn < 10; turn++) await settled();
  assert(pulled < 10, `${pulled} pieces were read`);
  unread.resolve();
  for (let turn = 0; turn < 100 && !it.ended(); turn++) await settled();
  assert.equal(pulled, 50);
  await channel[Symbol.asyncDispose]();
});
