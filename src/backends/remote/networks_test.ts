import assert from "node:assert/strict";
import { literalAddress, type NetworkKind, networkKind } from "./networks.ts";

/** As URLs write them. */
const HOSTS: Readonly<Record<Exclude<NetworkKind, "none">, readonly string[]>> = {
  loopback: [
    ...[
      "127.0.0.1",
      "127.255.0.9",
      "0.0.0.0",
      "127.1",
      "0x7f.0.0.1",
      "2130706433",
      "0177.0.0.1",
      "127.0.0.1.",
      "0",
    ],
    ...["[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]"],
    ...[
      "[64:ff9b::127.0.0.1]",
      "[64:ff9b::7f00:1]",
      "[2002:7f00:1::]",
      "[2002:7f00:1::1]",
      "[::ffff:0.0.0.0]",
    ],
  ],
  private: [
    ...["10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "100.127.9.9", "167772161"],
    ...[
      "[fc00::1]",
      "[fd12:3456::1]",
      "[fec0::1]",
      "[::ffff:10.0.0.1]",
      "[64:ff9b::a00:1]",
      "[64:ff9b:1::1]",
    ],
  ],
  "link-local": ["169.254.169.254", "2852039166", "[fe80::1]", "[febf::1]", "[::ffff:169.254.169.254]"],
  reserved: [
    ...["192.0.0.1", "192.0.2.1", "198.18.0.1", "198.19.0.1", "198.51.100.7", "203.0.113.7", "224.0.0.1"],
    ...["239.1.1.1", "240.0.0.1", "255.255.255.255", "[ff02::1]", "[2001:db8::1]", "[2001::1]", "[100::1]"],
  ],
  public: [
    ...["8.8.8.8", "1.1.1.1", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "192.167.0.1"],
    ...["192.169.0.1", "198.17.0.1", "198.20.0.1", "223.255.255.255", "169.253.0.1", "11.0.0.1", "126.0.0.1"],
    ...["[2606:4700::1111]", "[2a00:1450::1]", "[2001:4860::8888]", "[2003::1]", "[::ffff:8.8.8.8]"],
    ...["[64:ff9b::8.8.8.8]", "[2002:808:808::1]"],
  ],
};

Deno.test("networkOf finds where an address is, however it is written", () => {
  for (const [network, hosts] of Object.entries(HOSTS)) {
    for (const host of hosts) {
      const address = literalAddress(new URL(`http://${host}/`).hostname);
      assert(address !== undefined, host);
      assert.equal(networkKind(address), network, host);
    }
  }
});

Deno.test("networkOf takes what a resolver says: scoped addresses, and mapped ones with dots", () => {
  assert.equal(networkKind("fe80::1%eth0"), "link-local");
  assert.equal(networkKind("::ffff:10.0.0.1"), "private");
  assert.equal(networkKind("name.example"), "none");
  assert.equal(networkKind(""), "none");
});

Deno.test("literalAddress knows a name from an address", () => {
  for (const name of ["localhost", "127.0.0.1.example", "a.b"]) assert.equal(literalAddress(name), undefined);
});
