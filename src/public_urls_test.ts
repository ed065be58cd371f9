import assert from "node:assert/strict";
import { Forwarded } from "./frontends/forwarded.ts";
import { publicUrls } from "./public_urls.ts";
import { IpNetworks } from "./wire/ip_networks.ts";

const PROXY = "10.0.0.1";
const LOCAL = { baseUrl: "", allowedHosts: [], host: "127.0.0.1", port: () => 8000 };

function asked(options: Partial<Parameters<typeof publicUrls>[0]> = {}) {
  const urlOf = publicUrls({ ...LOCAL, forwarded: new Forwarded(new IpNetworks([PROXY])), ...options });
  return (url: string, headers: Record<string, string> = {}, address = PROXY) =>
    urlOf(new Request(url, { headers }), { farEnd: address });
}

Deno.test("publicUrls gives the URL as it came where it names what is listened on", () => {
  const ask = asked();
  for (const url of ["http://127.0.0.1:8000/mcp?a=%2f", "http://localhost:8000/", "http://[::1]:8000/a/"]) {
    assert.equal(ask(url), url);
  }
  // Another server of this machine, and one elsewhere.
  for (const url of ["http://127.0.0.1:8001/mcp", "http://localhost/mcp", "http://evil.example:8000/mcp"]) {
    assert.equal(ask(url), undefined, url);
  }
  assert.equal(asked({ host: "192.0.2.1" })("http://192.0.2.1:8000/mcp"), "http://192.0.2.1:8000/mcp");
  assert.equal(asked({ host: "fd00::1" })("http://[fd00::1]:8000/mcp"), "http://[fd00::1]:8000/mcp");
  assert.equal(asked({ host: "192.0.2.1" })("http://192.0.2.2:8000/mcp"), undefined);
  assert.equal(asked({ port: () => 443 })("https://localhost/mcp"), "https://localhost/mcp");
});

Deno.test("publicUrls knows the hosts that an option names, but not all hosts for that", () => {
  const named = asked({ allowedHosts: ["a.example", "b.example:8443", "*"] });
  assert.equal(named("http://a.example:9/mcp"), "http://a.example:9/mcp");
  assert.equal(named("https://b.example:8443/mcp"), "https://b.example:8443/mcp");
  assert.equal(named("https://b.example/mcp"), undefined);
  assert.equal(named("http://evil.example:8000/mcp"), undefined);
});

Deno.test("publicUrls puts the base URL in front of all paths, and takes no other host then", () => {
  const ask = asked({ baseUrl: "HTTPS://Gateway.Example:443/tools" });
  assert.equal(ask("http://127.0.0.1:8000/mcp?a=1"), "https://gateway.example/tools/mcp?a=1");
  assert.equal(ask("http://evil.example/mcp"), "https://gateway.example/tools/mcp");
  assert.equal(asked({ baseUrl: "/tools" })("http://127.0.0.1:8000/mcp"), "http://127.0.0.1:8000/tools/mcp");
});

Deno.test("publicUrls believes a trusted proxy, of a host that is ours, and nobody else", () => {
  const ask = asked({ allowedHosts: ["gateway.example"] });
  const told = { "X-Forwarded-Host": "gateway.example", "X-Forwarded-Proto": "https" };
  assert.equal(ask("http://127.0.0.1:8000/mcp", told), "https://gateway.example/mcp");
  const below = { ...told, "X-Forwarded-Prefix": "/tools" };
  assert.equal(ask("http://127.0.0.1:8000/mcp", below), "https://gateway.example/tools/mcp");
  // One that passes on the Host that it got.
  const proto = { "X-Forwarded-Proto": "https" };
  assert.equal(ask("http://gateway.example/mcp", proto), "https://gateway.example/mcp");
  assert.equal(ask("http://127.0.0.1:8000/mcp", told, "192.0.2.9"), "http://127.0.0.1:8000/mcp");
  assert.equal(ask("http://127.0.0.1:8000/mcp", { "X-Forwarded-Host": "evil.example" }), undefined);
  // A proxy does not speak for this machine.
  assert.equal(ask("http://127.0.0.1:8000/mcp", { "X-Forwarded-Host": "localhost:8000" }), undefined);
});
