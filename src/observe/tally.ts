/** What a running gateway has to tell of itself, counted from its events. */
import type { GatewayEvent, Sink } from "../core/events.ts";
import { escaped } from "../base/outside.ts";
import { safeText } from "../base/telling.ts";

/** The last thing that went wrong. */
interface LastError {
  readonly at: string;
  readonly event: GatewayEvent["type"];
  readonly text: string;
}

export interface Counts {
  /** Single POSTs do not count. */
  readonly sessions: number;
  readonly children: number;
  /** Children that took the place of one which had ended by itself. */
  readonly restarts: number;
  readonly lastError?: LastError;
}

export interface Tally {
  readonly sink: Sink;
  counts(): Counts;
}

const ERROR_CHARS = 500;
/** Of sessions whose child has ended, and that wait for another one. */
const MAX_BEREFT = 1_000;

export function tally(now = () => new Date()): Tally {
  const sessions = new Set<string>();
  const pids = new Set<number>();
  const bereft = new Set<string>();
  let restarts = 0;
  let lastError: LastError | undefined;

  function hear(event: GatewayEvent): void {
    count(event);
    const text = errorOf(event);
    if (text === undefined) return;
    lastError = { at: now().toISOString(), event: event.type, text: escaped(safeText(text, ERROR_CHARS)) };
  }

  function count(event: GatewayEvent): void {
    switch (event.type) {
      case "session.opened":
        return void (event.scope === "session" && sessions.add(event.session));
      case "session.closed":
        bereft.delete(event.session);
        return void sessions.delete(event.session);
      case "child.started":
        pids.add(event.pid);
        return void (bereft.delete(event.session) && restarts++);
      case "child.exited":
        pids.delete(event.pid);
        return void (!event.expected && bereft.size < MAX_BEREFT && bereft.add(event.session));
    }
  }

  return {
    sink: hear,
    counts: () => ({
      ...{ sessions: sessions.size, children: pids.size, restarts },
      ...lastError && { lastError },
    }),
  };
}

/** Undefined for what is no error. */
function errorOf(event: GatewayEvent): string | undefined {
  switch (event.type) {
    case "child.exited":
      return event.expected ? undefined : `${event.server} ended by itself (code ${event.code})`;
    // The end of a child has been told, and these say the same of it.
    case "child.failed":
      return event.pid === undefined ? event.reason : undefined;
    case "server.trouble":
      return event.told ? undefined : event.reason;
    case "server.failed":
    case "handshake.late":
    case "listener.trouble":
    case "tls.trouble":
      return event.reason;
    case "tls.expired":
      return `The certificate has expired: ${event.file}`;
    case "fault":
      return event.error instanceof Error ? event.error.message : String(event.error);
  }
}
