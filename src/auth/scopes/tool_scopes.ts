/** The policy that lets those alone call a tool who may, where a connection was opened once for all calls. */
import type { MessagePolicy } from "../../core/policy.ts";
import type { ScopeRule } from "./options.ts";
import { toolCheck } from "./scopes.ts";

/** What comes by POST was granted or refused with that: each POST has a token of its own, and may allow more or less. */
export function toolScopes(
  rules: readonly ScopeRule[],
  options: Parameters<typeof toolCheck>[1],
): MessagePolicy {
  const check = toolCheck(rules, options);
  return ({ peer, direction, envelope }, next) => {
    if (direction === "up" && peer.wire === "websocket") check(envelope.message, peer);
    return next();
  };
}
