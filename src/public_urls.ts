/** By which URL a client has called, as it has written it: what is signed for another host is not signed for us. */
import type { Caller } from "./core/caller.ts";
import type { Forwarded } from "./frontends/forwarded.ts";

interface PublicUrlOptions {
  /** What clients put before the paths: empty, a URL or a path. */
  readonly baseUrl: string;
  readonly forwarded: Pick<Forwarded, "origin" | "prefix">;
  /** Values of `Host`, with or without a port; `*` says nothing of who we are. */
  readonly allowedHosts: readonly string[];
  /** What is listened on. */
  readonly host: string;
  readonly port: () => number;
}

/** Undefined where neither an option nor our own address says that its host is ours. */
export type PublicUrl = (request: Request, caller: Pick<Caller, "farEnd">) => string | undefined;

const LOOPBACK_NAME = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

export function publicUrls(options: PublicUrlOptions): PublicUrl {
  const { baseUrl, forwarded } = options;
  const base = /^https?:/i.test(baseUrl) ? normalized(baseUrl) : undefined;
  return (request, caller) => {
    const { origin, path } = partsOf(request.url);
    if (base !== undefined) return base + path;
    const told = forwarded.origin(request, caller);
    const url = URL.parse(told ?? origin);
    if (!url || !isOurs(url, { ...options, proxied: told !== undefined })) return undefined;
    return url.origin + (baseUrl || forwarded.prefix(request, caller)) + path;
  };
}

function isOurs(
  { protocol, hostname, port, host }: URL,
  around: PublicUrlOptions & { proxied: boolean },
): boolean {
  if (around.allowedHosts.some((allowed) => allowed === host || allowed === hostname)) return true;
  // A proxy has an address of its own.
  if (around.proxied) return false;
  const own = LOOPBACK_NAME.test(hostname) || hostname === around.host.toLowerCase() ||
    hostname === `[${around.host.toLowerCase()}]`;
  return own && Number(port || (protocol === "https:" ? 443 : 80)) === around.port();
}

/** The path and the query as they were sent. */
function partsOf(url: string): { readonly origin: string; readonly path: string } {
  const authority = url.indexOf("://") + 3;
  const length = url.slice(authority).search(/[/?]/);
  const end = length < 0 ? url.length : authority + length;
  const path = url.slice(end);
  return { origin: url.slice(0, end), path: path.startsWith("/") ? path : `/${path}` };
}

/** As URLs are written by those who sign them. */
function normalized(base: string): string {
  return URL.parse(base)?.href.replace(/\/+$/, "") ?? base;
}
