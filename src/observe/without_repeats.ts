/**
 * Keeps equal events from filling the log: messages dropped for the same reason are counted and told together. What is
 * odd about a server is told once.
 */
import type { GatewayEvent, Sink } from "../core/events.ts";
import { cutOut } from "../base/cut_out.ts";

/** How long equal news is only counted. */
const REPEAT_MS = 10_000;
/** Of one session. What is dropped for more reasons than that is counted together: the reasons may hold what others say. */
const MAX_REASONS = 16;
const MANY_REASONS = "for many reasons, of which these are the rest";
/** A longer reason has a name in it that somebody else chose. */
const MAX_REASON_CHARS = 300;
/** Sessions of which something is counted; from then on the one that was told of first has to go. */
const MAX_SESSIONS = 1_000;

type Dropped = Extract<GatewayEvent, { type: "message.dropped" }>;

/** How many equal drops were not told of, and since when. */
interface Repeated {
  readonly event: Dropped;
  readonly since: number;
  count: number;
}

/** By direction and reason. */
type OfSession = Map<string, Repeated>;

/** No event costs more than its own session has to tell. */
export function withoutRepeats(sink: Sink, now = () => performance.now()): Sink {
  const sessions = new Map<string, OfSession>();
  /** The reasons are ours, and the servers those of the configuration: there are few. */
  const odd = new Set<string>();

  function tellOfDropped(event: Dropped): void {
    const ofSession = sessions.get(event.session) ?? begin(event.session);
    const known = ofSession.get(keyOf(event));
    if (!known && ofSession.size >= MAX_REASONS && event.reason !== MANY_REASONS) {
      return tellOfDropped({ ...event, reason: MANY_REASONS });
    }
    const count = (event.count ?? 1) + (known?.count ?? 0);
    if (known && now() - known.since < REPEAT_MS) return void (known.count = count);
    ofSession.set(keyOf(event), { event, since: now(), count: 0 });
    sink({ ...event, count });
  }

  function begin(session: string): OfSession {
    const [oldest] = sessions.size >= MAX_SESSIONS ? sessions.keys() : [];
    if (oldest !== undefined) tellOfRest(oldest);
    const ofSession: OfSession = new Map();
    sessions.set(session, ofSession);
    return ofSession;
  }

  function tellOfRest(session: string): void {
    for (const { event, count } of sessions.get(session)?.values() ?? []) {
      if (count > 0) sink({ ...event, count });
    }
    sessions.delete(session);
  }

  return (event) => {
    if (event.type === "message.dropped") return tellOfDropped(withShortReason(event));
    if (event.type === "server.odd" && odd.size === odd.add(`${event.server}\n${event.reason}`).size) return;
    if (event.type === "session.closed" && sessions.size > 0) tellOfRest(event.session);
    if (event.type === "gateway.stopped") { for (const session of [...sessions.keys()]) tellOfRest(session); }
    sink(event);
  };
}

function keyOf({ direction, reason }: Dropped): string {
  return `${direction} ${reason}`;
}

function withShortReason(event: Dropped): Dropped {
  const { reason } = event;
  if (reason.length <= MAX_REASON_CHARS) return event;
  return { ...event, reason: `${cutOut(reason.slice(0, MAX_REASON_CHARS), reason.length)}…` };
}
