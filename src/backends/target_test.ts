import assert from "node:assert/strict";
import { BackendError } from "../core/errors.ts";
import { anyTarget, publicTarget } from "./target.ts";

const PRIVATE = [
  ...["0.0.0.0", "10.1.2.3", "127.0.0.1", "127.255.0.9", "100.64.0.1", "100.127.9.9", "169.254.169.254"],
  ...["172.16.0.1", "172.31.255.255", "192.168.1.1", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.19.0.1"],
  ...["198.51.100.7", "203.0.113.7", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255"],
  // Other ways to write them, which every URL parser knows.
  ...["127.1", "0x7f.0.0.1", "2130706433", "0177.0.0.1", "127.0.0.1."],
  ...["[::]", "[::1]", "[fe80::1]", "[febf::1]", "[fec0::1]", "[fc00::1]", "[fd12:3456::1]", "[ff02::1]"],
  ...["[2001:db8::1]", "[2001::1]", "[2001:0:1::1]", "[100::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::1]"],
  ...["[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]", "[::ffff:8.8.8.8]", "[::127.0.0.1]"],
];
const PUBLIC = [
  ...["8.8.8.8", "1.1.1.1", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "192.167.0.1"],
  ...["192.169.0.1", "198.17.0.1", "198.20.0.1", "223.255.255.255", "169.253.0.1", "11.0.0.1", "126.0.0.1"],
  ...["[2606:4700::1111]", "[2a00:1450::1]", "[2001:4860::8888]", "[2003::1]"],
];

function check(host: string, addresses: readonly string[] = []): Promise<void> {
  return publicTarget(() => Promise.resolve(addresses))(new URL(`https://me:s3cret@${host}/mcp?s3cret`));
}

async function refuses(host: string, addresses?: readonly string[]): Promise<void> {
  await assert.rejects(check(host, addresses), (error) => {
    assert(error instanceof BackendError && error.permanent);
    assert.match(error.message, /^https:\/\/[^?@]+\/mcp is in a private network, which is not allowed here$/);
    return true;
  }, `${host} ${addresses}`);
}

Deno.test("publicTarget refuses every address that is not globally reachable, however it is written", async () => {
  for (const host of PRIVATE) await refuses(host);
});

Deno.test("publicTarget lets public addresses pass", async () => {
  for (const host of PUBLIC) await check(host);
});

Deno.test("publicTarget looks behind a name, at all of its addresses", async () => {
  await check("example.com", ["8.8.8.8", "2606:4700::1111"]);
  await refuses("example.com", ["8.8.8.8", "10.0.0.1"]);
  await refuses("example.com", ["8.8.8.8", "::1"]);
  await refuses("example.com", ["::ffff:192.168.0.1"]);
});

Deno.test("publicTarget refuses a name that no server of names knows, as it may stand in the hosts file", async () => {
  await refuses("localhost");
  await refuses("localhost", []);
  await assert.rejects(publicTarget()(new URL("http://name.invalid/")), BackendError);
});

Deno.test("publicTarget does not let a failing lookup pass", async () => {
  const failing = publicTarget(() => Promise.reject(new Error("no resolver")));
  await assert.rejects(failing(new URL("https://example.com/")), /no resolver/);
});

Deno.test("anyTarget lets everything pass", async () => {
  for (const host of [...PRIVATE, ...PUBLIC, "localhost"]) await anyTarget(new URL(`http://${host}/`));
});
