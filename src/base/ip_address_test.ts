import assert from "node:assert/strict";
import { canonicalAddress, networkOf } from "./ip_address.ts";

Deno.test("canonicalAddress has one spelling for each address, and none for what is no address", () => {
  const spellings = {
    "10.1.2.3": [
      "10.1.2.3",
      "::ffff:10.1.2.3",
      "::FFFF:10.1.2.3",
      "::ffff:a01:203",
      "0:0:0:0:0:ffff:0a01:0203",
    ],
    "2001:db8::1": ["2001:db8::1", "2001:DB8:0:0:0:0:0:1", "2001:0db8::0001", "2001:db8::1%eth0"],
    "::1": ["::1", "0:0:0:0:0:0:0:1"],
  };
  for (const [address, all] of Object.entries(spellings)) {
    for (const text of all) assert.equal(canonicalAddress(text), address, text);
  }
  for (
    const text of [
      "",
      "unknown",
      "1.2.3",
      "010.1.1.1",
      "0x0a.1.1.1",
      "1.2.3.4:80",
      "[::1]",
      "1.2.3.4 ",
      "::g",
    ]
  ) {
    assert.equal(canonicalAddress(text), undefined, text);
  }
});

Deno.test("networkOf counts IPv6 by its /64, and IPv4 by the address", () => {
  assert.equal(networkOf("2001:db8:1:2:3:4:5:6"), networkOf("2001:db8:1:2::9"));
  assert.notEqual(networkOf("2001:db8:1:2::1"), networkOf("2001:db8:1:3::1"));
  assert.equal(networkOf("::ffff:10.0.0.1"), networkOf("10.0.0.1"));
  assert.notEqual(networkOf("10.0.0.1"), networkOf("10.0.0.2"));
  assert.equal(networkOf("::1"), "0:0:0:0");
});
