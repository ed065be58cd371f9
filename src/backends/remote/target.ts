/** Which remote addresses may be called: the one place where networks can be refused. */
import process from "node:process";
import { optionName } from "../../base/option_name.ts";
import { BackendError } from "../../core/errors.ts";
import { literalAddress, type NetworkKind, networkKind } from "./networks.ts";
import { displayUrl } from "./remote_error.ts";

/** Throws BackendError when the URL may not be called. Asked before each request, redirects included. */
export type TargetCheck = (url: URL) => Promise<void>;

/** Lets every URL pass. */
export const anyTarget: TargetCheck = () => Promise.resolve();

/** The addresses behind a name; none when nobody knows it. */
type Lookup = (name: string) => Promise<readonly string[]>;

/** For URLs that somebody else named: a private, loopback or link-local address is refused, also behind a name. */
export function publicTarget(lookup: Lookup = askSystem): TargetCheck {
  return async (url) => {
    if ((await networksOf(url, lookup)).every((network) => network === "public")) return;
    const why = `${displayUrl(url)} is in a private network, which is not allowed here`;
    throw new BackendError(why, { permanent: true });
  };
}

/**
 * For a URL from the command line: whoever typed it may call it, but did not type where a redirect leads. That must be
 * the same host, or in the network that the typed host was in when it was first called: later its server of names may
 * say what suits a redirect. A name that changes its address between this question and the connection gets by.
 */
export function sameNetwork(given: URL, lookup: Lookup = askSystem): TargetCheck {
  let known: readonly NetworkKind[] | undefined;
  const ownNetworks = async () => {
    if (known) return known;
    const networks = await networksOf(given, lookup);
    // Half in the public network is in it: anybody can have a name for 127.0.0.1 too.
    const own = networks.includes("public") ? ["public" as const] : networks;
    if (!own.includes("none")) known = own;
    return own;
  };
  return async (url) => {
    const own = await ownNetworks();
    if (url.hostname === given.hostname) return;
    const other = (await networksOf(url, lookup)).find((network) => !own.includes(network));
    if (other === undefined) return;
    throw new BackendError(
      `A redirect to ${displayUrl(url)}, ${WHERE[other]}, is not followed, since ${displayUrl(given)} is ` +
        `${WHERE[own[0] ?? "none"]} (${optionName("allowPrivateRedirects")} follows it)`,
      { permanent: true },
    );
  };
}

const WHERE: Readonly<Record<NetworkKind, string>> = {
  public: "in the public network",
  private: "in a private network",
  "link-local": "in the link-local network",
  loopback: "on this machine",
  reserved: "in a reserved network",
  none: "a name without a known address",
};

/** At least one. */
async function networksOf({ hostname }: URL, lookup: Lookup): Promise<readonly NetworkKind[]> {
  const literal = literalAddress(hostname);
  if (literal !== undefined) return [networkKind(literal)];
  const name = hostname.replace(/\.$/, "");
  // RFC 6761 §6.3: whatever a server of names may say.
  if (/(^|\.)localhost$/.test(name)) return ["loopback"];
  const addresses = await lookup(name);
  return addresses.length > 0 ? addresses.map(networkKind) : ["none"];
}

/** As the connection will ask: the hosts file counts. */
async function askSystem(name: string): Promise<string[]> {
  try {
    const { lookup } = process.getBuiltinModule("node:dns/promises");
    return (await lookup(name, { all: true })).map(({ address }) => address);
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    return [];
  }
}
