/** Health, told by events: degraded from a child that could not be started until one answers, or for a minute. */
import type { Sink } from "../core/events.ts";

export type HealthStatus = "ok" | "degraded" | "stopping";

export interface Health {
  readonly sink: Sink;
  status(): HealthStatus;
}

/**
 * How long a failure counts. A balancer that takes a degraded gateway out also takes away the requests that would show
 * that it works again.
 */
const FAILURE_COUNTS_MS = 60_000;

export function health(now = () => performance.now()): Health {
  let failedAt: number | undefined;
  let stopping = false;
  return {
    sink({ type }) {
      if (type === "gateway.stopping") stopping = true;
      if (type === "child.failed") failedAt = now();
      if (type === "child.ready") failedAt = undefined;
    },
    status() {
      if (stopping) return "stopping";
      return failedAt !== undefined && now() - failedAt < FAILURE_COUNTS_MS ? "degraded" : "ok";
    },
  };
}
