import assert from "node:assert/strict";
import { IpNetworks } from "../wire/ip_networks.ts";
import { Forwarded } from "./forwarded.ts";

const forwarded = new Forwarded(new IpNetworks(["10.0.0.0/8", "192.0.2.7", "fd00::/8"]));
const PROXY = { farEnd: "10.1.2.3" };

function asked(headers: HeadersInit): Request {
  return new Request("http://127.0.0.1/sse", { headers });
}

Deno.test("Forwarded takes the prefix from trusted proxies alone", () => {
  const request = asked({ "X-Forwarded-Prefix": "/tools/" });
  for (const address of ["10.1.2.3", "::ffff:10.1.2.3", "192.0.2.7", "fd12::1", "fd12::1%eth0"]) {
    assert.equal(forwarded.prefix(request, { farEnd: address }), "/tools", address);
  }
  for (const address of ["192.0.2.8", "11.0.0.1", "fe80::1", "127.0.0.1", "nonsense", undefined]) {
    assert.equal(forwarded.prefix(request, { farEnd: address }), "", address);
  }
  assert.equal(new Forwarded(new IpNetworks([])).prefix(request, PROXY), "");
});

Deno.test("Forwarded takes no prefix that is not a plain path", () => {
  for (
    const prefix of [
      "",
      "/",
      "tools",
      "//evil.example",
      "/a//b",
      "/..",
      "/a/../b",
      "/a?b",
      "/a#b",
      "/%2e",
      "/a b",
    ]
  ) assert.equal(forwarded.prefix(asked({ "X-Forwarded-Prefix": prefix }), PROXY), "", prefix);
  assert.equal(forwarded.prefix(asked({ "X-Forwarded-Prefix": "/outer, /inner" }), PROXY), "/outer");
  assert.equal(forwarded.prefix(asked({ "X-Forwarded-Prefix": `/${"a/".repeat(20)}b` }), PROXY), "");
});

Deno.test("Forwarded makes a URL of scheme, host and prefix, where a host is named", () => {
  const base = (headers: HeadersInit) => forwarded.base(asked(headers), PROXY);
  assert.equal(base({}), undefined);
  assert.equal(base({ "X-Forwarded-Proto": "https" }), undefined);
  assert.equal(base({ "X-Forwarded-Host": "mcp.example" }), "http://mcp.example");
  const all = {
    "X-Forwarded-Host": "mcp.example:8443, b",
    "X-Forwarded-Proto": "HTTPS",
    "X-Forwarded-Prefix": "/a",
  };
  assert.equal(base(all), "https://mcp.example:8443/a");
  assert.equal(
    base({ "X-Forwarded-Host": "[::1]:80", "X-Forwarded-Proto": "javascript" }),
    "http://[::1]:80",
  );
  for (const host of ["a/b", "a@b", "a b", "<b>", "a:b", ""]) {
    assert.equal(base({ "X-Forwarded-Host": host }), undefined);
  }
  assert.equal(forwarded.base(asked(all), { farEnd: "192.0.2.1" }), undefined);
});
