/** Health, told by events: degraded from the first child that cannot be started until one answers. */
import type { Sink } from "../core/events.ts";

export type HealthStatus = "ok" | "degraded" | "stopping";

export interface Health {
  readonly sink: Sink;
  status(): HealthStatus;
}

export function health(): Health {
  let status: HealthStatus = "ok";
  return {
    sink({ type }) {
      if (type === "gateway.stopping") status = "stopping";
      if (status === "stopping") return;
      if (type === "child.failed") status = "degraded";
      if (type === "child.ready") status = "ok";
    },
    status: () => status,
  };
}
