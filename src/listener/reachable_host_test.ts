import assert from "node:assert/strict";
import { isWildcard, reachableHost } from "./reachable_host.ts";

const INTERFACES = [
  { family: "IPv4", name: "lo", address: "127.0.0.1" },
  { family: "IPv6", name: "lo", address: "::1" },
  { family: "IPv6", name: "eth0", address: "fe80::1" },
  { family: "IPv4", name: "docker0", address: "172.17.0.1" },
  { family: "IPv4", name: "eth1", address: "169.254.3.4" },
  { family: "IPv6", name: "eth0", address: "fd00::2" },
  { family: "IPv4", name: "eth0", address: "192.0.2.2" },
] as const;
const interfaces = () => INTERFACES;

Deno.test("reachableHost names an address that others can reach for a wildcard", () => {
  assert.equal(reachableHost("0.0.0.0", { interfaces }), "192.0.2.2");
  assert.equal(reachableHost("::", { interfaces, os: "linux" }), "192.0.2.2");
  assert.equal(reachableHost("::", { interfaces, os: "windows" }), "[fd00::2]");
  assert.equal(reachableHost("0.0.0.0", { interfaces: () => INTERFACES.slice(0, 4) }), "172.17.0.1");
  assert.equal(reachableHost("0.0.0.0", { interfaces: () => INTERFACES.slice(0, 3) }), "localhost");
});

Deno.test("reachableHost leaves any other address as it is", () => {
  for (const [host, shown] of [["127.0.0.1"], ["localhost"], ["192.0.2.9"], ["::1", "[::1]"], ["[::1]"]]) {
    assert.equal(reachableHost(host!, { interfaces }), shown ?? host);
  }
});

Deno.test("isWildcard knows the wildcard of IPv6 however it is written", () => {
  for (const host of ["0.0.0.0", "::", "::0", "[::]", "0:0:0:0:0:0:0:0"]) assert(isWildcard(host), host);
  for (const host of ["127.0.0.1", "::1", "localhost", "192.0.2.1"]) assert(!isWildcard(host), host);
});
