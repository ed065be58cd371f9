import assert from "node:assert/strict";
import { IpNetworks } from "./ip_networks.ts";

Deno.test("IpNetworks has the addresses of its networks, however they are spelled", () => {
  const networks = new IpNetworks([
    "10.0.0.0/8",
    "192.0.2.7",
    "fd00::/8",
    "2001:db8::5",
    "::ffff:172.16.0.0/108",
  ]);
  for (
    const address of [
      ...["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3", "::ffff:a01:203", "192.0.2.7", "fd12::1%eth0"],
      ...["2001:DB8:0::5", "172.16.0.1", "172.31.255.255", "::ffff:172.20.0.1"],
    ]
  ) {
    assert(networks.has(address), address);
  }
  for (
    const address of ["11.0.0.0", "192.0.2.8", "fe80::1", "2001:db8::6", "172.32.0.1", "::1", "nonsense", ""]
  ) {
    assert(!networks.has(address), address);
  }
  assert(new IpNetworks(["0.0.0.0/0"]).has("::ffff:8.8.8.8"));
  assert(!new IpNetworks(["::/0"]).has("8.8.8.8"));
  assert.deepEqual([new IpNetworks([]).isEmpty, networks.isEmpty], [true, false]);
});
