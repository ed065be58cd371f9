/** Which remote addresses may be called: the one place where private networks can be refused. */
import { BackendError } from "../core/errors.ts";
import { shown } from "./remote_error.ts";

/** Throws BackendError when the URL may not be called. Asked before each request, redirects included. */
export type TargetCheck = (url: URL) => Promise<void>;

/** For URLs from the command line: whoever typed them may reach them anyway. */
export const anyTarget: TargetCheck = () => Promise.resolve();

/** The addresses behind a name; none when no server of names knows it. */
type Lookup = (name: string) => Promise<readonly string[]>;

/** For URLs that somebody else named: a private, loopback or link-local address is refused, also behind a name. */
export function publicTarget(lookup: Lookup = askDns): TargetCheck {
  return async (url) => {
    for (const address of await addressesOf(url.hostname, lookup)) {
      if (!isPrivate(address)) continue;
      const why = `${shown(url)} is in a private network, which is not allowed here`;
      throw new BackendError(why, { permanent: true });
    }
  };
}

async function addressesOf(hostname: string, lookup: Lookup): Promise<readonly string[]> {
  const literal = hostname.replace(/^\[(.*)\]$/, "$1");
  if (/^[\d.]+$/.test(literal) || literal.includes(":")) return [literal];
  const addresses = await lookup(literal);
  // What no server of names knows is in the hosts file, and so of this machine.
  return addresses.length > 0 ? addresses : ["127.0.0.1"];
}

async function askDns(name: string): Promise<string[]> {
  const answers = await Promise.allSettled([Deno.resolveDns(name, "A"), Deno.resolveDns(name, "AAAA")]);
  return answers.flatMap((answer) => answer.status === "fulfilled" ? answer.value : []);
}

/** RFC 6890, the ranges that are not globally reachable, and those of IPv6 that carry an address of IPv4. */
const PRIVATE_V4 =
  /^(0|10|127|22[4-9]|2[3-5]\d)\.|^169\.254\.|^192\.(168|0\.0|0\.2)\.|^172\.(1[6-9]|2\d|3[01])\.|^100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|^198\.(1[89]|51\.100)\.|^203\.0\.113\./;
const PRIVATE_V6 = /^(::|fe[89a-f]|f[cd]|ff|64:ff9b:|100::|2001:(db8:|0?:)|2002:)/i;

function isPrivate(address: string): boolean {
  const mapped = address.match(/^::ffff:(.*)$/i)?.[1];
  if (mapped !== undefined) return mapped.includes(".") ? isPrivate(mapped) : true;
  return address.includes(":") ? PRIVATE_V6.test(address) : PRIVATE_V4.test(address);
}
