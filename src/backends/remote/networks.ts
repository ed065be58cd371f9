/** In which network an address is: this machine, its neighbourhood, or everybody's. */
import { BlockList, isIP } from "node:net";

/** "none": no address is known. */
export type NetworkKind = "public" | "private" | "link-local" | "loopback" | "reserved" | "none";

/** RFC 6890 and its registries. 0.0.0.0 and :: lead to this machine, where they lead anywhere. */
const RANGES: Readonly<Record<Exclude<NetworkKind, "public" | "none">, readonly string[]>> = {
  loopback: ["127.0.0.0/8", "0.0.0.0/8", "::1/128", "::/128"],
  "link-local": ["169.254.0.0/16", "fe80::/10"],
  private: [
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "fc00::/7",
    "fec0::/10",
    "64:ff9b:1::/48",
  ],
  reserved: [
    ...["192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3"],
    ...["::/8", "100::/8", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16", "ff00::/8"],
  ],
};
let lists: readonly (readonly [NetworkKind, BlockList])[] | undefined;

/** Made when it is first asked for: most gateways call no remote. */
function knownLists() {
  return lists ??= Object.entries(RANGES).map(([network, ranges]) =>
    [network as NetworkKind, listOf(ranges)] as const
  );
}

function listOf(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = "", bits] = range.split("/");
    list.addSubnet(address, Number(bits), address.includes(":") ? "ipv6" : "ipv4");
  }
  return list;
}

/** Of an address as text, of either family; one of IPv6 that carries one of IPv4 is where that is. */
export function networkKind(address: string): NetworkKind {
  const bare = address.replace(/%.*$/, "");
  const inner = isIP(bare) === 6 ? carried(bare) ?? bare : bare;
  const family = isIP(inner);
  if (family === 0) return "none";
  return knownLists().find(([, list]) => list.check(inner, family === 6 ? "ipv6" : "ipv4"))?.[0] ?? "public";
}

/** Mapped (::ffff:0:0/96), compatible (::/96), NAT64 (64:ff9b::/96) and 6to4 (2002::/16). */
function carried(address: string): string | undefined {
  const groups = groupsOf(address);
  const front = groups.slice(0, 6).join(":");
  if (groups[0] === 0x2002) return dotted(groups[1], groups[2]);
  const low = dotted(groups[6], groups[7]);
  if (front === "0:0:0:0:0:65535" || front === `${0x64}:${0xff9b}:0:0:0:0`) return low;
  // ::1 and :: are their own.
  return front === "0:0:0:0:0:0" && groups[6] !== 0 ? low : undefined;
}

/** The eight numbers of an address; a URL parser turns every way to write one into the same. */
function groupsOf(address: string): number[] {
  const [front = "", back] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const [left, right] = [front, back ?? ""].map((part) => part === "" ? [] : part.split(":"));
  const gap = back === undefined ? 0 : 8 - left!.length - right!.length;
  return [...left!, ...Array(gap).fill("0"), ...right!].map((group) => Number.parseInt(group, 16));
}

function dotted(high = 0, low = 0): string {
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}

/** The host of a URL, which has turned every way to write an address into one: undefined for a name. */
export function literalAddress(hostname: string): string | undefined {
  const literal = hostname.replace(/^\[(.*)\]$/, "$1");
  return isIP(literal) === 0 ? undefined : literal;
}
