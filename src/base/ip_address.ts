/** IP addresses: one spelling for each, and what counts as one. */

/** Four numbers without a zero in front, which some readers take for octal. */
const BYTE = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const IPV4 = new RegExp(`^${BYTE}(?:\\.${BYTE}){3}$`);
/** The URL parser knows which of these are one. */
const PERHAPS_IPV6 = /^[0-9a-f:.]{2,45}$/i;
/** IPv4 on a socket of IPv6 (RFC 4291, section 2.5.5.2), as a URL parser spells it. */
const MAPPED = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/;

/** Without a zone, and as IPv4 where that is mapped into IPv6; undefined for what is no address. */
export function canonicalAddress(text: string): string | undefined {
  const [bare = ""] = text.split("%", 1);
  if (!bare.includes(":")) return IPV4.test(bare) ? bare : undefined;
  const url = PERHAPS_IPV6.test(bare) ? URL.parse(`http://[${bare}]`) : null;
  if (url === null) return undefined;
  const spelled = url.hostname.slice(1, -1);
  const [, high, low] = MAPPED.exec(spelled) ?? [];
  return high === undefined || low === undefined ? spelled : [high, low].flatMap(bytesOf).join(".");
}

/** Who has one address of IPv6 mostly has 2^64 of them (RFC 6177), which count as one; one of IPv4 counts by itself. */
export function networkOf(address: string): string {
  const canonical = canonicalAddress(address) ?? address;
  if (!canonical.includes(":")) return canonical;
  const [head = "", tail] = canonical.split("::");
  const groups = head.split(":").filter((group) => group !== "");
  if (tail !== undefined) {
    const last = tail.split(":").filter((group) => group !== "");
    while (groups.length + last.length < 8) groups.push("0");
    groups.push(...last);
  }
  return groups.slice(0, 4).join(":");
}

function bytesOf(group: string): number[] {
  const value = parseInt(group, 16);
  return [value >> 8, value & 255];
}
