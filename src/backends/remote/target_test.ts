import assert from "node:assert/strict";
import { BackendError } from "../../core/errors.ts";
import { anyTarget, publicTarget, sameNetwork } from "./target.ts";

const PRIVATE = [
  ...["0.0.0.0", "10.1.2.3", "127.0.0.1", "127.255.0.9", "100.64.0.1", "100.127.9.9", "169.254.169.254"],
  ...["172.16.0.1", "172.31.255.255", "192.168.1.1", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.19.0.1"],
  ...["198.51.100.7", "203.0.113.7", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255"],
  // Other ways to write them, which every URL parser knows.
  ...["127.1", "0x7f.0.0.1", "2130706433", "0177.0.0.1", "127.0.0.1."],
  ...["[::]", "[::1]", "[fe80::1]", "[febf::1]", "[fec0::1]", "[fc00::1]", "[fd12:3456::1]", "[ff02::1]"],
  ...["[2001:db8::1]", "[2001::1]", "[2001:0:1::1]", "[100::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::1]"],
  ...["[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]", "[::127.0.0.1]"],
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

Deno.test("publicTarget refuses this machine by its names, and a name that nobody knows", async () => {
  for (const name of ["localhost", "localhost.", "foo.localhost", "LOCALHOST"]) {
    await refuses(name, ["8.8.8.8"]);
  }
  await refuses("name.example", []);
  await assert.rejects(publicTarget()(new URL("http://name.invalid/")), BackendError);
});

Deno.test("publicTarget does not let a failing lookup pass", async () => {
  const failing = publicTarget(() => Promise.reject(new Error("no resolver")));
  await assert.rejects(failing(new URL("https://example.com/")), /no resolver/);
});

Deno.test("anyTarget lets everything pass", async () => {
  for (const host of [...PRIVATE, ...PUBLIC, "localhost"]) await anyTarget(new URL(`http://${host}/`));
});

/** What names stand for, here. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  "remote.example": ["8.8.8.8", "2606:4700::1111"],
  "other.example": ["1.1.1.1"],
  "rebound.example": ["1.1.1.1", "127.0.0.1"],
  "mapped.example": ["::ffff:192.168.0.1"],
  "intranet.example": ["10.0.0.5"],
  "box.example": ["192.168.7.7"],
};

function redirected(from: string, to: string): Promise<void> {
  const lookup = (name: string) => Promise.resolve(NAMES[name] ?? []);
  return sameNetwork(new URL(`https://me:s3cret@${from}/mcp?s3cret`), lookup)(
    new URL(`https://${to}/to?s3cret`),
  );
}

Deno.test("sameNetwork follows a redirect within the network of the URL that somebody typed", async () => {
  const pairs: [string, string][] = [
    ...[["remote.example", "other.example"], ["remote.example", "9.9.9.9"], ["9.9.9.9", "remote.example"]],
    ...[["intranet.example", "box.example"], ["10.0.0.1", "192.168.0.1"], ["[fd00::1]", "10.0.0.1"]],
    ...[["localhost", "127.0.0.1"], ["127.0.0.1", "[::1]"], ["localhost", "foo.localhost"]],
    ["rebound.example", "other.example"],
    ...[["unknown.example", "unknown.example"], ["remote.example", "remote.example:8443"]],
  ] as [string, string][];
  for (const [from, to] of pairs) await assert.doesNotReject(redirected(from, to), `${from} ${to}`);
});

Deno.test("sameNetwork refuses a redirect that leaves it, however the address is written", async () => {
  const own = [
    "127.0.0.1",
    "127.1",
    "0x7f.1",
    "2130706433",
    "0",
    "localhost",
    "localhost.",
    "a.localhost",
    "[::1]",
  ];
  const more = [
    "[::]",
    "[::ffff:127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "10.0.0.1",
    "169.254.169.254",
    "[fe80::1]",
  ];
  const names = ["rebound.example", "mapped.example", "intranet.example", "unknown.example"];
  for (const to of [...own, ...more, ...names]) {
    await assert.rejects(redirected("remote.example", to), BackendError, to);
  }
  const pairs: [string, string][] = [
    ["intranet.example", "localhost"],
    ["10.0.0.1", "169.254.169.254"],
    ["localhost", "10.0.0.1"],
    ["localhost", "remote.example"],
    ["intranet.example", "remote.example"],
    ["unknown.example", "remote.example"],
    ["rebound.example", "localhost"],
  ];
  for (const [from, to] of pairs) await assert.rejects(redirected(from, to), BackendError, `${from} ${to}`);
});

Deno.test("sameNetwork says where from and where to, and which flag follows it, and no secret", async () => {
  const error = await redirected("remote.example", "127.0.0.1").catch((error) => error);
  assert(error instanceof BackendError && error.permanent);
  assert.equal(
    error.message,
    "A redirect to https://127.0.0.1/to, on this machine, is not followed, since https://remote.example/mcp is " +
      "in the public network (--allowPrivateRedirects follows it)",
  );
});

Deno.test("sameNetwork does not ask again where the typed host is: its server of names may have changed its mind", async () => {
  const given = new URL("https://remote.example/mcp");
  let addresses = ["8.8.8.8"];
  let asked = 0;
  const check = sameNetwork(given, () => Promise.resolve((asked++, addresses)));
  await check(given);
  addresses = ["127.0.0.1"];
  await check(given);
  await assert.rejects(check(new URL("https://127.0.0.1/")), /is in the public network/);
  assert.equal(asked, 1);
});

Deno.test("sameNetwork asks again where the typed host was not to be found", async () => {
  const given = new URL("https://remote.example/mcp");
  let addresses: string[] = [];
  const check = sameNetwork(given, () => Promise.resolve(addresses));
  await check(given);
  addresses = ["8.8.8.8"];
  await check(given);
  await check(new URL("https://other.example/"));
});
