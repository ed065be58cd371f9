import { isIPv4, isIPv6 } from "node:net";
import { parseServerUrl, urlFault } from "./server_url.ts";
import { readFromText } from "./values.ts";

const HOST_LABELS = /^(?!-)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?$/;
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@\\*]+$/i;
/** Of an app or of files: every origin of it, as browsers write it, which mostly is a name that nobody knows before. */
const SCHEME = /^(?!https?:)[a-z][a-z0-9+.-]*:\/\/$/i;
/** Far more than a list of hosts needs; what checks a pattern takes longer with its length. */
const MAX_PATTERN_CHARS = 500;
/** What browsers write for a page from a file, in a sandbox or of data (HTML, "Origin"). */
export const NO_ORIGIN = "null";
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/; // RFC 9110 §5.6.2
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]+$/; // RFC 9110 §5.5, and what fits in a byte string

/** An address to listen on: a name or an IP address, with or without the brackets of IPv6. */
export function listenHost() {
  return readFromText(`expected a host name or an IP address, such as 127.0.0.1, :: or localhost`, (text) => {
    const bare = text.replace(/^\[(.*)\]$/, "$1");
    return isIPv6(bare) || (bare === text && isHostName(text)) ? bare : undefined;
  });
}

/** A host as clients write it in the Host header, IPv6 in brackets, with a port or without; `*` is any. */
export function hostHeader() {
  return readFromText("expected * or a host, such as example.com, example.com:8443 or [::1]", (text) => {
    if (text === "*") return text;
    const [, host = "", port = ""] =
      /^(\[[^\]]*\]|[^:]*)(:\d{1,5})?$/.exec(isIPv6(text) ? `[${text}]` : text) ?? [];
    const known = host.startsWith("[") ? isIPv6(host.slice(1, -1)) : isHostName(host);
    const name = known && URL.parse(`http://${host}`)?.hostname;
    return name && Number(port.slice(1)) <= 65535 ? name + port : undefined;
  });
}

/** The path of a route, as a request's URL would have it: no query, nothing to be escaped, no pattern. */
export function httpPath() {
  const expected = 'expected a path that begins with "/", such as /mcp, with no spaces, "?", "#", "*" or ":"';
  return readFromText(expected, (text) => isPath(text) ? text : undefined);
}

/** What stands before all paths: nothing, or a path, whose last slash is dropped. */
export function pathPrefix() {
  const expected =
    'expected a path that begins with "/", such as /tools, with no spaces, "?", "#", "*" or ":"';
  return readFromText(expected, (text) => {
    const prefix = text.replace(/\/+$/, "");
    return prefix === "" || isPath(prefix) ? prefix : undefined;
  });
}

