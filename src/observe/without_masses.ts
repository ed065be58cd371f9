/** Keeps masses of equal refusals from filling the log: each is told once in a while, with how many there were. */
import { networkOf } from "../base/ip_address.ts";
import { Recent } from "../base/recent.ts";
import type { GatewayEvent, Sink } from "../core/events.ts";

/** How long equal ones are only counted. */
const REPEAT_MS = 60_000;
/** Of how many it is known that they were told; an attacker may have many addresses. */
const MAX_KNOWN = 1_000;

interface Told {
  readonly since: number;
  /** Since then, and not told. */
  count: number;
}

export function withoutMasses(sink: Sink): Sink {
  const known = new Recent<Told>(MAX_KNOWN);
  return (event) => {
    const key = keyOf(event);
    if (key === undefined) return sink(event);
    const told = known.get(key);
    const now = performance.now();
    if (told && now - told.since < REPEAT_MS) return void told.count++;
    known.set(key, { since: now, count: 0 });
    sink(told && told.count > 0 ? { ...event, count: told.count + 1 } as GatewayEvent : event);
  };
}

/** Undefined for what is told each time. */
function keyOf(event: GatewayEvent): string | undefined {
  switch (event.type) {
    case "connection.refused":
      return `${networkOf(event.address)} ${event.reason.replace(event.address, "")}`;
    case "http.refused":
      // Of each caller by itself: another one's refusals are no repetition.
      return event.status === 403 || event.status === 429
        ? `${event.principal ?? networkOf(event.address ?? "")} ${event.reason}`
        : undefined;
    default:
      return undefined;
  }
}
