/**
 * Which proxy a connection of our own goes through: what ALL_PROXY, HTTPS_PROXY, HTTP_PROXY and NO_PROXY say, read as
 * the runtime reads them for `fetch`.
 */
import { BlockList, isIP } from "node:net";
import { ConfigError } from "../../core/errors.ts";

export interface Proxy {
  /** `http:`, `https:`, `socks5:` or `socks5h:`. */
  readonly protocol: string;
  readonly hostname: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
}

export type Environment = (name: string) => string | undefined;

const PORTS: Readonly<Record<string, number>> = {
  "http:": 80,
  "https:": 443,
  "socks5:": 1080,
  "socks5h:": 1080,
};

/** Undefined where there is none, or where it is passed by. Throws ConfigError for one that cannot be read. */
export function proxyFor({ protocol, hostname }: URL, env: Environment): Proxy | undefined {
  const host = withoutBrackets(hostname);
  const passedBy = (env("NO_PROXY") ?? env("no_proxy") ?? "").split(",").map((entry) => entry.trim());
  if (passedBy.some((entry) => means(entry, host))) return undefined;
  const secure = protocol === "wss:" || protocol === "https:";
  return named("ALL_PROXY", env) ?? named(secure ? "HTTPS_PROXY" : "HTTP_PROXY", env);
}

export function withoutBrackets(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, "$1");
}

function named(name: string, env: Environment): Proxy | undefined {
  // To a CGI program HTTP_PROXY is what a caller sent as a field "Proxy".
  if (name === "HTTP_PROXY" && env("REQUEST_METHOD") !== undefined) return undefined;
  return parseProxy(name, env) ?? parseProxy(name.toLowerCase(), env);
}

/** Undefined for what is none that we know. Throws ConfigError for credentials that cannot be read. */
function parseProxy(name: string, env: Environment): Proxy | undefined {
  const text = env(name) ?? "";
  const url = URL.parse(/^[a-z0-9+.-]+:\/\//i.test(text) ? text : `http://${text}`);
  const port = url && PORTS[url.protocol];
  if (!url || !port || url.hostname === "") return undefined;
  return {
    protocol: url.protocol,
    hostname: withoutBrackets(url.hostname),
    port: Number(url.port) || port,
    username: unescaped(url.username, name),
    password: unescaped(url.password, name),
  };
}

function unescaped(text: string, name: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    const what = "the user and the password of the proxy are no escaped text";
    throw new ConfigError(`${name}: ${what}; expected %25 in place of each % that begins no escape`);
  }
}

/** An address, a network, `*`, or a domain, which means all below it too. */
function means(entry: string, host: string): boolean {
  if (isIP(host)) return isWithin(entry, host);
  const domain = entry.toLowerCase().replace(/^\./, "");
  return entry === "*" || (domain !== "" && (host === domain || host.endsWith(`.${domain}`)));
}

function isWithin(entry: string, address: string): boolean {
  const [network = "", prefix] = entry.split("/");
  const family = isIP(network);
  const bits = family === 6 ? 128 : 32;
  const size = prefix === undefined ? bits : Number(prefix);
  if (family === 0 || isIP(address) !== family || !(size >= 0 && size <= bits)) return false;
  const list = new BlockList();
  const type = family === 6 ? "ipv6" : "ipv4";
  list.addSubnet(network, size, type);
  return list.check(address, type);
}
