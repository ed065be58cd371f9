/** How much a session may subscribe to: the gateway remembers it for as long as the session lives. */
import { optionName } from "../base/option_name.ts";
import { BusyError, type GatewayError, RequestError } from "../core/errors.ts";
import type { Params } from "../core/message/jsonrpc.ts";

export interface SubscriptionLimits {
  /** Of one session. */
  readonly maxSubscriptions: number;
  /** Also of what a subscription says besides its URI. */
  readonly maxUriChars: number;
}

/** Why a session that has so many subscriptions may not have this one, too; or undefined. */
export function subscriptionRefusal(
  { uri, _meta, ...rest }: Params,
  subscribed: number,
  { maxSubscriptions, maxUriChars }: SubscriptionLimits,
): GatewayError | undefined {
  const bound = `${maxUriChars} characters (${optionName("maxUriLength")})`;
  if (typeof uri === "string" && uri.length > maxUriChars) {
    return new RequestError(`The URI of a subscription may have ${bound}, and this one has ${uri.length}`);
  }
  if (!isEmpty(rest) && JSON.stringify(rest).length > maxUriChars) {
    return new RequestError(`What a subscription says besides its URI may have ${bound}`);
  }
  if (subscribed < maxSubscriptions) return undefined;
  return new BusyError(
    `Too many subscriptions: the limit of a session is ${maxSubscriptions} (${
      optionName("maxSubscriptions")
    })`,
  );
}

function isEmpty(params: Params): boolean {
  for (const _ in params) return false;
  return true;
}
