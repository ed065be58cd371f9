import assert from "node:assert/strict";
import type { ByteStream } from "../wire/byte_stream.ts";
import { type AnswerOptions, writeAnswer } from "./answer.ts";

const decoder = new TextDecoder();

/** What is written for a response, the date aside. */
async function written(response: Response, options: Partial<AnswerOptions> = {}): Promise<string> {
  const { stream, text } = target();
  await writeAnswer(stream, response, { fieldsOnly: false, last: false, ...options });
  return text().replace(/date: .*GMT\r\n/, "");
}

/** Takes a few bytes at a time. */
function target() {
  let text = "";
  const stream: ByteStream = {
    read: () => Promise.resolve(null),
    write(bytes) {
      const taken = bytes.subarray(0, 7);
      text += decoder.decode(taken);
      return Promise.resolve(taken.length);
    },
    close: () => {},
  };
  return { stream, text: () => text };
}

function chunks(...texts: readonly string[]): ReadableStream<Uint8Array> {
  return ReadableStream.from(texts.map((text) => new TextEncoder().encode(text)));
}

const JSON_TYPE = { "Content-Type": "application/json" };

Deno.test("writeAnswer gives a body of one piece its length, and one of several in chunks", async () => {
  assert.equal(
    await written(new Response('{"a":1}', { headers: JSON_TYPE })),
    'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 7\r\n\r\n{"a":1}',
  );
  assert.equal(
    await written(new Response(chunks("one", "", "eleven char"), { status: 404 })),
    "HTTP/1.1 404 Not Found\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\nb\r\neleven char\r\n0\r\n\r\n",
  );
  assert.equal(
    await written(new Response(null, { status: 202 })),
    "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n",
  );
});

Deno.test("writeAnswer does not wait for the second event of a stream", async () => {
  const events = Promise.withResolvers<ReadableStreamDefaultController<Uint8Array>>();
  const body = new ReadableStream<Uint8Array>({ start: events.resolve });
  const { stream, text } = target();
  const headers = { "Content-Type": "text/event-stream" };
  const writing = writeAnswer(stream, new Response(body, { headers }), { fieldsOnly: false, last: true });
  const controller = await events.promise;
  controller.enqueue(new TextEncoder().encode("data: 1\n\n"));
  while (!text().includes("data: 1")) await new Promise((resolve) => setTimeout(resolve));
  assert.match(text(), /connection: close\r\n/);
  controller.close();
  await writing;
  assert(text().endsWith("\r\n0\r\n\r\n"));
});

Deno.test("writeAnswer gives no body where none may be", async () => {
  const head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain;charset=UTF-8\r\ncontent-length: 1\r\n\r\n";
  assert.equal(await written(new Response("x"), { fieldsOnly: true }), head);
  assert.equal(
    await written(new Response(chunks("x", "y")), { fieldsOnly: true }),
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
  );
  assert.equal(await written(new Response(null, { status: 204 })), "HTTP/1.1 204 No Content\r\n\r\n");
});

Deno.test("writeAnswer cancels the body of a client that is gone, whichever way that is told", async () => {
  const cancelled: string[] = [];
  const endless = (name: string) =>
    new ReadableStream<Uint8Array>({
      pull: (controller) =>
        name === "silent" ? new Promise(() => {}) : controller.enqueue(new Uint8Array(100)),
      cancel: () => void cancelled.push(name),
    });
  const broken: ByteStream = {
    ...target().stream,
    write: () => Promise.reject(new Deno.errors.BrokenPipe()),
  };
  const options = { fieldsOnly: false, last: false };
  await assert.rejects(writeAnswer(broken, new Response(endless("broken")), options), Deno.errors.BrokenPipe);
  const gone = new AbortController();
  const writing = writeAnswer(target().stream, new Response(endless("silent")), {
    ...options,
    signal: gone.signal,
  });
  gone.abort();
  await writing;
  assert.deepEqual(cancelled, ["broken", "silent"]);
});
