/** Who tries one credential after another from one address has to wait, longer each time. */
import { type FailureLimits, Failures, wholeSeconds } from "../base/failures.ts";
import { networkOf } from "../base/ip_address.ts";
import { optionName } from "../base/option_name.ts";
import { remembered } from "../base/remembered.ts";
import { RequestError } from "../core/errors.ts";
import type { AttemptLimit } from "./authentication.ts";

/** Addresses of IPv6 count by their /64. */
export function attemptLimit(limits: FailureLimits): AttemptLimit {
  const failures = new Failures(limits);
  const keyOf = remembered(networkOf);
  return {
    refusal(address) {
      const waitMs = failures.waitMs(keyOf(address ?? ""));
      return waitMs > 0 ? tooMany(wholeSeconds(waitMs), address) : undefined;
    },
    failed(address) {
      failures.add(keyOf(address ?? ""));
    },
  };
}

function tooMany(seconds: number, address = "an address that is not known"): RequestError {
  return new RequestError(`Too many failed attempts: try again in ${seconds} s`, {
    status: 429,
    headers: { "Retry-After": `${seconds}` },
    logged: `Too many failed attempts from ${address} (${optionName("authAttempts")})`,
  });
}
