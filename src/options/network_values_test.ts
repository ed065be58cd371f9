import assert from "node:assert/strict";
import type * as z from "zod";
import {
  baseUrl,
  corsOrigin,
  headerLine,
  hostHeader,
  httpPath,
  listenHost,
  origin,
} from "./network_values.ts";

function refusal(type: z.ZodType, value: unknown): string {
  const result = type.safeParse(value);
  assert.equal(result.success, false, `${JSON.stringify(value)} was accepted`);
  return result.error?.issues[0]?.message ?? "";
}

Deno.test("listenHost takes names and addresses, and drops the brackets of IPv6", () => {
  for (const host of ["127.0.0.1", "0.0.0.0", "::", "::1", "localhost", "my-host.example.com", "a_b"]) {
    assert.equal(listenHost().parse(host), host);
  }
  assert.equal(listenHost().parse("[::1]"), "::1");
});

Deno.test("listenHost refuses URLs, ports and broken addresses", () => {
  for (
    const host of [
      "",
      "http://a",
      "a:80",
      "1.2.3.4.5",
      "256.0.0.1",
      "a b",
      "-a",
      "[a]",
      "*",
      "a..b",
      "::1:80:::",
    ]
  ) {
    assert.match(refusal(listenHost(), host), /^expected a host name or an IP address/);
  }
});

Deno.test("hostHeader writes a host as clients send it", () => {
  assert.equal(hostHeader().parse("App.Example.COM"), "app.example.com");
  assert.equal(hostHeader().parse("app.example.com:8443"), "app.example.com:8443");
  assert.equal(hostHeader().parse("::1"), "[::1]");
  assert.equal(hostHeader().parse("0:0::1"), "[::1]");
  assert.equal(hostHeader().parse("*"), "*");
  assert.equal(hostHeader().parse("[::1]:80"), "[::1]:80");
  assert.equal(hostHeader().parse("10.0.0.1:80"), "10.0.0.1:80");
});

Deno.test("hostHeader refuses URLs, paths and impossible ports", () => {
  for (
    const host of ["", "https://a", "a/b", "a:99999", "a:", "a:b", "[::1", "[a]", "*.a", "300.1.1.1"]
  ) {
    assert.match(refusal(hostHeader(), host), /^expected \* or a host, such as/);
  }
});

Deno.test("httpPath takes a path as a request's URL has it", () => {
  for (const path of ["/", "/mcp", "/a/b-c_d.e~f", "/a%20b", "/mcp/"]) {
    assert.equal(httpPath().parse(path), path);
  }
});

Deno.test("httpPath refuses what no request's path equals, and patterns", () => {
  const paths = [
    "",
    "mcp",
    "/a b",
    "/a?b",
    "/a#b",
    "/../a",
    "/a/./b",
    "//a/b",
    "/é",
    "/:id",
    "/*",
    "/a\\b",
    "/{a}",
  ];
  for (const path of [...paths, "http://a/b"]) {
    assert.match(refusal(httpPath(), path), /^expected a path that begins with "\/"/);
  }
});

Deno.test("baseUrl takes nothing, a URL or a path, and drops the last slash", () => {
  const cases = {
    "": "",
    "/": "",
    "/api/": "/api",
    "https://a.example": "https://a.example",
    "http://a.example:8000/x/": "http://a.example:8000/x",
  };
  for (const [text, base] of Object.entries(cases)) assert.equal(baseUrl().parse(text), base);
});

Deno.test("baseUrl refuses other schemes, queries, credentials and bare names", () => {
  for (
    const text of ["a.example", "ftp://a", "https://a?b", "https://a/#b", "https://u:p@a", "https://", "/a?b"]
  ) {
    assert.match(refusal(baseUrl(), text), /^expected an http\(s\) URL or a path/);
  }
});

