import assert from "node:assert/strict";
import { ConfigError } from "../../core/errors.ts";
import { proxyFor } from "./proxy.ts";

function proxyOf(url: string, env: Readonly<Record<string, string>>): string | undefined {
  const proxy = proxyFor(new URL(url), (name) => env[name]);
  if (!proxy) return undefined;
  const { protocol, username, password, hostname, port } = proxy;
  return `${protocol}//${username}:${password}@${hostname}:${port}`;
}

Deno.test("proxyFor goes by the scheme, in the order of the runtime, and knows each way to write a proxy", () => {
  const cases: [string, Record<string, string>, string | undefined][] = [
    ["ws://host/", {}, undefined],
    ["ws://host/", { HTTP_PROXY: "http://p:1", HTTPS_PROXY: "http://q:2" }, "http://:@p:1"],
    ["wss://host/", { HTTP_PROXY: "http://p:1", HTTPS_PROXY: "http://q:2" }, "http://:@q:2"],
    ["wss://host/", { HTTP_PROXY: "http://p:1" }, undefined],
    ["ws://host/", { http_proxy: "p:1" }, "http://:@p:1"],
    ["ws://host/", { HTTP_PROXY: "", http_proxy: "p" }, "http://:@p:80"],
    ["ws://host/", { HTTP_PROXY: "http://p:1", ALL_PROXY: "socks5://s" }, "socks5://:@s:1080"],
    ["wss://host/", { all_proxy: "socks5h://s:9" }, "socks5h://:@s:9"],
    ["ws://host/", { HTTP_PROXY: "https://me:p%40ss@p/path" }, "https://me:p@ss@p:443"],
    ["ws://host/", { HTTP_PROXY: "http://[::1]:8080" }, "http://:@::1:8080"],
    ["ws://host/", { HTTP_PROXY: "ftp://p" }, undefined],
    ["ws://host/", { HTTP_PROXY: "http://" }, undefined],
    // What a CGI program finds there is what a caller said.
    ["ws://host/", { HTTP_PROXY: "http://p:1", REQUEST_METHOD: "GET" }, undefined],
  ];
  for (const [url, env, expected] of cases) assert.equal(proxyOf(url, env), expected, JSON.stringify(env));
});

Deno.test("proxyFor refuses a user or a password that is not escaped as URLs have it, and shows neither", () => {
  for (const credentials of ["m%zze:s3cret", "me:s3cr%et", "me:s3cr%80"]) {
    for (const name of ["ALL_PROXY", "http_proxy"]) {
      assert.throws(() => proxyOf("ws://host/", { [name]: `http://${credentials}@p:1` }), (error) => {
        assert(error instanceof ConfigError);
        const what = "the user and the password of the proxy are no escaped text";
        assert.equal(
          error.message,
          `${name}: ${what}; expected %25 in place of each % that begins no escape`,
        );
        return true;
      });
    }
  }
});

Deno.test("proxyFor passes by for hosts, domains, addresses and networks of NO_PROXY", () => {
  const cases: [string, string, boolean][] = [
    ["*", "host", true],
    ["", "host", false],
    ["host", "host", true],
    ["HOST", "host", true],
    ["host", "other", false],
    ["example.com", "example.com", true],
    ["example.com", "a.example.com", true],
    ["example.com", "notexample.com", false],
    [".example.com", "example.com", true],
    [".example.com", "a.b.example.com", true],
    ["a, b ,host", "host", true],
    ["127.0.0.1", "127.0.0.1", true],
    ["127.0.0.1", "127.0.0.2", false],
    ["10.0.0.0/8", "10.1.2.3", true],
    ["10.0.0.0/8", "11.1.2.3", false],
    ["10.0.0.0/x", "10.1.2.3", false],
    ["::1", "[::1]", true],
    ["fd00::/8", "[fd12::1]", true],
    ["fd00::/8", "[fe80::1]", false],
    ["*", "127.0.0.1", false],
  ];
  for (const [passed, host, direct] of cases) {
    const env = { HTTP_PROXY: "http://p:1", NO_PROXY: passed };
    assert.equal(proxyOf(`ws://${host}/`, env) === undefined, direct, `${passed}: ${host}`);
  }
  assert.equal(proxyOf("ws://host/", { HTTP_PROXY: "http://p:1", no_proxy: "host" }), undefined);
});
