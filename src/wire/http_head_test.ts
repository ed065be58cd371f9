import assert from "node:assert/strict";
import { RequestError } from "../core/errors.ts";
import type { ByteStream } from "./byte_stream.ts";
import { encodeHead, fieldOf, membersOf, readHead } from "./http_head.ts";
import { assertLinear } from "../../tests/support/processor_time.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Gives these pieces one by one, then its end. */
function stream(...pieces: readonly Uint8Array[]): ByteStream {
  const left = pieces.filter(({ length }) => length > 0);
  return {
    read(into) {
      const piece = left.shift();
      if (!piece) return Promise.resolve(null);
      const taken = piece.subarray(0, into.length);
      into.set(taken);
      if (taken.length < piece.length) left.unshift(piece.subarray(taken.length));
      return Promise.resolve(taken.length);
    },
    write: ({ length }) => Promise.resolve(length),
    close: () => {},
  };
}

const GET = "GET /mcp HTTP/1.1\r\nHost: a\r\nX-Two:  b \r\nx-two: c\r\n\r\n";

Deno.test("readHead finds the head and what is behind it, wherever the bytes are cut", async () => {
  const bytes = encoder.encode(`${GET}{"body":1}`);
  for (let cut = 0; cut <= bytes.length; cut++) {
    const received = await readHead(stream(bytes.subarray(0, cut), bytes.subarray(cut)), 1024);
    const { line, fields } = received!.head;
    assert.equal(line, "GET /mcp HTTP/1.1");
    assert.deepEqual(fields, [["host", "a"], ["x-two", "b"], ["x-two", "c"]]);
    assert.equal(decoder.decode(received!.bytes), GET);
    assert('{"body":1}'.startsWith(decoder.decode(received!.rest)));
  }
  const byByte = await readHead(stream(...[...bytes].map((byte) => Uint8Array.of(byte))), 1024);
  assert.equal(byByte?.rest.length, 0);
});

Deno.test("readHead takes lines that end with LF alone, and every byte of a value", async () => {
  const value = Uint8Array.of(0x80, 0x9f, 0xff);
  const received = await readHead(
    stream(encoder.encode("GET / HTTP/1.1\nA: "), value, encoder.encode("\n\nrest")),
    1024,
  );
  assert.deepEqual(received?.head.fields, [["a", "\x80\x9f\xff"]]);
  assert.equal(decoder.decode(received?.rest), "rest");
  assert.deepEqual(encodeHead(received!.head).subarray(19, 22), value);
});

Deno.test("readHead leaps over empty lines in front, which count", async () => {
  const received = await readHead(stream(encoder.encode("\r"), encoder.encode(`\n\n\r\n${GET}rest`)), 1024);
  assert.equal(received?.head.line, "GET /mcp HTTP/1.1");
  assert.equal(decoder.decode(received?.bytes), GET);
  assert.equal(decoder.decode(received?.rest), "rest");
  assert.equal(await readHead(stream(encoder.encode("\r\n\r\n")), 1024), undefined);
  const endless = { ...stream(), read: (into: Uint8Array) => Promise.resolve(into.fill(0x0a).length) };
  await assert.rejects(readHead(endless, 100_000), RequestError);
});

Deno.test("readHead is undefined at the end of a stream, and refuses half a head", async () => {
  assert.equal(await readHead(stream(), 1024), undefined);
  await assert.rejects(readHead(stream(encoder.encode("GET / HT")), 1024), RequestError);
});

Deno.test("readHead refuses a head over its limit as soon as it is known, and none below", async () => {
  const fits = `GET / HTTP/1.1\r\nA: ${"x".repeat(1000)}\r\n\r\n`;
  assert(await readHead(stream(encoder.encode(fits)), fits.length));
  await assert.rejects(readHead(stream(encoder.encode(fits)), fits.length - 1), (error) => {
    assert(error instanceof RequestError);
    assert.equal(error.status, 431);
    return true;
  });
  const endless = { ...stream(), read: (into: Uint8Array) => Promise.resolve(into.fill(0x61).length) };
  await assert.rejects(readHead(endless, 100_000), RequestError);
});

Deno.test("readHead refuses fields that readers understand in several ways", async () => {
  for (
    const field of [
      "no colon",
      "A : b",
      " folded: b",
      "A\0: b",
      ": b",
      "A: b\0c",
      "Ä: b",
      "A: b\rC: d",
      "A: b\r\n ",
    ]
  ) {
    const head = encoder.encode(`GET / HTTP/1.1\r\n${field}\r\n\r\n`);
    await assert.rejects(readHead(stream(head), 1024), RequestError, JSON.stringify(field));
  }
});

Deno.test("fieldOf and membersOf read a field that comes several times as one", () => {
  const head = { line: "", fields: [["upgrade", "WebSocket, h2c"], ["upgrade", " x ,"]] as const };
  assert.equal(fieldOf(head, "upgrade"), "WebSocket, h2c,  x ,");
  assert.equal(fieldOf(head, "host"), undefined);
  assert.deepEqual(membersOf(head, "upgrade"), ["websocket", "h2c", "x"]);
  assert.deepEqual(membersOf(head, "connection"), []);
});

Deno.test("readHead takes white space within a value for a part of it, in whatever amount", async () => {
  await assertLinear(7_500, (size) => {
    const value = `a${" \t".repeat(size)}b`;
    const bytes = encoder.encode(`GET / HTTP/1.1\r\nA: \t${value}\t \r\nB: \t \r\nC:\r\n\r\n`);
    return async () => {
      const received = await readHead(stream(bytes), 200_000);
      assert.deepEqual(received?.head.fields, [["a", value], ["b", ""], ["c", ""]]);
    };
  });
});

Deno.test("readHead refuses more fields than the runtime takes", async () => {
  const headOf = (count: number) => `GET / HTTP/1.1\r\n${"a: b\r\n".repeat(count)}\r\n`;
  const received = await readHead(stream(encoder.encode(headOf(100))), 100_000);
  assert.equal(received?.head.fields.length, 100);
  await assert.rejects(readHead(stream(encoder.encode(headOf(101))), 100_000), (error) => {
    assert(error instanceof RequestError);
    assert.equal(error.status, 431);
    assert.match(error.message, /101 fields.* 100/);
    return true;
  });
});
