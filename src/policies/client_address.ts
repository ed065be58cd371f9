/**
 * Whom a request comes from where trusted proxies stand in front: `X-Forwarded-For`, or `Forwarded` (RFC 7239), read from
 * the right. What a proxy adds stands there; what is left of it anybody may have written.
 */
import { canonicalAddress } from "../base/ip_address.ts";
import { quoted } from "../base/outside.ts";
import { remembered } from "../base/remembered.ts";
import { RequestError } from "../core/errors.ts";
import type { HttpPolicy } from "../core/http_policy.ts";
import type { IpNetworks } from "../wire/ip_networks.ts";

/** So much is read of what proxies say, from its right: more of them than that stand in no row. */
const MAX_CHARS = 2_048;
const MAX_PROXIES = 32;

const TOKEN = "[\\w!#$%&'*+.^`|~-]+";
/** Some proxies write an address of IPv6 without the quotes that it needs. */
const VALUE = `(?:${TOKEN}|[\\w.:[\\]-]+|"(?:[^"\\\\]|\\\\.)*")`;
const PAIR = `${TOKEN}=${VALUE}`;
const ELEMENT = new RegExp(`^[ \\t]*${PAIR}(?:[ \\t]*;[ \\t]*${PAIR})*[ \\t]*$`);
/** Each where the one before ends, so that nothing is found within quotes. */
const PAIRS = new RegExp(`[ \\t]*(${TOKEN})=(${VALUE})[ \\t]*(?:;|$)`, "gy");
/** An address as proxies write it: with a port, and then IPv6 in brackets. */
const NODE = /^"?(?:\[([0-9a-f:.]+)\]|([^:"]+)|([0-9a-f:.]+))(?::\d{1,5})?"?$/i;

/** Throws RequestError 400 where the two headers name different callers: the proxy has passed one on that it did not write. */
export function clientAddress(trusted: IpNetworks): HttpPolicy {
  const isTrusted = remembered((address) => trusted.has(address));
  const fromList = remembered((text) => lastUntrusted(addressesOf(text), isTrusted));
  const fromElements = remembered((text) => lastUntrusted(elementsOf(text), isTrusted));
  return (request, caller, next) => {
    const { farEnd } = caller;
    if (farEnd !== undefined && isTrusted(farEnd)) {
      const list = request.headers.get("x-forwarded-for");
      const elements = request.headers.get("forwarded");
      const address = list ? fromList(list) : undefined;
      const other = elements ? fromElements(elements) : undefined;
      if (list && elements && address !== other) throw contradicting(list, elements);
      const named = address ?? other;
      if (named !== undefined) caller.comesFrom(named);
    }
    return next(request, caller);
  };
}

function contradicting(list: string, elements: string): RequestError {
  const message = "Bad Request: X-Forwarded-For and Forwarded name different callers";
  const logged = `${message} (${quoted(list)}, ${
    quoted(elements)
  }): the proxy has to take out the one that it does not set`;
  return new RequestError(message, { logged });
}

/** From the right: the first that is no trusted proxy, else the last good one; undefined where there is none. */
function lastUntrusted(
  addresses: Iterable<string | undefined>,
  isTrusted: (address: string) => boolean,
): string | undefined {
  let last: string | undefined;
  let count = 0;
  for (const address of addresses) {
    if (address === undefined || ++count > MAX_PROXIES) return last;
    last = address;
    if (!isTrusted(address)) return last;
  }
  return last;
}

/** Begins with a whole part. */
function rightEnd(text: string): string {
  return text.length <= MAX_CHARS ? text : text.slice(-MAX_CHARS).replace(/^[^,]*,/, "");
}

/** Of `X-Forwarded-For`, from the right; undefined for what is no address. */
function* addressesOf(text: string): Generator<string | undefined> {
  for (const part of rightEnd(text).split(",").reverse()) yield addressIn(part.trim());
}

/** Of `Forwarded`, from the right; undefined for what is no element, or names no address. */
function* elementsOf(text: string): Generator<string | undefined> {
  let rest = rightEnd(text);
  while (rest !== "") {
    const element = lastElement(rest);
    yield element === undefined ? undefined : addressIn(nodeIn(element) ?? "");
    if (element === undefined) return;
    rest = rest.slice(0, -element.length).replace(/,$/, "");
  }
}

/** The shortest that is one: a quote that somebody has left open, left of it, is not to swallow it. */
function lastElement(text: string): string | undefined {
  let comma = text.length;
  for (let tries = 0; comma >= 0 && tries < MAX_PROXIES; tries++) {
    comma = text.lastIndexOf(",", comma - 1);
    const element = text.slice(comma + 1);
    if (ELEMENT.test(element)) return element;
    if (comma <= 0) return undefined;
  }
  return undefined;
}

/** Whom an element is about; undefined where it says that of nobody, or twice (RFC 7239, section 4). */
function nodeIn(element: string): string | undefined {
  const named = element.matchAll(PAIRS).filter(([, name = ""]) => name.toLowerCase() === "for");
  const [node, ...others] = [...named].map(([, , value = ""]) => value);
  return others.length > 0 || node === undefined ? undefined : unquoted(node);
}

function unquoted(value: string): string {
  return value.startsWith('"') ? value.slice(1, -1).replace(/\\(.)/g, "$1") : value;
}

function addressIn(node: string): string | undefined {
  const [, bracketed, plain, bare] = NODE.exec(node) ?? [];
  return canonicalAddress(bracketed ?? plain ?? bare ?? "");
}
