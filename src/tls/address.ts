/** IP addresses as bytes. */
import { isIPv4, isIPv6 } from "node:net";

/** Undefined for what is none. */
export function addressBytes(text: string): Uint8Array<ArrayBuffer> | undefined {
  const [address = ""] = text.split("%", 1);
  if (isIPv4(address)) return Uint8Array.from(address.split("."), Number);
  return isIPv6(address) ? bytesOfIPv6(address) : undefined;
}

/** A URL parser writes each of them in one way, and an address of IPv4 at its end in hex. */
function bytesOfIPv6(address: string): Uint8Array<ArrayBuffer> {
  const hostname = URL.parse(`http://[${address}]`)?.hostname.slice(1, -1) ?? "";
  const [head = [], tail = []] = hostname.split("::").map((half) => half.split(":").filter(Boolean));
  const groups = [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => "0"), ...tail];
  return Uint8Array.from(groups.map((group) => parseInt(group, 16)).flatMap((group) => [group >> 8, group]));
}
