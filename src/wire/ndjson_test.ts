import assert from "node:assert/strict";
import { TooLargeError } from "../core/errors.ts";
import { encodeLine, LineDecoder } from "./ndjson.ts";
import { request } from "../../tests/support/messages.ts";

const encoder = new TextEncoder();

/** Every line of the bytes when they come in these chunks. */
function decode(chunks: readonly Uint8Array[], maxBytes = 1000): string[] {
  const decoder = new LineDecoder(maxBytes);
  return [...chunks.flatMap((chunk) => decoder.push(chunk)), ...decoder.end()];
}

/** The bytes of a text in one piece, byte by byte, and cut in two at each byte. */
function chunkings(text: string): Uint8Array[][] {
  const bytes = encoder.encode(text);
  const cuts = Array.from(bytes, (_, at) => [bytes.subarray(0, at), bytes.subarray(at)]);
  return [[bytes], Array.from(bytes, (byte) => Uint8Array.of(byte)), ...cuts];
}

Deno.test("LineDecoder finds the same lines wherever the bytes are cut, within characters too", () => {
  const text = '{"a":"ä€😀"}\n\r\n{"b":"\\n"}\r\n  \n\n"ü"\n{"last":"ß"}';
  const lines = ['{"a":"ä€😀"}', '{"b":"\\n"}', '"ü"', '{"last":"ß"}'];
  for (const chunks of chunkings(text)) assert.deepEqual(decode(chunks), lines);
});

Deno.test("LineDecoder gives a line as soon as its newline comes", () => {
  const decoder = new LineDecoder(100);
  assert.deepEqual(decoder.push(encoder.encode("on")), []);
  assert.deepEqual(decoder.push(encoder.encode("e\ntwo\nthr")), ["one", "two"]);
  assert.deepEqual(decoder.push(encoder.encode("ee\n")), ["three"]);
  assert.deepEqual(decoder.end(), []);
});

Deno.test("LineDecoder gives nothing for no bytes and for blank lines", () => {
  assert.deepEqual(decode([]), []);
  for (const chunks of chunkings("\n\r\n \t\n\n")) assert.deepEqual(decode(chunks), []);
});

Deno.test("LineDecoder leaves a CR within a line and takes one from its end", () => {
  assert.deepEqual(decode([encoder.encode("a\rb\r\r\n")]), ["a\rb\r"]);
});

Deno.test("LineDecoder replaces bytes that are no UTF-8, and goes on with the next line", () => {
  const bytes = Uint8Array.of(0x61, 0xff, 0x62, 0x0a, ...encoder.encode("next\n"));
  assert.deepEqual(decode([bytes]), ["a\ufffdb", "next"]);
});

Deno.test("LineDecoder takes lines up to its limit in bytes, wherever they are cut", () => {
  for (const chunks of chunkings("12345678\nääää\n\n12345678\n12345678")) {
    assert.deepEqual(decode(chunks, 8), ["12345678", "ääää", "12345678", "12345678"]);
  }
});

Deno.test("LineDecoder refuses a line over its limit in bytes, wherever it is cut", () => {
  for (const long of ["123456789\n", "1\n123456789\n2\n", "ääääa\n2\n", "1\n123456789"]) {
    for (const chunks of chunkings(long)) {
      assert.throws(() => decode(chunks, 8), (error) => {
        assert(error instanceof TooLargeError);
        assert.match(error.message, /longer than 8 bytes/);
        return true;
      });
    }
  }
});

Deno.test("LineDecoder refuses a line without end before it has gathered much of it", () => {
  const decoder = new LineDecoder(100);
  decoder.push(new Uint8Array(60));
  assert.throws(() => decoder.push(new Uint8Array(60)), TooLargeError);
});

/** As `decode`, where a line that is too long is told and left out. */
function decodeTolerantly(chunks: readonly Uint8Array[], maxBytes: number) {
  const told: string[] = [];
  const decoder = new LineDecoder(maxBytes, { onTooLong: ({ message }) => told.push(message) });
  return { lines: [...chunks.flatMap((chunk) => decoder.push(chunk)), ...decoder.end()], told };
}

Deno.test("LineDecoder with onTooLong leaves out a line over its limit, all of it, and tells once, wherever it is cut", () => {
  const told = ["A line is longer than 8 bytes"];
  const texts = {
    'one\n123456789 {"a":1}\ntwo\n': ["one", "two"],
    "ääää\nääääa\n12345678\n": ["ääää", "12345678"],
    "123456789": [],
    "one\n1234567890123456789012345678901234567890": ["one"],
    "one\n1234567890123456789012345678901234567890\r\n\ntwo": ["one", "two"],
  };
  for (const [text, lines] of Object.entries(texts)) {
    for (const chunks of chunkings(text)) {
      assert.deepEqual(decodeTolerantly(chunks, 8), { lines, told }, JSON.stringify(text));
    }
  }
});

