/** Message policies: what wraps the passage of each message through a session. */
import type { Peer } from "./backend.ts";
import type { Envelope } from "./channel.ts";
import type { Direction } from "./events.ts";
import type { Negotiated } from "./mcp/negotiated.ts";

export interface MessageContext {
  readonly peer: Peer;
  /** What the session's handshake came to; undefined before that is answered. */
  readonly negotiated?: Negotiated | undefined;
  readonly direction: Direction;
  readonly envelope: Envelope;
  /** What is asked or told; of an answer, what it answers. */
  readonly method?: string | undefined;
}

/** Wraps the passage of one message; to refuse, throw a GatewayError, and the session answers the sender. */
export type MessagePolicy = (
  context: MessageContext,
  next: () => Promise<void> | void,
) => Promise<void> | void;

/**
 * The first policy is the outermost. With none, the message passes at no cost. A policy that calls `next` once more hears an
 * error: the message would be sent twice.
 */
export function compose(policies: readonly MessagePolicy[]): MessagePolicy {
  if (policies.length === 0) return (_context, next) => next();
  return policies.reduceRight<MessagePolicy>(
    (inner, outer) => (context, next) => {
      let passed = false;
      return outer(context, () => {
        if (passed) throw new Error("A policy called next() more than once");
        passed = true;
        return inner(context, next);
      });
    },
    (_context, next) => next(),
  );
}