Deno.test("origin writes an origin as browsers send it", () => {
  assert.equal(origin().parse("https://App.Example.com:443"), "https://app.example.com");
  assert.equal(origin().parse("http://localhost:3000"), "http://localhost:3000");
  assert.equal(origin().parse("*"), "*");
  assert.equal(origin().parse("chrome-extension://AbC"), "chrome-extension://abc");
  for (const text of ["null", "file://", "vscode-webview://"]) assert.equal(origin().parse(text), text);
  assert.equal(origin().parse("Tauri://"), "tauri://");
});

Deno.test("origin suggests the right form of what is nearly one", () => {
  assert.match(refusal(origin(), "https://a.example/path"), /such as https:\/\/a\.example, or \*$/);
  assert.match(refusal(origin(), "https://a.example/"), /such as https:\/\/a\.example, or \*$/);
  assert.match(refusal(origin(), "a.example"), /such as https:\/\/a\.example, or \*$/);
  assert.match(refusal(origin(), "localhost:3000"), /such as https:\/\/localhost:3000, or \*$/);
  for (const text of ["", "NULL", "foo", "https://", "HTTP://", "://", "https://*.example.com", "/x/"]) {
    assert.equal(refusal(origin(), text), "expected an origin such as https://app.example.com, or *");
  }
});

Deno.test("corsOrigin takes a star, origins and regular expressions", () => {
  assert.equal(corsOrigin().parse("*"), "*");
  assert.equal(corsOrigin().parse("https://a.example"), "https://a.example");
  assert.deepEqual(
    corsOrigin().parse("/^https://[a-z]+\\.example$/"),
    /^(?:^https:\/\/[a-z]+\.example$)$/,
  );
});

Deno.test("corsOrigin matches whole origins, whatever the pattern is made of", () => {
  for (
    const pattern of [
      "https://example\\.com",
      "example\\.com",
      "a|https://example\\.com|b",
      "https://example.com$|x",
    ]
  ) {
    const origin = corsOrigin().parse(`/${pattern}/`);
    assert(origin instanceof RegExp);
    for (
      const evil of [
        "https://example.com.evil.net",
        "https://evil.net/https://example.com",
        "xhttps://example.com",
      ]
    ) {
      assert(!origin.test(evil), `${pattern} ${evil}`);
    }
  }
  for (const escaping of ["/a)|(?:b/", "/a)$|^(b/", "/a\\/", "/(?#)/"]) refusal(corsOrigin(), escaping);
});

Deno.test("corsOrigin refuses a pattern longer than any list of hosts", () => {
  assert.match(
    refusal(corsOrigin(), `/${"a".repeat(501)}/`),
    /between the slashes, of at most 500 characters$/,
  );
});

Deno.test("corsOrigin refuses a bad regular expression instead of taking it for an origin", () => {
  assert.equal(refusal(corsOrigin(), "/[/"), "expected a regular expression between the slashes");
  assert.match(refusal(corsOrigin(), "//"), /or \* or \/regex\/$/);
  assert.match(
    refusal(corsOrigin(), "https://a.example/x"),
    /such as https:\/\/a\.example, or \* or \/regex\/$/,
  );
});

Deno.test("headerLine splits at the first colon", () => {
  assert.deepEqual(headerLine().parse("X-Forwarded: a:b "), ["X-Forwarded", "a:b"]);
  assert.deepEqual(headerLine().parse("A:b"), ["A", "b"]);
});

Deno.test("headerLine names an illegal header and never shows its value", () => {
  assert.match(refusal(headerLine(), "bad name: s3cret"), /"bad name" is no legal name/);
  assert.match(refusal(headerLine(), "A: s3cret\nB: c"), /the value of A has a character/);
  assert.match(refusal(headerLine(), "A: s3cret🔑"), /the value of A has a character/);
  assert.match(refusal(headerLine(), "A:"), /A has no value/);
  const lines = [
    "bad name: s3cret",
    "A: s3cret\nB: c",
    "s3cret",
    ": s3cret",
    "Authorization Bearer s3cret:x",
    "A b s3cret c: d",
  ];
  for (const line of lines) assert.doesNotMatch(refusal(headerLine(), line), /s3cret/);
});
