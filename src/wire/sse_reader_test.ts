import assert from "node:assert/strict";
import { TooLargeError } from "../core/errors.ts";
import { chunkings } from "../../tests/support/chunkings.ts";
import { readEvents, type ReceivedEvent } from "./sse_reader.ts";

const encoder = new TextEncoder();

function streamOf(chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  return ReadableStream.from(chunks.filter(({ length }) => length > 0));
}

async function read(chunks: readonly Uint8Array[], maxBytes = 1000) {
  const events: ReceivedEvent[] = [];
  const retries: number[] = [];
  const options = { maxBytes, onRetry: (ms: number) => void retries.push(ms) };
  for await (const event of readEvents(streamOf(chunks), options)) events.push(event);
  return { events, retries };
}

const TEXT = [
  ...["\ufeff: hello", "retry: 30", "id: 1", "event: endpoint", "data: /m?ä=€", ""],
  ...[":", "data:no space", "data: two lines 😀", "", "retry: soon", "unknown: x", ""],
  ...["id: 2", "data:", "", "id", "data: empty id", "", "data: half"],
];
const EVENTS: ReceivedEvent[] = [
  { event: "endpoint", id: "1", data: "/m?ä=€" },
  { event: "message", id: undefined, data: "no space\ntwo lines 😀" },
  { event: "message", id: "2", data: "" },
  { event: "message", id: "", data: "empty id" },
];

Deno.test("readEvents reads the same events wherever the bytes are cut, with each kind of line end", async () => {
  for (const lineEnd of ["\n", "\r\n", "\r"]) {
    for (const chunks of chunkings(TEXT.join(lineEnd))) {
      assert.deepEqual(await read(chunks), { events: EVENTS, retries: [30] }, JSON.stringify(lineEnd));
    }
  }
});

Deno.test("readEvents keeps a U+FEFF wherever the bytes are cut, but for one at the very beginning", async () => {
  const events = "id: \ufeff1\nevent: \ufeffe\ndata: a\ufeff\ufeff\ndata:\ufeff\n\n";
  const expected = [{ event: "\ufeffe", id: "\ufeff1", data: "a\ufeff\ufeff\n\ufeff" }];
  for (const mark of ["", "\ufeff"]) {
    for (const chunks of chunkings(mark + events)) assert.deepEqual((await read(chunks)).events, expected);
  }
  // With another mark before it, a name is another name.
  const unknown = "\ufeff\ufeffevent: e\ndata: \ufeff\n\n";
  for (const chunks of chunkings(unknown)) assert.equal((await read(chunks)).events[0]?.event, "message");
});

Deno.test("readEvents gives an event as soon as it is complete", async () => {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const events = readEvents(readable, { maxBytes: 100 });
  const next = events.next();
  await writer.write(encoder.encode("data: a\n\ndata: b"));
  assert.equal((await next).value?.data, "a");
  const end = events.next();
  await writer.write(encoder.encode("\n\n"));
  assert.equal((await end).value?.data, "b");
});

Deno.test("readEvents takes events up to the limit, and any number of them in one piece", async () => {
  const longest = `data: ${"x".repeat(50)}\n\n`;
  for (const chunks of chunkings(longest)) assert.equal((await read(chunks, 50)).events.length, 1);
  assert.equal((await read([encoder.encode(longest.repeat(9))], 50)).events.length, 9);
});

Deno.test("readEvents refuses an event over the limit, of one line or many, wherever it is cut", async () => {
  for (
    const text of [
      `data: ${"x".repeat(60)}\n\n`,
      `${"data: xxxxx\n".repeat(12)}\n`,
      `data: ${"x".repeat(60)}`,
    ]
  ) {
    for (const chunks of chunkings(`data: before\n\n${text}`)) {
      const events = readEvents(streamOf(chunks), { maxBytes: 50 });
      assert.equal((await events.next()).value?.data, "before");
      await assert.rejects(events.next(), (error) => {
        assert(error instanceof TooLargeError);
        assert.equal(error.message, "The server sent an event longer than 50 bytes (--maxMessageSize)");
        return true;
      });
    }
  }
});

Deno.test("readEvents does not count comments, however long a stream is idle", async () => {
  const comments = Array.from({ length: 100 }, () => encoder.encode(": still here\n\n"));
  const { events } = await read([...comments, encoder.encode("data: a\n\n")], 20);
  assert.equal(events.length, 1);
});

Deno.test("readEvents throws what the stream throws, and lets go of it when its reader stops", async () => {
  const broken = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.error(new Error("broken")),
  });
  await assert.rejects(readEvents(broken, { maxBytes: 9 }).next(), /broken/);
  const cancelled = Promise.withResolvers<void>();
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(encoder.encode("data: a\n\n")),
    cancel: () => cancelled.resolve(),
  });
  for await (const _ of readEvents(endless, { maxBytes: 9 })) break;
  await cancelled.promise;
});

Deno.test("readEvents gives small events that do not keep the rest of their chunk alive", async () => {
  const [small, large] = ["x".repeat(200), "y".repeat(60_000)];
  const ways: Record<string, string[]> = {
    "in one chunk": [`data: ${large}\n\nid: ${small}\ndata: ${small}\n\n`],
    "with the end in another chunk": [`data: ${large}\n\nid: ${small}\ndata: ${small}\n`, "\n"],
    "cut in two": [`data: ${large}\n\nid: ${small}\ndata: ${small.slice(50)}`, `${small.slice(-50)}\n\n`],
  };
  for (const [how, texts] of Object.entries(ways)) {
    const chunks = texts.map((text) => encoder.encode(text));
    const before = Deno.memoryUsage().heapUsed;
    const kept: (ReceivedEvent | undefined)[] = [];
    for (let count = 0; count < 3_000; count++) kept.push((await read(chunks, 100_000)).events[1]);
    const grown = Deno.memoryUsage().heapUsed - before;
    assert(kept.every((event) => event?.data === small && event.id === small));
    // All chunks together are 180 MB.
    assert(grown < 90e6, `${how}: ${grown} bytes`);
  }
});

Deno.test("readEvents counts what an event of many lines holds, and no comments", async () => {
  const lines = (text: string) => Array.from({ length: 2_000 }, () => encoder.encode(text));
  const maxBytes = 1_500 * 64;
  const few = encoder.encode("data:\n".repeat(1_400) + "\n");
  assert.equal((await read([few, few], maxBytes)).events.length, 2);
  assert.equal((await read([...lines(":\n"), ...lines(": data\n"), few], maxBytes)).events.length, 1);
  for (const many of [lines("data:\n"), lines("da").flatMap((piece) => [piece, encoder.encode("ta\r")])]) {
    await assert.rejects(read([...many, encoder.encode("\n")], maxBytes), TooLargeError);
  }
});