/** Addresses of one network: `10.0.0.0/8`, `fd00::/8`, or one address alone. */
export function network() {
  return readFromText("expected an IP address or a network, such as 10.0.0.0/8 or fd00::/8", (text) => {
    const [, address = "", bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
    const most = isIPv6(address) ? 128 : isIPv4(address) ? 32 : -1;
    return Number(bits ?? 0) <= most ? text : undefined;
  });
}

/** What is put before the paths that clients are told: nothing, a URL or a path. Its last slash is dropped. */
export function baseUrl() {
  const expected = "expected an http(s) URL or a path that begins with /, without a query";
  return readFromText(expected, (text) => {
    const base = text.replace(/\/+$/, "");
    return text === "" || isHttpBase(text) || isPath(base || text) ? base : undefined;
  });
}

export const HTTP = ["http:", "https:"] as const;
export const WEB_SOCKET = ["ws:", "wss:"] as const;

/** The URL of a remote server. Empty counts as not given. The refusal does not show it: it may hold a secret. */
export function remoteUrl(protocols: readonly string[]) {
  const names = protocols.map((protocol) => `${protocol}//`).join(" or ");
  const expected = (text: string) => {
    const fault = urlFault(text.trim(), protocols);
    return `expected a URL that begins with ${names}${fault === undefined ? "" : `; ${fault}`}`;
  };
  return readFromText(expected, (text): URL | "" | undefined => {
    return text.trim() === "" ? "" : parseServerUrl(text.trim(), protocols);
  });
}

/**
 * An origin as browsers send it, without the scheme's default port; `null` is that of pages that have none, a scheme
 * with nothing behind it (`vscode-webview://`) all of that scheme, and `*` any.
 */
export function origin() {
  return readFromText(
    (text) => `${expectedOrigin(text)}, or *`,
    (text) => text === "*" ? text : readOrigin(text),
  );
}

/** What CORS lets in: `*`, an exact origin, or `/a regular expression/` for whole origins. */
export function corsOrigin() {
  return readFromText(expectedCorsOrigin, (text): string | RegExp | undefined => {
    if (text === "*") return text;
    const [, pattern] = /^\/(.+)\/$/.exec(text) ?? [];
    return pattern === undefined ? readOrigin(text) : readRegExp(pattern);
  });
}

/** A header line, split at its first colon. The refusal shows the name at most, since the value may be a secret. */
export function headerLine() {
  return readFromText(expectedHeader, (text): readonly [string, string] | undefined => {
    const [name, value] = /^(https?|wss?):\/\//i.test(text) ? ["", ""] : splitHeader(text);
    return TOKEN.test(name) && FIELD_VALUE.test(value) ? [name, value] : undefined;
  });
}

/** What stands after "Bearer" (RFC 6750 §2.1), and a little more: it only has to fit in a header. */
export function bearerToken() {
  return readFromText(
    "expected one token without spaces",
    (text) => /^[\x21-\x7e]+$/.test(text) ? text : undefined,
  );
}

export function isHeaderName(text: string): boolean {
  return TOKEN.test(text);
}

export function isHeaderValue(text: string): boolean {
  return FIELD_VALUE.test(text);
}

/** A name of dots and labels; four numbers must be a real IPv4 address, as in every URL parser. */
function isHostName(text: string): boolean {
  return text.length <= 253 && (/(^|\.)\d+\.?$/.test(text) ? isIPv4(text) : HOST_LABELS.test(text));
}

function isPath(text: string): boolean {
  return text.startsWith("/") && !/[*:{}\\]/.test(text) &&
    URL.parse(text, "http://localhost")?.pathname === text;
}

function isHttpBase(text: string): boolean {
  const url = parseServerUrl(text, HTTP);
  return url !== undefined && url.username === "" && url.password === "" && !/[?#\s]/.test(text);
}

/** Schemes that browsers give to extensions have the origin "null" in a URL parser, so those stay as written. */
function readOrigin(text: string): string | undefined {
  if (text === NO_ORIGIN) return text;
  if (SCHEME.test(text)) return text.toLowerCase();
  const url = ORIGIN.test(text) ? URL.parse(text) : null;
  if (url === null || url.host === "") return undefined;
  return url.origin === "null" ? text.toLowerCase() : url.origin;
}

/** Matches whole origins alone: a part of one says nothing, since `https://app.example.evil.net` has any part. */
function readRegExp(pattern: string): RegExp | undefined {
  if (pattern.length > MAX_PATTERN_CHARS) return undefined;
  try {
    // By itself first: `a)|(b` must not get out of the group.
    return new RegExp(`^(?:${new RegExp(pattern).source})$`);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}

function expectedOrigin(text: string): string {
  const meant = meantOrigin(text);
  return meant === undefined
    ? "expected an origin such as https://app.example.com"
    : `expected an origin, which is a scheme and a host without a path, such as ${meant}`;
}

/** The origin in what looks like a URL, or like one whose scheme was left out. */
function meantOrigin(text: string): string | undefined {
  const hasScheme = /^https?:\/\//i.test(text);
  const url = URL.parse(hasScheme ? text : `https://${text}`);
  if (url === null || !/^[a-z0-9]/i.test(text) || url.host.includes("*")) return undefined;
  return hasScheme || /[.:]/.test(url.host) ? url.origin : undefined;
}

function expectedCorsOrigin(text: string): string {
  const [, pattern] = /^\/(.+)\/$/.exec(text) ?? [];
  if (pattern !== undefined) {
    const bound = pattern.length > MAX_PATTERN_CHARS ? `, of at most ${MAX_PATTERN_CHARS} characters` : "";
    return `expected a regular expression between the slashes${bound}`;
  }
  return `${expectedOrigin(text)}, or * or /regex/`;
}

function splitHeader(text: string): [name: string, value: string] {
  const colon = text.indexOf(":");
  return colon < 0 ? ["", ""] : [text.slice(0, colon).trim(), text.slice(colon + 1).trim()];
}

function expectedHeader(text: string): string {
  if (/^(https?|wss?):\/\//i.test(text)) {
    return 'expected "Name: value", but this is a URL: put it before the flag';
  }
  const [name, value] = splitHeader(text);
  const form = 'expected "Name: value"';
  if (name === "") return `${form}, with a name and a colon`;
  if (!TOKEN.test(name)) return `${form}, but ${shownName(name)} is no legal name of a header`;
  return value === ""
    ? `${form}, but ${name} has no value`
    : `${form}, but the value of ${name} has a character that no header may carry`;
}

/** Enough of an illegal name to find it; a second word may be a secret when the colon was forgotten. */
function shownName(name: string): string {
  const [shown = ""] = /^[!-~]*(?: [A-Za-z-]{1,12}(?![!-~]))*/.exec(name) ?? [];
  return JSON.stringify(shown === name ? name : `${shown}…`);
}
