/** Networks of IP addresses, which accepting a connection and trusting a proxy ask. */
import { BlockList } from "node:net";
import { canonicalAddress } from "../base/ip_address.ts";

/** In front of an IPv4 address that is mapped into IPv6. */
const MAPPED_BITS = 96;

export class IpNetworks {
  readonly isEmpty: boolean;
  readonly #list = new BlockList();

  /** As `10.0.0.0/8`, or an address alone. */
  constructor(networks: readonly string[]) {
    this.isEmpty = networks.length === 0;
    for (const network of networks) this.#add(network);
  }

  /** False for what is no address. */
  has(address: string): boolean {
    const canonical = canonicalAddress(address);
    return canonical !== undefined && this.#list.check(canonical, familyOf(canonical));
  }

  #add(network: string): void {
    const [address = "", bits] = network.split("/");
    const canonical = canonicalAddress(address) ?? address;
    const isMapped = address.includes(":") && !canonical.includes(":");
    const most = familyOf(canonical) === "ipv6" ? 128 : 32;
    const length = bits === undefined ? most : Number(bits) - (isMapped ? MAPPED_BITS : 0);
    // A network beyond all that is mapped is one of IPv6, which no address of IPv4 is in.
    if (length < 0) this.#list.addSubnet(address, Number(bits), "ipv6");
    else this.#list.addSubnet(canonical, length, familyOf(canonical));
  }
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return address.includes(":") ? "ipv6" : "ipv4";
}