Deno.test("LineDecoder with onTooLong tells of each line that it leaves out, and of nothing else", () => {
  const two = decodeTolerantly([encoder.encode("123456789\nab\n123456789\ncd\n")], 8);
  assert.deepEqual([two.lines, two.told.length], [["ab", "cd"], 2]);
  const many = decodeTolerantly([encoder.encode("12345678\n".repeat(10))], 8);
  assert.deepEqual([many.lines.length, many.told], [10, []]);
});

Deno.test("encodeLine puts one message on one line", () => {
  assert.equal(encodeLine({ message: request(1, "ping") }), '{"jsonrpc":"2.0","id":1,"method":"ping"}\n');
});

Deno.test("encodeLine hands on the text as it came, with spaces for raw line ends", () => {
  const message = request(1, "ping");
  assert.equal(encodeLine({ message, text: '{ "as": "it came" }' }), '{ "as": "it came" }\n');
  for (const end of ["\n", "\r", "\r\n", "\n\n"]) {
    const text = `{"jsonrpc":"2.0",${end}"method":"a\\n","params":{"n":1.0,${end}"id":1915883588174806058}}`;
    assert.equal(encodeLine({ message, text }), `${text.replaceAll(/[\r\n]/g, " ")}\n`);
  }
});

Deno.test("encodeLine and LineDecoder are each other's inverse", () => {
  const message = request("ä\n", "tools/call", { text: "line\r\nline\u2028line" });
  const [line = "", ...more] = decode([encoder.encode(encodeLine({ message }))]);
  assert.deepEqual(JSON.parse(line), message);
  assert.deepEqual(more, []);
});

Deno.test("LineDecoder decodes as a whole what comes in pieces, broken characters and byte order marks too", () => {
  const cases: number[][] = [
    [0xe2, 0x82, 0x61, 0x0a],
    [0xf0, 0x9f, 0x98, 0x0a, 0x61],
    [0xc3, 0xff, 0xe2, 0x82, 0xac, 0x0a, 0xf0],
    [0xef, 0xbb, 0xbf, 0x61, 0x0a, 0x62, 0xef, 0xbb, 0xbf, 0x63],
  ];
  const plain = new TextDecoder("utf-8", { ignoreBOM: true });
  for (const values of cases) {
    const bytes = Uint8Array.from(values);
    const lines = plain.decode(bytes).split("\n").map((line) => line.replace(/^\ufeff/, ""));
    for (let cut = 0; cut <= bytes.length; cut++) {
      const chunks = [bytes.subarray(0, cut), bytes.subarray(cut)];
      assert.deepEqual(decode(chunks), lines.filter((line) => line !== ""));
    }
  }
});

Deno.test("LineDecoder is done with a chunk when it has it", () => {
  const memory = encoder.encode("ä\nb€");
  const decoder = new LineDecoder(100);
  const lines = decoder.push(memory.subarray(0, memory.length - 1));
  const last = memory.slice(-1);
  memory.fill(0x78);
  assert.deepEqual([...lines, ...decoder.push(last), ...decoder.end()], ["ä", "b€"]);
});

Deno.test("LineDecoder gives small lines that do not keep the rest of their chunk alive", () => {
  const [small, large] = ["x".repeat(200), "y".repeat(60_000)];
  const ways: Record<string, (decoder: LineDecoder) => string | undefined> = {
    "before it": (decoder) => decoder.push(encoder.encode(`${small}\n${large}\n`))[0],
    "behind it, with the newline in another chunk": (decoder) => {
      decoder.push(encoder.encode(`${large}\n${small}`));
      return decoder.push(encoder.encode("\n"))[0];
    },
    "behind it, cut in two": (decoder) => {
      decoder.push(encoder.encode(`${large}\n${small.slice(50)}`));
      return decoder.push(encoder.encode(`${small.slice(-50)}\n${large}\n`))[0];
    },
    "behind it, at the end": (decoder) => {
      decoder.push(encoder.encode(`${large}\n${small}`));
      return decoder.end()[0];
    },
  };
  for (const [where, lineOf] of Object.entries(ways)) {
    const before = Deno.memoryUsage().heapUsed;
    const kept = Array.from({ length: 3_000 }, () => lineOf(new LineDecoder(1 << 20)));
    const grown = Deno.memoryUsage().heapUsed - before;
    assert(kept.every((line) => line === small));
    // All chunks together are 180 MB.
    assert(grown < 90e6, `${where}: ${grown} bytes`);
  }
});
