/** Host and Origin checks: what keeps a web page from talking to a gateway on the reader's machine (DNS rebinding). */
import { type Caller, isLoopbackAddress } from "../core/caller.ts";
import { RequestError } from "../core/errors.ts";
import type { HttpPolicy } from "../core/http_policy.ts";
import { quoted } from "../base/outside.ts";
import { remembered } from "../base/remembered.ts";
import { optionName } from "../base/option_name.ts";

export interface OriginOptions {
  /** The address that the gateway is bound to. */
  readonly host: string;
  /** More values of `Host`, with or without a port; `*` allows every one. */
  readonly allowedHosts: readonly string[];
  /** More values of `Origin`; `*` allows every one, and a scheme such as `file://` each that begins with it. */
  readonly allowedOrigins: readonly (string | RegExp)[];
}

const LOOPBACK_NAME = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;
const IP_LITERAL = /^(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:.]+\])$/;
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@\\]+$/i;
/** Of a page without an origin, and of one from a file, as some apps write it. */
const UNNAMED = /^(null|file:\/\/)$/;
/** A name of 253 characters, which is the longest, with scheme and port; a longer Origin or Host is made up. */
const MAX_CHARS = 300;
/** Values that the log may offer to paste into a command line: none with a character that a shell interprets. */
const OFFERED = /^(?:[a-z][a-z0-9+.-]*:\/\/)?[\w.:[\]-]{1,100}$/i;
/** What the runtime puts into a URL where HTTP/1 names no host; HTTP/2 always names one, as `:authority`. */
const NO_HOST = /^localhost(:\d+)?$/;

type Verdict = "ours" | "foreign" | "malformed";

/** Throws RequestError: 400 for a request that names no host (RFC 9112 §3.2), 403 for a foreign Host or Origin. */
export function originGuard(options: OriginOptions): HttpPolicy {
  const judgeHost = remembered((host) => verdictOn(options, host));
  const isNamed = remembered((origin) => isAmong(options.allowedOrigins, origin));
  const checkHost = (host: string) => {
    const verdict = judgeHost(host);
    if (verdict === "malformed") throw new RequestError(`Bad Request: Host ${quoted(host)} is no host`);
    if (verdict === "foreign") throw foreignHost(host);
  };
  const authorityFor = remembered(authorityOf);
  const check = (request: Request) => {
    const authority = authorityFor(request.url);
    const named = request.headers.get("host");
    if (named === null && namesNoHost(request.url, authority)) throw new RequestError("Bad Request: no Host");
    const host = named ?? authority;
    checkHost(host);
    // HTTP/2 and absolute-form requests name the host twice, and both must be ours.
    if (host !== authority) checkHost(authority);
    const origin = request.headers.get("origin");
    if (origin === null) return;
    if (origin.length > MAX_CHARS || !(isNamed(origin) || isOwnOrigin(origin, host))) {
      throw foreignOrigin(origin);
    }
  };
  return (request, caller, next) => {
    check(request);
    return next(request, caller);
  };
}

/** The log says which option would let it in; the client is not told. */
function forbidden(header: string, value: string, wayOut: string): RequestError {
  const logged = `Forbidden: ${header} ${quoted(value)} is not allowed${wayOut}`;
  return new RequestError(`Forbidden: ${header} is not allowed`, { status: 403, logged });
}

/** Its port does not matter. */
function foreignHost(host: string): RequestError {
  const name = hostnameOf(`http://${host}`) ?? host;
  return forbidden(
    "Host",
    host,
    OFFERED.test(name) ? `; ${optionName("allowedHost")} ${name} lets it in` : "",
  );
}

function foreignOrigin(origin: string): RequestError {
  const [allowedOrigin, cors] = [optionName("allowedOrigin"), optionName("cors")];
  const wayOut = `; ${allowedOrigin} ${origin} lets it in, and ${cors} ${origin} also tells its browser so`;
  const offered = UNNAMED.test(origin) || (ORIGIN.test(origin) && OFFERED.test(origin));
  return forbidden("Origin", origin, offered ? wayOut : "");
}

/** As it was sent: a URL parser would find a host in much that is none. */
function authorityOf(url: string): string {
  const start = url.indexOf("://") + 3;
  const end = url.slice(start).search(/[/?#]/);
  return end < 0 ? url.slice(start) : url.slice(start, start + end);
}

/** With TLS it cannot be told from a request of HTTP/2 to localhost, and no browser leaves Host out. */
function namesNoHost(url: string, authority: string): boolean {
  return url.startsWith("http:") && NO_HOST.test(authority);
}

function verdictOn({ host: bound, allowedHosts }: OriginOptions, host: string): Verdict {
  const name = host.length > MAX_CHARS ? undefined : hostnameOf(`http://${host}`);
  if (name === undefined) return "malformed";
  if (LOOPBACK_NAME.test(name)) return "ours";
  if (allowedHosts.some((allowed) => allowed === "*" || allowed === host.toLowerCase() || allowed === name)) {
    return "ours";
  }
  // Rebinding needs a name: on a network address, a request that names an address cannot be part of it.
  return !isLoopback(bound) && (IP_LITERAL.test(name) || name === bound.toLowerCase()) ? "ours" : "foreign";
}

function isOwnOrigin(origin: string, host: string): boolean {
  if (origin === `http://${host}` || origin === `https://${host}`) return true;
  // An app's own scheme on this machine, as tauri://localhost, is some app's and not the reader's page.
  if (!/^https?:/i.test(origin)) return false;
  const [from, to] = [hostnameOf(origin), hostnameOf(`http://${host}`)];
  // Another port of the same machine is the reader's own page, as the SDKs' localhost checks have it.
  return from !== undefined && to !== undefined && LOOPBACK_NAME.test(from) && LOOPBACK_NAME.test(to);
}

/** Whether an origin is one of those that were named. */
export function isAmong(allowed: readonly (string | RegExp)[], origin: string): boolean {
  return allowed.some((one) => matches(one, origin));
}

function matches(allowed: string | RegExp, origin: string): boolean {
  if (typeof allowed !== "string") return allowed.test(origin);
  return allowed === "*" || allowed === origin || (allowed.endsWith("://") && origin.startsWith(allowed));
}

function isLoopback(host: string): boolean {
  return LOOPBACK_NAME.test(host) || host === "::1";
}

/** Of a URL that is an origin and nothing more: a URL parser would find a host in much that is none. */
function hostnameOf(origin: string): string | undefined {
  return ORIGIN.test(origin) ? URL.parse(origin)?.hostname : undefined;
}

const FORWARDED = ["forwarded", "via", "x-real-ip", "x-client-ip", "true-client-ip", "cf-connecting-ip"];

/** Whether a request comes from this machine, and is not handed on by a proxy on it that says so. */
export function isOfThisMachine({ headers }: Request, { farEnd }: Pick<Caller, "farEnd">): boolean {
  if (farEnd === undefined || !isLoopbackAddress(farEnd)) return false;
  return !FORWARDED.some((name) => headers.has(name)) &&
    ![...headers.keys()].some((name) => name.startsWith("x-forwarded"));
}
