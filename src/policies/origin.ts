/** Host and Origin checks: what keeps a web page from talking to a gateway on the reader's machine (DNS rebinding). */
import { RequestError } from "../core/errors.ts";
import { remembered } from "../core/remembered.ts";

export interface OriginOptions {
  /** The address that the gateway is bound to. */
  readonly host: string;
  /** More values of `Host`, with or without a port; `*` allows every one. */
  readonly allowedHosts: readonly string[];
  /** More values of `Origin`; `*` allows every one. */
  readonly allowedOrigins: readonly (string | RegExp)[];
}

const LOOPBACK_NAME = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;
const IP_LITERAL = /^(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:.]+\])$/;
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@\\]+$/i;

/** Throws RequestError 403 for a request that names a foreign Host or comes from a foreign Origin. */
export function originGuard(options: OriginOptions): (request: Request) => void {
  const hostAllowed = remembered((host) => allowsHost(options, host));
  // A host that is none makes a URL that is none.
  const authorityOf = remembered((url) => URL.parse(url)?.host ?? "");
  return (request) => {
    const authority = authorityOf(request.url);
    const host = request.headers.get("host") ?? authority;
    // HTTP/2 and absolute-form requests name the host twice, and both must be ours.
    const foreign = hostAllowed(host) ? authority : host;
    if (!hostAllowed(foreign)) {
      throw new RequestError(`Forbidden: Host ${JSON.stringify(foreign)} is not allowed`, { status: 403 });
    }
    const origin = request.headers.get("origin");
    if (origin === null || allowsOrigin(options, origin, host)) return;
    throw new RequestError(`Forbidden: Origin ${JSON.stringify(origin)} is not allowed`, { status: 403 });
  };
}

function allowsHost({ host: bound, allowedHosts }: OriginOptions, host: string): boolean {
  const name = hostnameOf(`http://${host}`);
  if (name === undefined) return false;
  if (LOOPBACK_NAME.test(name)) return true;
  if (allowedHosts.some((allowed) => allowed === "*" || allowed === host.toLowerCase() || allowed === name)) {
    return true;
  }
  // Rebinding needs a name: on a network address, a request that names an address cannot be part of it.
  return !isLoopback(bound) && (IP_LITERAL.test(name) || name === bound.toLowerCase());
}

function allowsOrigin({ allowedOrigins }: OriginOptions, origin: string, host: string): boolean {
  if (allowedOrigins.some((allowed) => matches(allowed, origin))) return true;
  if (origin === `http://${host}` || origin === `https://${host}`) return true;
  const [from, to] = [hostnameOf(origin), hostnameOf(`http://${host}`)];
  // Another port of the same machine is the reader's own page, as the SDKs' localhost checks have it.
  return from !== undefined && to !== undefined && LOOPBACK_NAME.test(from) && LOOPBACK_NAME.test(to);
}

function matches(allowed: string | RegExp, origin: string): boolean {
  return typeof allowed === "string" ? allowed === "*" || allowed === origin : allowed.test(origin);
}

function isLoopback(host: string): boolean {
  return LOOPBACK_NAME.test(host) || host === "::1";
}

/** Of a URL that is an origin and nothing more: a URL parser would find a host in much that is none. */
function hostnameOf(origin: string): string | undefined {
  return ORIGIN.test(origin) ? URL.parse(origin)?.hostname : undefined;
}
