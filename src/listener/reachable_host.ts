/** How others call the machine that a gateway listens on. */
import { isLoopbackAddress } from "../core/caller.ts";

interface Reachable {
  readonly os?: typeof Deno.build.os;
  readonly interfaces?: () => readonly Pick<Deno.NetworkInterfaceInfo, "family" | "name" | "address">[];
}

/** Bridges and tunnels of this machine's own: mostly nobody outside is behind them. */
const INNER = /^(docker|br-|veth|virbr|vmnet|vboxnet|lxc|cni|podman|utun|tun|tap|wg)/;
/** Good for one link alone (RFC 3927, RFC 4291). */
const LINK_LOCAL = /^(169\.254\.|fe[89ab])/i;

/** Whether it binds all addresses and is none itself. */
export function isWildcard(host: string): boolean {
  const address = host.replace(/^\[(.*)\]$/, "$1");
  return address === "0.0.0.0" || URL.parse(`http://[${address}]`)?.hostname === "[::]";
}

/**
 * The host of a URL that leads to what listens on `host`, IPv6 in brackets: for a wildcard an address of this machine
 * that others can reach, since a name would have to be allowed, and `localhost` where it has none.
 */
export function reachableHost(host: string, options: Reachable = {}): string {
  const address = isWildcard(host)
    ? addressFor(host, options) ?? "localhost"
    : host.replace(/^\[(.*)\]$/, "$1");
  return address.includes(":") ? `[${address}]` : address;
}

function addressFor(host: string, { os = Deno.build.os, interfaces = known }: Reachable): string | undefined {
  // Where the wildcard of IPv6 does not take IPv4 as well.
  const families = host === "0.0.0.0" ? ["IPv4"] : os === "windows" ? ["IPv6"] : ["IPv4", "IPv6"];
  const usable = interfaces().filter(({ address }) =>
    !isLoopbackAddress(address) && !LINK_LOCAL.test(address)
  );
  const candidates = families.flatMap((wanted) => usable.filter(({ family }) => family === wanted));
  return (candidates.find(({ name }) => !INNER.test(name)) ?? candidates[0])?.address;
}

function known(): Deno.NetworkInterfaceInfo[] {
  try {
    return Deno.networkInterfaces();
  } catch {
    // Not allowed, or not told by this system: nothing depends on it.
    return [];
  }
}
