import assert from "node:assert/strict";
import { RequestError } from "../core/errors.ts";
import { originGuard, type OriginOptions } from "./origin.ts";

type Case = [host: string, origin?: string];

function guard(options: Partial<OriginOptions> = {}): (request: Request) => void {
  return originGuard({ host: "127.0.0.1", allowedHosts: [], allowedOrigins: [], ...options });
}

function requestOf([host, origin]: Case): Request {
  // Set by hand, as a server does: the constructor keeps Host for itself in a browser only.
  const headers = new Headers({ host });
  if (origin !== undefined) headers.set("origin", origin);
  return new Request("http://127.0.0.1:8000/mcp", { headers });
}

function allows(check: (request: Request) => void, cases: readonly Case[]): void {
  for (const each of cases) assert.doesNotThrow(() => check(requestOf(each)), JSON.stringify(each));
}

/** Each case is refused with 403 and a reason that names the header at fault. */
function refuses(check: (request: Request) => void, header: "Host" | "Origin", cases: readonly Case[]): void {
  for (const each of cases) {
    assert.throws(() => check(requestOf(each)), (error) => {
      assert(error instanceof RequestError);
      assert.equal(error.status, 403);
      assert(error.message.startsWith(`Forbidden: ${header} "`), error.message);
      return true;
    }, JSON.stringify(each));
  }
}

Deno.test("originGuard lets in every name of this machine, with or without a port", () => {
  allows(guard(), [
    ["localhost"],
    ["localhost:8000"],
    ["LocalHost:1"],
    ["127.0.0.1"],
    ["127.0.0.1:8000"],
    ["127.1.2.3:80"],
    ["[::1]"],
    ["[::1]:8000"],
    ["[0:0:0:0:0:0:0:1]:8000"],
  ]);
});

Deno.test("originGuard refuses every other host of a gateway that is bound to loopback", () => {
  for (const host of ["127.0.0.1", "localhost", "::1"]) {
    refuses(guard({ host }), "Host", [
      ["evil.example"],
      ["evil.example:8000"],
      ["localhost.evil.example"],
      ["127.0.0.1.evil.example"],
      ["notlocalhost"],
      ["foo.localhost"],
      ["192.168.0.5:8000"],
      ["0.0.0.0:8000"],
      ["128.0.0.1"],
      ["[::2]:8000"],
      ["[::ffff:192.168.0.5]"],
    ]);
  }
});

Deno.test("originGuard refuses a Host that is no host, also when a URL parser finds one in it", () => {
  refuses(guard(), "Host", [
    [""],
    [":8000"],
    ["localhost:port"],
    ["localhost:99999"],
    ["evil.example@localhost"],
    ["localhost/evil.example"],
    ["localhost\\evil.example"],
    ["localhost?evil.example"],
    ["localhost#evil.example"],
    ["local host"],
    ["localhost, evil.example"],
    ["::1"],
    ["[::1"],
    ["null"],
    ["*"],
  ]);
});

Deno.test("originGuard lets in an origin of this machine on any port and scheme", () => {
  allows(guard(), [
    ["localhost:8000", "http://localhost:8000"],
    ["localhost:8000", "http://localhost:6274"],
    ["127.0.0.1:8000", "http://localhost"],
    ["localhost:8000", "https://127.0.0.1:8443"],
    ["127.0.0.1:8000", "http://[::1]:3000"],
    ["[::1]:8000", "http://[::1]:8000"],
  ]);
});

Deno.test("originGuard refuses foreign origins, opaque ones and garbage", () => {
  refuses(guard(), "Origin", [
    ["localhost:8000", "http://evil.example"],
    ["localhost:8000", "https://localhost.evil.example"],
    ["localhost:8000", "http://localhost:8000.evil.example"],
    ["localhost:8000", "http://evil.example:8000"],
    ["localhost:8000", "http://192.168.0.5:8000"],
    ["localhost:8000", "null"],
    ["localhost:8000", ""],
    ["localhost:8000", "localhost"],
    ["localhost:8000", "//localhost"],
    ["localhost:8000", "http://"],
    ["localhost:8000", "http://evil.example@localhost"],
    ["localhost:8000", "http://localhost@evil.example"],
    ["localhost:8000", "http://localhost http://evil.example"],
    ["localhost:8000", "file:///etc/passwd"],
    ["localhost:8000", "*"],
  ]);
});

