import assert from "node:assert/strict";
import { RequestError } from "../core/errors.ts";
import { nobody } from "../../tests/support/nobody.ts";
import { isOfThisMachine, originGuard, type OriginOptions } from "./origin.ts";

type Case = [host: string, origin?: string];

function guard(options: Partial<OriginOptions> = {}): (request: Request) => void {
  const policy = originGuard({ host: "127.0.0.1", allowedHosts: [], allowedOrigins: [], ...options });
  return (request) => void policy(request, nobody(), () => new Response());
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

type Check = (request: Request) => void;

/** Each case is refused with this status, and a short reason that begins so. */
function throws(
  check: Check,
  cases: readonly Case[],
  { status, reason }: { status: number; reason: string },
): void {
  for (const each of cases) {
    assert.throws(() => check(requestOf(each)), (error) => {
      assert(error instanceof RequestError);
      assert.equal(error.status, status);
      assert(error.message.startsWith(reason), error.message);
      assert(error.message.length < 200);
      return true;
    }, JSON.stringify(each));
  }
}

function refuses(check: Check, header: "Host" | "Origin", cases: readonly Case[]): void {
  throws(check, cases, { status: 403, reason: `Forbidden: ${header} is not allowed` });
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

Deno.test("originGuard answers 400 to a Host that is no host, also when a URL parser finds one in it", () => {
  throws(guard(), [
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
    [`${"a".repeat(100_000)}.example`],
  ], { status: 400, reason: 'Bad Request: Host "' });
});

Deno.test("originGuard lets in a page of this machine on any port", () => {
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
    ["localhost:8000", "tauri://localhost"],
    ["localhost:8000", "capacitor://localhost"],
    ["localhost:8000", "ionic://localhost:8000"],
    ["127.0.0.1:8000", "x://127.0.0.1"],
    ["127.0.0.1:8000", "x://127.0.0.1:8000"],
    ["127.0.0.1:8000", "chrome-extension://[::1]"],
    ["127.0.0.1:8000", "httpx://127.0.0.1"],
    ["127.0.0.1:8000", "ws://127.0.0.1"],
    ["127.0.0.1:8000", "ftp://localhost"],
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
  refuses(check, "Host", [["other.example"], ["other.example:8000"], ["sub.mcp.example"], ["*"], ["null"]]);
  allows(guard({ allowedHosts: ["*"] }), [["evil.example:1"]]);
  throws(guard({ allowedHosts: ["*"] }), [["not a host"]], { status: 400, reason: "Bad Request: Host" });
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

Deno.test("originGuard lets in an app's own scheme by name alone", () => {
  const check = guard({ allowedOrigins: ["tauri://localhost"] });
  allows(check, [["127.0.0.1:8000", "tauri://localhost"]]);
  refuses(check, "Origin", [["127.0.0.1:8000", "tauri://localhost:1"], [
    "127.0.0.1:8000",
    "capacitor://localhost",
  ]]);
});

Deno.test("originGuard lets in all of a scheme that is named without a host, and a page without an origin by name", () => {
  const check = guard({ allowedOrigins: ["null", "vscode-webview://"] });
  allows(check, [["localhost", "null"], ["localhost", "vscode-webview://a.b"]]);
  const foreign = ["file://", "https://vscode-webview", "vscode-webview:a", "xvscode-webview://a"];
  refuses(check, "Origin", foreign.map((origin) => ["localhost", origin]));
});

Deno.test("originGuard refuses an Origin longer than any, whatever is allowed, and shows its beginning", () => {
  const long = `https://${"a".repeat(100_000)}.example`;
  for (const allowedOrigins of [["*"], [long], [/^.*$/], []]) {
    refuses(guard({ allowedOrigins }), "Origin", [["localhost", long]]);
  }
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

Deno.test("originGuard takes the host from the URL where there is no such header, as in HTTP/2", () => {
  const check = guard();
  for (const url of ["http://127.0.0.1:8000/mcp", "https://localhost:8000/mcp"]) {
    assert.doesNotThrow(() => check(new Request(url)));
  }
  assert.throws(() => check(new Request("http://evil.example/mcp")), RequestError);
});

Deno.test("originGuard answers 400 where HTTP/1 names no host, and the runtime puts one in", () => {
  for (const url of ["http://localhost:8000/mcp", "http://localhost/mcp"]) {
    assert.throws(() => guard({ allowedHosts: ["*"] })(new Request(url)), (error) => {
      assert(error instanceof RequestError);
      assert.deepEqual([error.status, error.message], [400, "Bad Request: no Host"]);
      return true;
    });
  }
});

Deno.test("originGuard judges the same after many invented hosts", () => {
  const check = guard();
  for (let count = 0; count < 1000; count++) refuses(check, "Host", [[`host${count}.example`]]);
  allows(check, [["localhost:8000"], ["127.9.9.9"]]);
  refuses(check, "Host", [["host0.example"], ["host999.example"]]);
});

Deno.test("isOfThisMachine wants a loopback address, and no proxy's word for another one", () => {
  const from = (address: string | undefined, headers: Record<string, string> = {}) =>
    isOfThisMachine(new Request("http://h/", { headers }), { farEnd: address });
  for (const own of ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"]) assert(from(own), own);
  for (const other of ["10.0.0.1", "128.0.0.1", "::2", "::ffff:10.0.0.1", "0.0.0.0", ""]) {
    assert(!from(other), other);
  }
  for (const name of ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via"]) {
    assert(!from("127.0.0.1", { [name]: "127.0.0.1" }), name);
  }
  assert(!from(undefined));
});

Deno.test("originGuard tells the log which flag and value would let a request in, and the asker the header alone", () => {
  const refusalOf = (each: Case): RequestError => {
    try {
      guard()(requestOf(each));
    } catch (error) {
      assert(error instanceof RequestError);
      return error;
    }
    throw new assert.AssertionError({ message: "Let in" });
  };
  const host = refusalOf(["gw.example:8443"]);
  assert.equal(host.message, "Forbidden: Host is not allowed");
  assert.equal(
    host.logged,
    'Forbidden: Host "gw.example:8443" is not allowed; --allowedHost gw.example lets it in',
  );
  const origin = refusalOf(["localhost:1", "https://app.example:8443"]);
  assert.equal(origin.message, "Forbidden: Origin is not allowed");
  assert.equal(
    origin.logged,
    'Forbidden: Origin "https://app.example:8443" is not allowed; --allowedOrigin https://app.example:8443 lets it in, ' +
      "and --cors https://app.example:8443 also tells its browser so",
  );
  assert.match(
    refusalOf(["localhost", "tauri://localhost"]).logged,
    /; --allowedOrigin tauri:\/\/localhost lets it in/,
  );
  for (const unnamed of ["null", "file://"]) {
    assert.match(
      refusalOf(["localhost", unnamed]).logged,
      new RegExp(`; --allowedOrigin ${unnamed} lets it in`),
    );
  }
  // What no flag takes, or what would be more than a value on a command line, is not offered.
  for (const odd of ["nullx", "https://a$(reboot)", "https://a;b", `https://${"x".repeat(200)}`]) {
    assert.doesNotMatch(refusalOf(["localhost", odd]).logged, /--/);
  }
  assert.doesNotMatch(refusalOf(["a$(reboot)"]).logged, /--/);
});
