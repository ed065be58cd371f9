/**
 * Notices when many sessions have come or gone and nothing happens any more. To open one makes several times as much
 * garbage as stays of it, and V8 looks for that only when it wants room: nobody calls, and it keeps twice what is held.
 */
import type { Sink } from "../core/events.ts";

/** Sessions that must have come or gone before a collection is worth its pause. */
const MANY_SESSIONS = 250;
const TICK_MS = 250;
/** Ticks without an event, and so a second at least: who is called again sooner is not at rest, and the call would wait. */
const REST_TICKS = 5;

/** A sink that calls `onRest` once for many sessions that have come or gone, when nothing has happened for a second. */
export function atRest(onRest: () => void): Sink {
  let changes = 0;
  let quietTicks = 0;
  let ticking: ReturnType<typeof setTimeout> | undefined;
  const stop = () => {
    clearTimeout(ticking);
    ticking = undefined;
    changes = 0;
  };
  const tick = () => {
    if (++quietTicks < REST_TICKS) {
      ticking = setTimeout(tick, TICK_MS);
      return;
    }
    stop();
    onRest();
  };
  return (event) => {
    quietTicks = 0;
    if (event.type === "gateway.stopping") stop();
    if (event.type !== "session.opened" && event.type !== "session.closed") return;
    if (event.scope === "session" && ++changes >= MANY_SESSIONS) ticking ??= setTimeout(tick, TICK_MS);
  };
}
