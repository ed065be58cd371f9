import assert from "node:assert/strict";
import { RequestError } from "../core/errors.ts";
import type { ByteStream } from "../wire/byte_stream.ts";
import type { Head } from "../wire/http_head.ts";
import {
  asLast,
  checkHost,
  plainLength,
  RequestBody,
  requestLineOf,
  requestOf,
  urlOf,
  withoutUpgrade,
} from "./request.ts";

function head(line: string, fields: Readonly<Record<string, string>> = {}): Head {
  return { line, fields: Object.entries({ host: "a.example", ...fields }) };
}

function lengthOf(line: string, fields: Readonly<Record<string, string>> = {}): number | undefined {
  const asked = head(line, fields);
  return plainLength(asked, requestLineOf(asked));
}

Deno.test("requestLineOf takes a line apart, and refuses what is none", () => {
  const line = requestLineOf(head("M-SEARCH * HTTP/1.1"));
  assert.deepEqual(line, { method: "M-SEARCH", target: "*", version: "HTTP/1.1" });
  for (const text of ["", "GET /", "GET  / HTTP/1.1", "GET / HTTP/1", "GET / x HTTP/1.1", "G{T / HTTP/1.1"]) {
    assert.throws(() => requestLineOf(head(text)), RequestError, text);
  }
});

Deno.test("checkHost wants one Host, and HTTP/1.0 need not have it", () => {
  const check = (line: string, hosts: readonly string[]) => {
    const asked: Head = { line, fields: hosts.map((host) => ["host", host]) };
    return () => checkHost(asked, requestLineOf(asked));
  };
  assert.doesNotThrow(check("GET / HTTP/1.1", ["a"]));
  assert.doesNotThrow(check("GET / HTTP/1.1", [""]));
  assert.doesNotThrow(check("GET / HTTP/1.0", []));
  assert.throws(check("GET / HTTP/1.1", []), RequestError);
  assert.throws(check("GET / HTTP/1.1", ["a", "a"]), RequestError);
  assert.throws(check("GET / HTTP/1.0", ["a", "b"]), RequestError);
});

Deno.test("plainLength knows a body's length, and leaves to the runtime what can be read in two ways", () => {
  assert.equal(lengthOf("GET /mcp HTTP/1.1"), 0);
  assert.equal(lengthOf("GET /mcp HTTP/1.1", { connection: "Keep-Alive, close", "content-length": "0" }), 0);
  assert.equal(lengthOf("POST /mcp HTTP/1.1", { "content-length": "17" }), 17);
  const left: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    "POST / HTTP/1.0": {},
    "GET / HTTP/1.1": { "content-length": "3" },
    "TRACE / HTTP/1.1": {},
    "POST /a HTTP/1.1": { "transfer-encoding": "chunked" },
    "POST /b HTTP/1.1": { "transfer-encoding": "chunked", "content-length": "3" },
    "POST /c HTTP/1.1": { expect: "100-continue" },
    "POST /e HTTP/1.1": { "content-length": "3, 3" },
    "POST /f HTTP/1.1": { "content-length": "+3" },
    "POST /g HTTP/1.1": { "content-length": "-3" },
    "POST /h HTTP/1.1": { "content-length": "0x3" },
    "POST /i HTTP/1.1": { "content-length": "" },
    "POST /j HTTP/1.1": { "content-length": "9".repeat(20) },
    "POST /k HTTP/1.1": { connection: "upgrade" },
  };
  for (const [line, fields] of Object.entries(left)) assert.equal(lengthOf(line, fields), undefined, line);
  const twice: Head = { line: "POST / HTTP/1.1", fields: [["content-length", "1"], ["content-length", "1"]] };
  assert.equal(plainLength(twice, requestLineOf(twice)), undefined);
});

