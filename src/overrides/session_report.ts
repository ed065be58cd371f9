/** A session as it is told to who runs the gateway. */
import type { Wire } from "../core/backend.ts";
import type { LiveSession } from "../core/live_sessions.ts";
import { excerpt } from "../base/telling.ts";

/** What is not known is undefined. */
export interface SessionReport {
  /** As a whole: who may see it may do more than its client. */
  readonly id: string;
  readonly server: string;
  readonly wire: Wire;
  readonly client: { readonly name: string | undefined; readonly version: string | undefined };
  readonly protocolVersion: string | undefined;
  readonly principal: string | undefined;
  readonly ageSeconds: number;
  /** Since it was last used; undefined while something of it is open, and where the wire cannot tell. */
  readonly idleSeconds: number | undefined;
  readonly openRequests: number;
  /** Of the child that answers it. */
  readonly pid: number | undefined;
  /** How often its server was opened again. */
  readonly restarts: number;
  /** What is set for it alone, without secrets. */
  readonly override: Record<string, unknown>;
}

/** Who knows of servers by their label: a session, or a server that is shared. */
export interface Tellers {
  readonly pidOf: (label: string) => number | undefined;
  readonly restartsOf: (label: string) => number;
}

interface ReportOptions {
  readonly server: string;
  readonly label: string;
  readonly override: Record<string, unknown>;
  readonly tellers: Tellers;
}

export function reportOf(
  { session, since }: LiveSession,
  { server, label, override, tellers }: ReportOptions,
): SessionReport {
  const { peer, openRequests, negotiated } = session;
  const idleMs = peer.idleMs?.();
  return {
    ...{ id: peer.session, server, wire: peer.wire },
    client: { name: shown(negotiated?.client.name), version: shown(negotiated?.client.version) },
    protocolVersion: shown(negotiated?.revision),
    principal: shown(peer.principal?.name),
    ageSeconds: seconds(performance.now() - since),
    idleSeconds: idleMs === undefined ? undefined : seconds(idleMs),
    openRequests,
    pid: tellers.pidOf(label),
    restarts: tellers.restartsOf(label),
    override,
  };
}

function seconds(ms: number): number {
  return Math.round(ms / 100) / 10;
}

/** Of what others say of themselves. */
const SHOWN_CHARS = 200;

function shown(text: string | undefined): string | undefined {
  return text === undefined ? undefined : excerpt(text, SHOWN_CHARS);
}
