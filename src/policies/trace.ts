/** Tells observers of each message; switched on only where somebody reads bodies (log level debug). */
import type { Sink } from "../core/events.ts";
import type { MessagePolicy } from "../core/policy.ts";

export function trace(emit: Sink): MessagePolicy {
  return ({ peer, direction, envelope }, next) => {
    emit({ type: "message", session: peer.session, direction, body: envelope.message });
    return next();
  };
}
