/**
 * Health, told by events: failed while a server that all depend on is given up, or the audit log cannot be written, degraded from a child that could not
 * be started, or did not answer the handshake in time, until one answers, or for a minute. A child that a caller has
 * started in a way of its own says nothing of it.
 */
import type { GatewayEvent, Sink } from "../core/events.ts";

export type HealthStatus = "ok" | "degraded" | "failed" | "stopping";

export interface HealthReport {
  readonly status: HealthStatus;
  /** Why a server counts as failed. */
  readonly reason?: string;
  /** What the child that ended last by itself had to say of it: its last lines on stderr, and no stack trace. */
  readonly stderr?: readonly string[];
}

export interface Health {
  readonly sink: Sink;
  report(): HealthReport;
}

/**
 * How long a failure counts. A balancer that takes a degraded gateway out also takes away the requests that would show
 * that it works again.
 */
const FAILURE_COUNTS_MS = 60_000;
const MAX_LINES = 10;
/** As JavaScript and Java write them, and as Python does. */
const STACK_LINE = /^\s*(at |File ")/;

export function health(now = () => performance.now()): Health {
  /** By the name of the server: why it failed. */
  const failed = new Map<string, string>();
  let failedAt: number | undefined;
  /** Why it could not be started, where there is a way out to be named. */
  let failure: string | undefined;
  let lastWords: readonly string[] = [];
  let stopping = false;
  /** Why nobody can connect. */
  let deaf: string | undefined;
  /** Why nobody new is served. */
  let unrecorded: string | undefined;

  function hear(event: GatewayEvent): void {
    switch (event.type) {
      case "gateway.stopping":
        return void (stopping = true);
      case "listener.trouble":
        return void (deaf = event.reason);
      case "listener.recovered":
        return void (deaf = undefined);
      case "audit.trouble":
        return void (unrecorded = event.reason);
      case "audit.recovered":
        return void (unrecorded = undefined);
      case "child.failed":
        return event.own ? undefined : fail(undefined);
      case "handshake.late":
        return event.own ? undefined : fail(event.reason);
      case "child.ready":
        return void (failedAt = undefined);
      case "child.exited":
        return void (lastWords = event.expected ? lastWords : event.stderr);
      case "server.failed":
        return void (event.scope === "all" && failed.set(event.session, event.reason));
      case "server.recovered":
        return void failed.delete(event.session);
    }
  }

  function fail(reason: string | undefined): void {
    failedAt = now();
    failure = reason;
  }

  return {
    sink: hear,
    report() {
      const [reason] = failed.values();
      const words = lastWords.filter((line) => !STACK_LINE.test(line)).slice(-MAX_LINES);
      const stderr = words.length > 0 ? { stderr: words } : {};
      if (stopping) return { status: "stopping" };
      if (reason !== undefined) return { status: "failed", reason, ...stderr };
      if (unrecorded !== undefined) {
        return { status: "failed", reason: `The audit log cannot be written: ${unrecorded}` };
      }
      if (deaf !== undefined) return { status: "degraded", reason: `Nobody can connect: ${deaf}` };
      const degraded = failedAt !== undefined && now() - failedAt < FAILURE_COUNTS_MS;
      if (!degraded) return { status: "ok" };
      return { status: "degraded", ...failure !== undefined && { reason: failure } };
    },
  };
}
