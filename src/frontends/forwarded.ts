/** What a trusted proxy in front says of how clients reach it: `X-Forwarded-Prefix`, `-Proto` and `-Host`. */
import { remembered } from "../base/remembered.ts";
import type { Caller } from "../core/caller.ts";
import type { IpNetworks } from "../wire/ip_networks.ts";

type From = Pick<Caller, "farEnd">;

/** A client may have put it there, where a proxy passes on what it does not know: nothing but a plain path is taken. */
const PREFIX = /^(\/[\w.~-]+){1,16}$/;
const HOST = /^[\w.-]{1,253}(:\d{1,5})?$|^\[[0-9a-f:.]{2,45}\](:\d{1,5})?$/i;

export class Forwarded {
  readonly #isTrusted: (address: string) => boolean;
  readonly #trusts: boolean;

  constructor(trusted: IpNetworks) {
    this.#trusts = !trusted.isEmpty;
    this.#isTrusted = remembered((address) => trusted.has(address));
  }

  /** What clients put before the paths: empty, or a path without a slash at its end. */
  prefix(request: Request, from: From): string {
    const [prefix = ""] = this.#told("x-forwarded-prefix", request, from).split(",");
    const path = prefix.trim().replace(/\/+$/, "");
    return PREFIX.test(path) && !path.split("/").some((part) => part === "." || part === "..") ? path : "";
  }

  /** The URL before the paths; undefined where no proxy that is trusted has named a host. */
  base(request: Request, from: From): string | undefined {
    const host = firstOf(this.#told("x-forwarded-host", request, from));
    if (!HOST.test(host)) return undefined;
    const scheme = firstOf(this.#told("x-forwarded-proto", request, from)).toLowerCase();
    return `${scheme === "https" ? "https" : "http"}://${host}${this.prefix(request, from)}`;
  }

  /** Scheme and host alone; undefined where no proxy that is trusted has named either. */
  origin(request: Request, from: From): string | undefined {
    const host = firstOf(this.#told("x-forwarded-host", request, from));
    const scheme = firstOf(this.#told("x-forwarded-proto", request, from)).toLowerCase();
    if (!HOST.test(host) && scheme !== "https") return undefined;
    // Many a proxy passes on the Host that it got.
    const own = HOST.test(host) ? host : URL.parse(request.url)?.host ?? "";
    return `${scheme === "https" ? "https" : "http"}://${own}`;
  }

  #told(name: string, { headers }: Request, { farEnd }: From): string {
    return (this.#trusts && farEnd !== undefined && this.#isTrusted(farEnd) && headers.get(name)) || "";
  }
}

/** Each proxy on the way adds its own behind a comma; the first one is what the client has used. */
function firstOf(values: string): string {
  return values.split(",", 1)[0]!.trim();
}
