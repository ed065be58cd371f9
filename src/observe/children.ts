/** Which child answers which session, as the events tell it. */
import type { GatewayEvent } from "../core/events.ts";

export interface Children {
  hear(event: GatewayEvent): void;
  /** Of the session's own child, or of the one that all share; also of one that has just ended. */
  pidOf(session: string): number | undefined;
  /** Of the child that was started under this name, while it runs. */
  runningPidOf(label: string): number | undefined;
  /** How often the server of the session, or of those that share it, was opened again. */
  restartsOf(session: string): number;
}

/** As `placement/shared.ts` and `placement/placement.ts` call them in events. */
const SHARED = ["shared", "modern"];
/** Of children that have ended, for what is told of their calls after that. */
const MAX_GONE = 100;
/** A server that is shared has no end that is told of. */
const MAX_COUNTED = 1_000;

export function children(): Children {
  const pids = new Map<string, number>();
  const gone = new Map<string, number>();
  const restarts = new Map<string, number>();

  function assign(session: string, warm: string): void {
    const pid = pids.get(warm);
    if (pid === undefined) return;
    pids.delete(warm);
    pids.set(session, pid);
  }

  /** A child that was given to another session ends under the name that it had at first. */
  function forget(ended: number): void {
    for (const [session, pid] of pids) {
      if (pid !== ended) continue;
      pids.delete(session);
      gone.set(session, pid);
    }
    const [oldest] = gone.size > MAX_GONE ? gone.keys() : [];
    if (oldest !== undefined) gone.delete(oldest);
  }

  function count(session: string): void {
    restarts.set(session, (restarts.get(session) ?? 0) + 1);
    const [oldest] = restarts.size > MAX_COUNTED ? restarts.keys() : [];
    if (oldest !== undefined) restarts.delete(oldest);
  }

  /** Where there is one for clients of each era, it cannot be told which has a call. */
  function sharedPid(): number | undefined {
    const known = SHARED.map((label) => pids.get(label) ?? gone.get(label)).filter((pid) =>
      pid !== undefined
    );
    return known.length === 1 ? known[0] : undefined;
  }

  return {
    hear(event) {
      switch (event.type) {
        case "child.started":
          return void pids.set(event.session, event.pid);
        case "child.assigned":
          return assign(event.session, event.warm);
        case "child.exited":
          return forget(event.pid);
        case "server.restored":
          return count(event.session);
        case "session.closed":
          if (restarts.size > 0) restarts.delete(event.session);
          return;
      }
    },
    runningPidOf: (label) => pids.get(label),
    restartsOf: (session) => restarts.get(session) ?? 0,
    pidOf: (session) => pids.get(session) ?? gone.get(session) ?? sharedPid(),
  };
}
