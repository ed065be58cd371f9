/** The pieces of the built-in load generator that read bytes and text. */
import assert from "node:assert/strict";
import { Mailbox } from "./caller.ts";
import { WrongAnswerError } from "./calls.ts";
import { header, joinChunks } from "./http_connection.ts";
import { chunks, eventData } from "./sse_callers.ts";
import { decodeFrames, encodeFrame } from "./websocket_connection.ts";

Deno.test("header finds a value whatever its case", () => {
  const head = "HTTP/1.1 200 OK\r\nMcp-Session-Id: abc\r\ncontent-length:5\r\n";
  assert.equal(header(head, "mcp-session-id"), "abc");
  assert.equal(header(head, "Content-Length"), "5");
  assert.equal(header(head, "length"), undefined);
});

Deno.test("joinChunks joins a whole body and waits for the rest of another", () => {
  assert.equal(joinChunks("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"), "abcde");
  assert.equal(joinChunks("3\r\nabc\r\n2\r\nd"), undefined);
  assert.equal(joinChunks("5\r\n0\r\n\r\n"), undefined);
});

Deno.test("eventData reads events whatever pieces they come in", async () => {
  const body = ": hello\n\nevent: endpoint\ndata: /message?sessionId=1\n\nid: 7\r\ndata:{}\r\n\r\n";
  const sent = Array.from(
    { length: body.length / 5 + 1 },
    (_, index) => body.slice(index * 5, index * 5 + 5),
  );
  const wire = sent.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`).join("") + "0\r\n\r\n";
  for (const size of [1, 7, wire.length]) {
    let at = 0;
    const stream = { read: () => Promise.resolve(wire.slice(at, at += size)) };
    assert.deepEqual(await Array.fromAsync(eventData(chunks(stream, ""))), ["/message?sessionId=1", "{}"]);
  }
});

Deno.test("decodeFrames reads frames of every length, and keeps what is not whole", () => {
  for (const length of [0, 125, 126, 65_535, 65_536]) {
    const payload = new Uint8Array(length).fill(7);
    const wire = new Uint8Array([...serverFrame(payload), ...serverFrame(payload).subarray(0, 1)]);
    const { frames, rest } = decodeFrames(wire);
    assert.deepEqual(frames.map(({ opcode, payload }) => [opcode, payload.length]), [[1, length]]);
    assert.equal(rest.length, 1);
    assert.equal(decodeFrames(serverFrame(payload).subarray(0, -1)).frames.length, 0);
  }
});

/** A client's frame without its mask, which is the four zeros before the payload. */
function serverFrame(payload: Uint8Array): Uint8Array {
  const frame = encodeFrame(1, payload);
  const head = frame.subarray(0, frame.length - payload.length - 4);
  head[1] = (head[1] ?? 0) & 0x7f;
  return new Uint8Array([...head, ...payload]);
}

Deno.test("Mailbox brings each answer to who asked, and refuses one that nobody asked for", async () => {
  const mailbox = new Mailbox();
  const [first, second, third] = [1, 2, 3].map((id) => mailbox.expect(id));
  const lost = assert.rejects(third ?? Promise.resolve(), WrongAnswerError);
  await mailbox.deliverAll((async function* () {
    yield '{"id":2,"result":{}}';
    yield '{"method":"notifications/message"}';
    yield '{"id":1,"result":{}}';
    yield '{"id":2,"result":{}}';
  })());
  assert.equal(await first, '{"id":1,"result":{}}');
  assert.equal(await second, '{"id":2,"result":{}}');
  await lost;
  await assert.rejects(mailbox.expect(4), WrongAnswerError);
});
