/** Which addresses may call at all: asked where a connection is accepted, and of whom a trusted proxy names. */
import { optionName } from "../base/option_name.ts";
import { remembered } from "../base/remembered.ts";
import { RequestError } from "../core/errors.ts";
import type { HttpPolicy } from "../core/http_policy.ts";
import { IpNetworks } from "../wire/ip_networks.ts";

interface IpFilterOptions {
  /** Networks that may call; all where there is none. */
  readonly allow: readonly string[];
  /** Networks that may not, whatever is allowed. */
  readonly deny: readonly string[];
  /** Networks of proxies that may connect and speak for others, who are judged then. */
  readonly proxies: IpNetworks;
}

export class IpFilter {
  readonly #proxies: IpNetworks;
  /** Why an address may not call; null for one that may. */
  readonly #refusal: (address: string) => RequestError | null;

  constructor({ allow, deny, proxies }: IpFilterOptions) {
    const [allowed, denied] = [new IpNetworks(allow), new IpNetworks(deny)];
    this.#proxies = proxies;
    this.#refusal = remembered((address) => {
      if (denied.has(address)) return refusal(address, "denyIp");
      return allowed.isEmpty || allowed.has(address) ? null : refusal(address, "allowIp");
    });
  }

  /** Throws RequestError 403 for a connection from there. */
  refuseConnection(address: string): void {
    if (!this.#proxies.has(address)) this.#refuse(address);
  }

  /** For whom a proxy names: all others have passed before they could ask. */
  readonly policy: HttpPolicy = (request, caller, next) => {
    if (caller.address !== undefined) this.#refuse(caller.address);
    return next(request, caller);
  };

  #refuse(address: string): void {
    const refusal = this.#refusal(address);
    if (refusal) throw refusal;
  }
}

/** Made once for an address, and not for each time that it comes. */
function refusal(address: string, option: "allowIp" | "denyIp"): RequestError {
  const why = option === "denyIp" ? "is in" : "is not in";
  const logged = `Forbidden: ${address} ${why} ${optionName(option)}`;
  return new RequestError("Forbidden: this address may not call", { status: 403, logged });
}