Deno.test("withoutUpgrade takes the wish for another protocol out of a head, and nothing else", () => {
  const wishes: readonly Readonly<Record<string, string>>[] = [
    { connection: "Upgrade, HTTP2-Settings", upgrade: "h2c", "http2-settings": "AAM" },
    { connection: "upgrade", upgrade: "TLS/1.3, other" },
    { upgrade: "websocket" },
    { connection: "upgrade" },
  ];
  for (const wish of wishes) {
    const { fields } = withoutUpgrade(head("POST / HTTP/1.1", { ...wish, accept: "*/*" }));
    assert.deepEqual(fields, [["host", "a.example"], ["accept", "*/*"]]);
  }
  const last = { connection: "close, Upgrade, X", upgrade: "h2c" };
  assert.deepEqual(withoutUpgrade(head("GET / HTTP/1.1", last)).fields.at(-1), ["connection", "close, x"]);
  const other = head("GET / HTTP/1.1", { connection: "keep-alive" });
  assert.equal(withoutUpgrade(other), other);
});

Deno.test("asLast has the connection end with a request", () => {
  const kept = head("GET / HTTP/1.1", { connection: "keep-alive", accept: "*/*" });
  assert.deepEqual(asLast(kept).fields, [["host", "a.example"], ["accept", "*/*"], ["connection", "close"]]);
});

Deno.test("urlOf makes a URL of Host and target, and none of what is none", () => {
  const of = (target: string, fields: Readonly<Record<string, string>> = {}) => {
    const asked = head(`GET ${target} HTTP/1.1`, fields);
    return urlOf(asked, requestLineOf(asked), "https")?.href;
  };
  assert.equal(of("/mcp?a=b"), "https://a.example/mcp?a=b");
  assert.equal(of("//evil/mcp"), "https://a.example//evil/mcp");
  assert.equal(of("/%6dcp"), "https://a.example/%6dcp");
  for (const host of ["", " ", "a b", "u@h", "a/b", "a?b", "[", "a:99999", "a, b"]) {
    assert.equal(of("/mcp", { host }), undefined, host);
  }
  for (
    const target of ["*", "mcp", "http://a.example/mcp", "/a/../mcp", "/./mcp", "/a\\mcp", "/mcp#a", "/ä"]
  ) {
    assert.equal(of(target), undefined, target);
  }
});

Deno.test("requestOf is what the runtime would make, and refuses fields that it cannot have", () => {
  const url = new URL("http://a.example/mcp");
  const gone = new AbortController();
  const leaving = () => gone.signal;
  const asked = requestOf({
    head: head("POST /mcp HTTP/1.1", { "x-a": "\xe4" }),
    method: "POST",
    url,
    leaving,
  });
  assert.equal(asked.url, url.href);
  assert.equal(asked.headers.get("host"), "a.example");
  assert.equal(asked.headers.get("x-a"), "\xe4");
  assert.equal(asked.signal, gone.signal);
});

Deno.test("RequestBody reads its length and not a byte more, and tells of one that breaks off", async () => {
  const bytes = new TextEncoder().encode("12345next");
  let at = 0;
  const source: ByteStream = {
    read(into) {
      if (at === bytes.length) return Promise.resolve(null);
      const taken = bytes.subarray(at, at + Math.min(3, into.length));
      into.set(taken);
      at += taken.length;
      return Promise.resolve(taken.length);
    },
    write: () => Promise.resolve(0),
    close: () => {},
  };
  const body = new RequestBody(source, 5);
  assert.equal(at, 0);
  assert.equal(body.complete, false);
  assert.equal(await new Response(body.stream).text(), "12345");
  assert.equal(at, 5);
  assert.equal(body.complete, true);
  await assert.rejects(new Response(new RequestBody(source, 5).stream).text(), RequestError);
});

Deno.test("RequestBody gives a small piece no more memory than it needs, and tells once that it is complete", async () => {
  const pieces = ["a", "bc", "d".repeat(97)];
  const source: ByteStream = {
    read: (into) => {
      const piece = pieces.shift();
      if (piece === undefined) return Promise.resolve(null);
      return Promise.resolve(new TextEncoder().encodeInto(piece, into).written);
    },
    write: () => Promise.reject(new Error("Nobody writes")),
    close: () => {},
  };
  const body = new RequestBody(source, 100);
  let told = 0;
  body.onComplete = () => told++;
  const read: Uint8Array[] = [];
  for await (const piece of body.stream) {
    assert.equal(told, read.length === 2 ? 1 : 0);
    read.push(piece);
  }
  assert.deepEqual(read.map((piece) => new TextDecoder().decode(piece)), ["a", "bc", "d".repeat(97)]);
  assert.deepEqual(read.map(({ buffer }) => buffer.byteLength), [1, 2, 97]);
});
