/** Everything that observers can hear of: log, metrics, audit, health and dashboard all read this one union. */
import type { Wire } from "./backend.ts";
import type { Era } from "./mcp/revisions.ts";
import type { RequestId } from "./message/jsonrpc.ts";

/** "up" is from client to server, "down" the other way. */
export type Direction = "up" | "down";

export type GatewayEvent = Happening & {
  /** Whose it is, where several servers are served. */
  readonly backend?: string;
};

type Happening =
  | { type: "gateway.started"; urls: readonly string[] }
  | { type: "gateway.stopping" } & StopNews
  /** A server alone, which is in the configuration no more. */
  | { type: "server.stopping" } & StopNews
  | { type: "gateway.stopped" }
  /** A configuration that was read anew is wrong: the one that counts still does. The other: it counts now; names of servers, and of what takes effect at the next start alone. */
  | { type: "config.refused"; problems: readonly string[] }
  | {
    type: "config.applied";
    added: readonly string[];
    changed: readonly string[];
    removed: readonly string[];
    later: readonly string[];
  }
  | {
    type: "session.opened";
    session: string;
    wire: Wire;
    scope: "session" | "request";
    /** Who has proved to be its client, and from which IP address it came. */
    principal?: string | undefined;
    address?: string | undefined;
  }
  | {
    type: "session.closed";
    session: string;
    scope: "session" | "request";
    reason: string;
    error?: unknown;
    principal?: string | undefined;
  }
  | {
    type: "request.finished";
    session: string;
    direction: Direction;
    id: RequestId;
    method: string;
    /** Of a call of a tool. */
    tool?: string | undefined;
    /** Whose session it is. */
    principal?: string | undefined;
    /** Characters of what was asked and of what was answered, where they were passed on. */
    requestSize?: number | undefined;
    answerSize?: number | undefined;
    outcome: "result" | "error" | "cancelled" | "failed" | "timeout";
    /** Milliseconds from arrival to answer. */
    durationMs: number;
    /** Why it has no answer of the server. */
    reason?: string | undefined;
    /** The JSON-RPC code of an error. */
    code?: number | undefined;
    /** That it was refused, and who has asked, is told by an event of its own. */
    isTold?: boolean | undefined;
  }
  /** It is still open after the time that option `slowRequest` names. */
  | { type: "request.slow"; session: string; id: RequestId; method: string; tool?: string; ageMs: number }
  /** It waited for its client to come again with answers, and it did not. */
  | {
    type: "call.abandoned";
    session?: string | undefined;
    method?: string | undefined;
    tool?: string | undefined;
    principal?: string | undefined;
    waitedMs: number;
    reason: string;
  }
  | { type: "message"; session: string; direction: Direction; body: unknown }
  /** A call of a tool that wants no answer: some servers act upon it all the same. */
  | {
    type: "tool.notified";
    session: string;
    principal?: string | undefined;
    tool: string | undefined;
    requestSize: number | undefined;
  }
  /** For who records what tools are called with, and for nobody else. */
  | {
    type: "tool.called";
    session: string;
    id?: RequestId | undefined;
    tool: string | undefined;
    arguments: unknown;
  }
  | {
    type: "message.dropped";
    session: string;
    direction: Direction;
    reason: string;
    count?: number;
    /** Nobody misses it. */
    harmless?: true;
  }
  /** A client that did not read what it was told. */
  | { type: "client.dropped"; session: string; reason: string }
  | {
    type: "http.refused";
    method: string;
    route: string;
    status: number;
    reason: string;
    principal?: string | undefined;
    address?: string | undefined;
  } & Counted
  /**
   * Somebody has proved who it is, or has failed to: by which kind of proof, and by which credential, which is named and never
   * shown. With a count it is told of those that have followed one which was told at once.
   */
  | { type: "auth.accepted"; principal: string } & Proof & Counted
  /** With a principal: it is known, and was not granted what is asked for, as this tool. */
  | {
    type: "auth.refused";
    reason: string;
    principal?: string | undefined;
    tool?: string | undefined;
    /** It costs its sender nothing to come again: equal ones are counted. */
    countable?: true;
  } & Proof
  /** There was none, and now there is one that anybody may use who reads this file. */
  | { type: "auth.first_key"; file: string }
  /** What credentials are compared with cannot be read: what was read before goes on to count. */
  | { type: "auth.trouble"; file: string; reason: string }
  /** The keys that sign tokens cannot be had, or are of no use: those that are known go on to count. */
  | { type: "auth.keys_trouble"; issuer: string; reason: string }
  /** Of what credentials are compared with: the ids of those that are new, that count for another time, that were taken back, and that are there no more. */
  | {
    type: "auth.keys_changed";
    kind: string;
    made: readonly string[];
    changed: readonly string[];
    revoked: readonly string[];
    removed: readonly string[];
  }
  /** The audit log goes on behind the line of this number; its hash tells later whether that line was changed. */
  | {
    type: "audit.opened";
    file: string;
    seq: number;
    hash: string;
    /** How the gateway before it ended. */
    state: "new" | "in order" | "without an end";
    /** Bytes of a line that it did not finish. */
    torn?: number;
  }
  /** `lost`: so many lines could not be written. */
  | { type: "audit.closed"; file: string; seq: number; hash: string; lost?: number }
  /** It cannot be written, and nobody new is served until it can. */
  | { type: "audit.trouble"; reason: string }
  | { type: "audit.recovered"; seconds: number }
  /** Before anything was asked on it. */
  | { type: "connection.refused"; address: string; reason: string } & Counted
  /** By us, whatever was under way. */
  | { type: "connection.dropped"; address: string; reason: string }
  /** Nobody can connect for the moment. */
  | { type: "listener.trouble"; reason: string }
  | { type: "listener.recovered" }
  /** Nobody vouches for the certificate: clients have to be told to trust that file, or this SHA-256 of it. */
  | { type: "tls.self_signed"; file: string; fingerprint: string; validUntil: string }
  /** New connections have another certificate. */
  | { type: "tls.renewed"; file: string; fingerprint: string; validUntil: string; daysLeft: number }
  /** What stands in its files now cannot be served: what stood there before goes on to be. */
  | { type: "tls.trouble"; reason: string }
  | { type: "tls.expiring" | "tls.expired"; file: string; validUntil: string; daysLeft: number }
  | { type: "child.started"; session: string; pid: number; server: string }
  | { type: "child.ready"; session: string; pid: number; server: string }
  /** A child that was started ahead got its session. */
  | { type: "child.assigned"; session: string; warm: string }
  | { type: "child.stderr"; session: string; pid: number; line: string }
  | { type: "child.noise"; session: string; pid: number; line: string }
  | {
    type: "child.exited";
    session: string;
    pid: number;
    server: string;
    code: number;
    signal: string | undefined;
    /** False when it ended by itself, unless it was probed: the entry of a crash then has the last lines of stderr. */
    expected: boolean;
    stderr: readonly string[];
    /** It ended by itself, and had said nothing. */
    early?: true;
  }
  /** With a pid it had started, and `child.exited` has told of its end. `own`: it was not started as for all. */
  | { type: "child.failed"; session: string; server: string; reason: string; pid?: number; own?: true }
  /** Too many ends in a row: it is not started again but now and then. `scope` says whether all are concerned. */
  | { type: "server.failed"; session: string; server: string; scope: "all" | "session"; reason: string }
  | { type: "server.recovered"; session: string; server: string; scope: "all" | "session" }
  /** It was opened again, and told what the last one knew. */
  | { type: "server.restored"; session: string; server: string }
  /** `told`: it is the end of a child, of which `child.exited` has told; what is new is the pause, if there is one. */
  | { type: "server.trouble"; session: string; server: string; reason: string; told?: true; pauseMs?: number }
  /** The handshake that Keystone plays was not answered within its time. */
  | { type: "handshake.late"; session: string; server: string; reason: string; own?: true }
  /** It is being started, for a while already. */
  | { type: "server.awaited"; server: string; reason: string }
  /** Which era it speaks, as it was asked; it may take a handshake as well. */
  | { type: "server.era"; server: string; era: Era }
  /** Which wire a URL speaks that named none. */
  | { type: "server.detected"; server: string; wire: Exclude<Wire, "stdio"> }
  /** It does not keep to the protocol, in a way that is understood all the same. */
  | { type: "server.odd"; session: string; server: string; reason: string }
  /** Something was set for all its sessions, or for this one: the names of what was, and who takes it over how. */
  | {
    type: "override.changed";
    server: string;
    session?: string;
    changed: string;
    live: number;
    restart: number;
    when: "idle" | "now" | "never";
  }
  /** Its token stands in that file. */
  | { type: "admin.started"; url: string; file: string }
  /** Each call of the admin endpoint; `changed` says what it has brought about, `reason` why it was refused. */
  | {
    type: "admin.called";
    method: string;
    path: string;
    status: number;
    changed?: string;
    reason?: string;
  }
  | { type: "warning"; text: string }
  | { type: "fault"; where: string; error: unknown };

interface Proof {
  kind: string | undefined;
  credential: string | undefined;
  address: string | undefined;
}

interface Counted {
  /** Where so many equal ones are told of together. */
  count?: number;
}

interface StopNews {
  reason: string;
  openRequests: number;
  /** The oldest calls that are waited for, and how long at most. */
  waitsFor?: readonly string[];
  waitMs?: number;
}

/** Observers never throw into the path and never change a message. */
export type Sink = (event: GatewayEvent) => void;

/** One emitter for many sinks; a sink that throws loses that event and nobody else does. */
export function bus(sinks: readonly Sink[]): Sink {
  return (event) => {
    for (const sink of sinks) {
      try {
        sink(event);
      } catch {
        // An observer's failure must not become the client's; there is nobody left to tell.
      }
    }
  };
}

/** Runs a promise that nobody awaits; its failure becomes an event. */
export function background(promise: Promise<unknown>, where: string, emit: Sink): void {
  promise.catch((error) => emit({ type: "fault", where, error }));
}
