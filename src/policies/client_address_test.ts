import assert from "node:assert/strict";
import { Caller } from "../core/caller.ts";
import { IpNetworks } from "../wire/ip_networks.ts";
import { clientAddress } from "./client_address.ts";

const policy = clientAddress(new IpNetworks(["10.0.0.0/8", "fd00::/8", "192.0.2.7"]));

/** Whom a request comes from. */
function from(headers: Record<string, string>, farEnd: string | undefined = "10.0.0.1"): string | undefined {
  const caller = new Caller({ address: farEnd, drop: () => {} });
  policy(new Request("http://127.0.0.1/mcp", { headers }), caller, () => new Response());
  return caller.address;
}

const list = (text: string) => from({ "X-Forwarded-For": text });
const elements = (text: string) => from({ Forwarded: text });

Deno.test("clientAddress believes nobody but trusted proxies", () => {
  const headers = { "X-Forwarded-For": "203.0.113.9" };
  for (const proxy of ["10.0.0.1", "::ffff:10.0.0.1", "fd12::1%eth0", "192.0.2.7"]) {
    assert.equal(from(headers, proxy), "203.0.113.9", proxy);
  }
  for (const other of ["192.0.2.8", "127.0.0.1", "::1", "nonsense", undefined]) {
    const caller = new Caller({ address: other, drop: () => {} });
    policy(new Request("http://127.0.0.1/", { headers }), caller, () => new Response());
    assert.equal(caller.address, other);
  }
  assert.equal(from({}), "10.0.0.1");
});

Deno.test("clientAddress takes the first from the right that is no trusted proxy", () => {
  const cases = {
    "203.0.113.9": "203.0.113.9",
    "127.0.0.1, 203.0.113.9": "203.0.113.9",
    "127.0.0.1, 203.0.113.9, 10.2.2.2, fd00::5": "203.0.113.9",
    "10.9.9.9, 10.2.2.2": "10.9.9.9",
    "203.0.113.9:4711": "203.0.113.9",
    "[2001:DB8::1]:4711": "2001:db8::1",
    "[2001:db8::1]": "2001:db8::1",
    "2001:db8::1": "2001:db8::1",
    "::ffff:203.0.113.9": "203.0.113.9",
    "::ffff:cb00:7109": "203.0.113.9",
    '"203.0.113.9"': "203.0.113.9",
  };
  for (const [text, address] of Object.entries(cases)) assert.equal(list(text), address, text);
});

Deno.test("clientAddress falls back to the last good address where something is none", () => {
  const cases = {
    unknown: "10.0.0.1",
    "203.0.113.9, unknown": "10.0.0.1",
    "203.0.113.9, unknown, 10.3.3.3": "10.3.3.3",
    "203.0.113.9, , 10.3.3.3": "10.3.3.3",
    "203.0.113.9, 010.1.1.1": "10.0.0.1",
    "203.0.113.9, 1.2.3.4.5": "10.0.0.1",
    "203.0.113.9, 1.2.3.4:99:5": "10.0.0.1",
    ",": "10.0.0.1",
  };
  for (const [text, address] of Object.entries(cases)) assert.equal(list(text), address, text);
});

Deno.test("clientAddress reads Forwarded as RFC 7239 has it", () => {
  const cases = {
    "for=203.0.113.9": "203.0.113.9",
    "For=203.0.113.9;proto=https;by=10.0.0.1": "203.0.113.9",
    'for="[2001:db8::1]:4711";host="a,b;c"': "2001:db8::1",
    'proto=http; for="203.0.113.9:80"': "203.0.113.9",
    "for=127.0.0.1, for=203.0.113.9, for=10.2.2.2": "203.0.113.9",
    'for=127.0.0.1,for="[fd00::7]"': "127.0.0.1",
    "for=203.0.113.9, for=_hidden": "10.0.0.1",
    "for=203.0.113.9, for=unknown, for=10.4.4.4": "10.4.4.4",
    "for=203.0.113.9, proto=https": "10.0.0.1",
    "for=203.0.113.9, nonsense": "10.0.0.1",
    'for="203.0.113.\\9"': "203.0.113.9",
    'host="a;for=9.9.9.9";for=1.2.3.4': "1.2.3.4",
    'by="x;for=9.9.9.9;y";for=1.2.3.4': "1.2.3.4",
    'host="\\";for=9.9.9.9;x=\\"";for=1.2.3.4': "1.2.3.4",
    'host="a;for=9.9.9.9"': "10.0.0.1",
    // Which of the two it is nobody can say.
    "for=9.9.9.9;for=1.2.3.4": "10.0.0.1",
    "for=9.9.9.9;proto=http;FOR=9.9.9.9, for=10.4.4.4": "10.4.4.4",
  };
  for (const [text, address] of Object.entries(cases)) assert.equal(elements(text), address, text);
});

Deno.test("clientAddress lets no open quote on the left swallow what the proxy has added", () => {
  for (
    const spoof of [
      'for="',
      'for="1.1.1.1',
      'for=1.1.1.1;x="',
      'for="\\"',
      '"',
      ',,"',
      'for=1.1.1.1;x=", for=',
    ]
  ) {
    assert.equal(elements(`${spoof}, for=203.0.113.9`), "203.0.113.9", spoof);
    assert.equal(elements(`${spoof}, for="[2001:db8::1]:80";proto=https`), "2001:db8::1", spoof);
  }
});

Deno.test("clientAddress refuses two headers that name different callers, and takes two that agree", () => {
  const both = { "X-Forwarded-For": "127.0.0.1, 203.0.113.9", Forwarded: "for=203.0.113.9" };
  assert.equal(from(both), "203.0.113.9");
  for (const Forwarded of ["for=198.51.100.1", "for=127.0.0.1", "nonsense"]) {
    assert.throws(() => from({ ...both, Forwarded }), { status: 400, message: /name different callers$/ });
  }
});

Deno.test("clientAddress reads no more than the right end of what is very long", () => {
  assert.equal(list(`${"1.1.1.1, ".repeat(8_000)}203.0.113.9`), "203.0.113.9");
  assert.equal(elements(`${"for=1.1.1.1, ".repeat(8_000)}for=203.0.113.9`), "203.0.113.9");
  assert.equal(elements(`${'",'.repeat(30_000)}`), "10.0.0.1");
  assert.match(list("10.5.5.5, ".repeat(8_000) + "10.5.5.5") ?? "", /^10\.5\.5\.5$/);
});