Deno.test("originGuard widens hosts by name, by name and port, and by *", () => {
  const check = guard({ allowedHosts: ["mcp.example", "other.example:8443", "[::2]"] });
  allows(check, [
    ["mcp.example"],
    ["mcp.example:1234"],
    ["MCP.Example"],
    ["other.example:8443"],
    ["Other.Example:8443"],
    ["[::2]:8000"],
    ["localhost"],
  ]);
  refuses(check, "Host", [["other.example"], ["other.example:8000"], ["sub.mcp.example"], ["*"]]);
  allows(guard({ allowedHosts: ["*"] }), [["evil.example:1"]]);
  refuses(guard({ allowedHosts: ["*"] }), "Host", [["not a host"]]);
});

Deno.test("originGuard lets a page talk to the host that it came from", () => {
  const check = guard({ allowedHosts: ["mcp.example"] });
  allows(check, [
    ["mcp.example:8000", "http://mcp.example:8000"],
    ["mcp.example", "https://mcp.example"],
  ]);
  refuses(check, "Origin", [
    ["mcp.example:8000", "http://mcp.example:9000"],
    ["mcp.example", "http://localhost"],
    ["localhost", "http://mcp.example"],
  ]);
});

Deno.test("originGuard widens origins by value, by pattern and by *", () => {
  const check = guard({ allowedOrigins: ["https://app.example", /^https:\/\/\w+\.pages\.example$/] });
  allows(check, [
    ["localhost", "https://app.example"],
    ["localhost", "https://one.pages.example"],
    ["localhost", "https://two.pages.example"],
  ]);
  refuses(check, "Origin", [
    ["localhost", "http://app.example"],
    ["localhost", "https://app.example:8443"],
    ["localhost", "https://app.example.evil.example"],
    ["localhost", "https://pages.example"],
  ]);
  allows(guard({ allowedOrigins: ["*"] }), [["localhost", "http://evil.example"], ["localhost", "null"]]);
});

Deno.test("originGuard asks for the host also where every origin is let in", () => {
  refuses(guard({ allowedOrigins: ["*"] }), "Host", [["evil.example", "http://evil.example"]]);
});

Deno.test("originGuard lets in addresses and its own name on a network address, but no other name", () => {
  for (const host of ["0.0.0.0", "::", "192.168.0.5"]) {
    const check = guard({ host });
    allows(check, [
      ["192.168.0.5:8000"],
      ["10.0.0.1"],
      ["[fe80::1]:8000"],
      ["[::ffff:192.168.0.5]"],
      ["localhost:8000"],
      ["192.168.0.5:8000", "http://192.168.0.5:8000"],
    ]);
    refuses(check, "Host", [["evil.example:8000"], ["5.evil.example"]]);
    refuses(check, "Origin", [["192.168.0.5:8000", "http://192.168.0.6:8000"], ["10.0.0.1", "null"]]);
  }
  allows(guard({ host: "Box.local" }), [["box.local:8000"], ["BOX.LOCAL"]]);
  refuses(guard({ host: "box.local" }), "Host", [["other.local"]]);
});

Deno.test("originGuard takes the host from the URL where there is no such header", () => {
  const check = guard();
  assert.doesNotThrow(() => check(new Request("http://localhost:8000/mcp")));
  assert.throws(() => check(new Request("http://evil.example/mcp")), RequestError);
});

Deno.test("originGuard judges the same after many invented hosts", () => {
  const check = guard();
  for (let count = 0; count < 1000; count++) refuses(check, "Host", [[`host${count}.example`]]);
  allows(check, [["localhost:8000"], ["127.9.9.9"]]);
  refuses(check, "Host", [["host0.example"], ["host999.example"]]);
});
