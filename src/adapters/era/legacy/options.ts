/** How much there may be of what a legacy client has with a modern server. */
import type { Retry } from "../../../base/retry.ts";
import type { Sink } from "../../../core/events.ts";
import type { SubscriptionLimits } from "../../subscription_limits.ts";

/** As many as the SDKs let a server ask in place of such a one. */
export const MAX_ROUNDS = 8;

export interface LegacyClientOptions extends Partial<SubscriptionLimits> {
  readonly emit: Sink;
  /** How often a server may ask for input in one call. */
  readonly maxRounds?: number;
  /** How often, and after which pauses, a stream of changes is asked for again that its server has ended. */
  readonly listenRetry?: Retry;
  /** How long a server may take to acknowledge such a stream. */
  readonly acknowledgeMs?: number;
}

export type ResolvedLegacyClientOptions = Required<LegacyClientOptions>;

export function resolvedOptions({
  maxRounds = MAX_ROUNDS,
  listenRetry = { attempts: 5, firstDelayMs: 500, maxDelayMs: 30_000 },
  acknowledgeMs = 30_000,
  maxSubscriptions = 500,
  maxUriChars = 8192,
  emit,
}: LegacyClientOptions): ResolvedLegacyClientOptions {
  return { emit, maxRounds, listenRetry, acknowledgeMs, maxSubscriptions, maxUriChars };
}
