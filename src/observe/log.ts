/** The log: one line an event, on stderr, as text or JSON, each value redacted, cut and escaped. */
import {
  getJsonLinesFormatter,
  getTextFormatter,
  type LogRecord,
  type TextFormatter,
} from "@logtape/logtape";
import type { GatewayEvent, Sink } from "../core/events.ts";
import { escaped } from "../base/outside.ts";
import { safeText } from "../base/telling.ts";
import { optionName } from "../base/option_name.ts";
import { type Children, children } from "./children.ts";
import type { LogSettings } from "./options.ts";
import { toldFields, VALUE } from "./told_event.ts";
import { withoutMasses } from "./without_masses.ts";
import { withoutRepeats } from "./without_repeats.ts";

export type LogLevel = LogSettings["logLevel"];
export type LogFormat = LogSettings["logFormat"];

interface LogOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** For a terminal; a log of JSON has none. False by default. */
  readonly colours?: boolean;
  /** From then on a call is worth a line; never by default. */
  readonly slowRequestMs?: number | undefined;
  /** Takes one line, its newline included. */
  readonly write: (line: string) => void;
}

const RANK: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3, none: 4 };

/** SGR codes (ECMA-48). */
const DIM = 2;
const LEVEL_COLOURS: Readonly<Record<string, number>> = { DBG: DIM, INF: 32, WRN: 33, ERR: 31, FTL: 31 };
const SESSION_COLOURS = [36, 35, 34, 96, 95, 94];

function painted(text: string, code: number): string {
  return `\x1b[${code}m${text}\x1b[0m`;
}

interface Described {
  readonly level: Exclude<LogLevel, "none">;
  readonly rank: number;
  readonly text: string;
}

/** A sink that drops what is below its level before it does any work. */
export function logSink(options: LogOptions): Sink {
  const { level, format, colours = false, slowRequestMs = Infinity, write } = options;
  const lowest = RANK[level];
  const childrenOf = childrenByBackend();
  const formatter = format === "json" ? jsonFormatter() : textFormatter(colours ? PAINTED : PLAIN);
  return withoutMasses(withoutRepeats((event) => {
    const described = describe(event, slowRequestMs);
    const known = childrenOf(event);
    known.hear(event);
    if (described.rank < lowest) return;
    write(`${formatter(recordOf(withPid(event, known), described))}\n`);
  }));
}

/** Servers may call a child alike, the one that all share above all. */
function childrenByBackend(): (event: GatewayEvent) => Children {
  const byBackend = new Map<string | undefined, Children>();
  return ({ backend }) => {
    const known = byBackend.get(backend);
    if (known) return known;
    const fresh = children();
    byBackend.set(backend, fresh);
    return fresh;
  };
}

/** Which child has, or had, the call. */
function withPid(event: GatewayEvent, { pidOf }: Children): GatewayEvent {
  if (event.type !== "request.slow" && event.type !== "request.finished") return event;
  const pid = pidOf(event.session);
  return pid === undefined ? event : { ...event, ...{ pid } };
}

function jsonFormatter(): TextFormatter {
  const formatter = getJsonLinesFormatter({ properties: "flatten" });
  return (record) => escaped(formatter(record).trimEnd());
}

/** How the parts of a line are shown; what they say is escaped before. */
interface Paint {
  readonly time: (text: string) => string;
  readonly level: (text: string) => string;
  readonly session: (text: string) => string;
}

const PLAIN: Paint = { time: (text) => text, level: (text) => text, session: (text) => text };
const PAINTED: Paint = {
  time: (text) => painted(text, DIM),
  level: (text) => painted(text, LEVEL_COLOURS[text] ?? DIM),
  // One session has one colour, so that its lines are found among those of others.
  session: (text) => painted(text, SESSION_COLOURS[sumOf(text) % SESSION_COLOURS.length]!),
};

function textFormatter(paint: Paint): TextFormatter {
  const formatter = getTextFormatter({
    timestamp: "rfc3339",
    level: "ABBR",
    format: ({ timestamp, level, message, record }) =>
      `${paint.time(timestamp ?? "")} ${paint.level(level)} ${escaped(message)}${
        pairs(record.properties, paint)
      }`,
  });
  return (record) => formatter(record).trimEnd();
}

function pairs(properties: Record<string, unknown>, { session }: Paint): string {
  return Object.entries(properties)
    .filter(([name, value]) => name !== "event" && value !== undefined)
    .map(([name, value]) => {
      const shown = escaped(typeof value === "string" ? logValue(value) : JSON.stringify(value));
      return ` ${escaped(name)}=${name === "session" ? session(shown) : shown}`;
    })
    .join("");
}

function sumOf(text: string): number {
  return [...text].reduce((sum, letter) => sum + letter.charCodeAt(0), 0);
}

function logValue(value: string): string {
  return /^[\w.:/@+-]+$/.test(value) ? value : JSON.stringify(value);
}

function recordOf(event: GatewayEvent, described: Described): LogRecord {
  const { level } = described;
  const text = safeText(described.text, VALUE.maxChars);
  return {
    category: ["keystone"],
    level: level === "warn" ? "warning" : level,
    message: [text],
    rawMessage: text,
    timestamp: Date.now(),
    properties: { event: event.type, ...toldFields(event, described.text) },
  };
}

function describedAs(level: Described["level"], text: string): Described {
  return { level, rank: RANK[level], text };
}

/** Nothing of a message is in the log above that. */
function seeMore(): string {
  return `; ${optionName("logLevel")} debug shows its messages`;
}

/** One line for each kind of event; made once, since most events are below the level of the log. */
const NEWS: Readonly<Record<GatewayEvent["type"], Described>> = {
  "gateway.started": describedAs("info", "Gateway started"),
  "gateway.stopping": describedAs("info", "Gateway is stopping"),
  "gateway.stopped": describedAs("info", "Gateway stopped"),
  "server.stopping": describedAs("info", "Server is stopping: another configuration counts"),
  "config.refused": describedAs("error", "Configuration cannot be taken, and the one before still counts"),
  "config.applied": describedAs("info", "Another configuration counts"),
  "session.opened": describedAs("info", "Session opened"),
  "session.closed": describedAs("info", "Session closed"),
  "request.finished": describedAs("debug", "Request finished"),
  "request.slow": describedAs(
    "warn",
    "Call takes long, and is still open: GET /health from this machine has all open calls",
  ),
  "call.abandoned": describedAs("info", "Call was given up: its client did not come again with answers"),
  "tool.notified": describedAs("debug", "Call that wants no answer"),
  "message": describedAs("debug", "Message"),
  "message.dropped": describedAs("warn", "Message dropped"),
  "client.dropped": describedAs("warn", "Client dropped, since it does not read"),
  "http.refused": describedAs("info", "Request refused"),
  "auth.accepted": describedAs("debug", "Caller is known"),
  "auth.refused": describedAs("debug", "Credentials refused"),
  "auth.first_key": describedAs("info", "There was no API key, so one was made; it stands in this file"),
  "auth.trouble": describedAs("error", "Credentials cannot be read, and those before still count"),
  "auth.keys_trouble": describedAs(
    "error",
    "Keys that sign tokens cannot be had, and those before still count",
  ),
  "auth.keys_changed": describedAs("info", "Credentials that callers may bring have changed"),
  "tool.called": describedAs("debug", "Tool called"),
  "audit.opened": describedAs("info", "Audit log goes on behind this line"),
  "audit.closed": describedAs("info", "Audit log ends with this line"),
  "audit.trouble": describedAs("error", "Audit log cannot be written, and nobody new is served"),
  "audit.recovered": describedAs("info", "Audit log can be written again"),
  "connection.refused": describedAs("warn", "Connection refused"),
  "connection.dropped": describedAs("info", "Connection dropped"),
  "listener.trouble": describedAs("error", "Nobody can connect"),
  "listener.recovered": describedAs("info", "Clients can connect again"),
  "tls.self_signed": describedAs(
    "info",
    "The certificate vouches for itself: clients need this file, to trust it",
  ),
  "tls.renewed": describedAs("info", "New connections have another certificate"),
  "tls.trouble": describedAs("error", "Another certificate cannot be served, and the one before still is"),
  "tls.expiring": describedAs("warn", "The certificate ends soon"),
  "tls.expired": describedAs("error", "The certificate has expired: clients refuse to connect"),
  "child.started": describedAs("info", "Child started"),
  "child.ready": describedAs("debug", "Child answers"),
  "child.assigned": describedAs("info", "Child that was started ahead has its session"),
  "child.stderr": describedAs("info", "Child says"),
  "child.noise": describedAs("warn", "Child wrote a line that is no message; dropped"),
  "child.exited": describedAs("error", "Child ended by itself"),
  "child.failed": describedAs("error", "Child could not be started"),
  "server.failed": describedAs("error", "Server has failed"),
  "server.restored": describedAs("info", "Server is back, and its session goes on"),
  "server.recovered": describedAs("info", "Server works again"),
  "server.trouble": describedAs("warn", "Trouble with the server"),
  "server.awaited": describedAs("info", "Waiting for the server to start"),
  "server.era": describedAs("info", "Found out which era of MCP the server speaks"),
  "server.detected": describedAs("info", "Found out which wire the server speaks"),
  "server.odd": describedAs("warn", "Server does not keep to the protocol, and is understood all the same"),
  "handshake.late": describedAs("error", "Server did not answer the handshake in time"),
  "override.changed": describedAs("info", "Settings of the server were changed"),
  "admin.started": describedAs("info", "Admin endpoint serves who has the token in this file"),
  "admin.called": describedAs("info", "Admin endpoint was called"),
  "warning": describedAs("warn", ""),
  "fault": describedAs("error", "Internal fault"),
};
/** As a Map: V8 compiles a lookup by a name that differs from event to event again and again where it is an object's. */
const NEWS_BY_TYPE: ReadonlyMap<string, Described> = new Map(Object.entries(NEWS));
const ANSWERED_ERROR: Described = describedAs("info", "Call was answered with an error");
const TOOK_LONG: Described = describedAs("info", "Call took long");
const POST_OPENED: Described = describedAs("debug", "Session opened");
const POST_CLOSED: Described = describedAs("debug", "Session closed");
const CHILD_ENDED_EARLY: Described = describedAs("error", "Child ended by itself, before it said anything");
const TOLD_BEFORE: Described = describedAs("debug", "Trouble with the server");
const STARTED_LATER: Described = describedAs("info", "Child is started again after a pause");
const AUDIT_LOST: Described = describedAs("error", "Audit log ends, and its last lines could not be written");
const AUDIT_UNENDED: Described = describedAs(
  "warn",
  "Audit log goes on behind this line, and its last gateway did not end in order",
);
const DROPPED_UNMISSED: Described = describedAs("debug", "Message dropped");
const ADMIN_REFUSED: Described = describedAs("warn", "Call of the admin endpoint was refused");
const CHILD_STOPPED: Described = describedAs("info", "Child stopped");

function describe(event: GatewayEvent, slowRequestMs: number): Described {
  switch (event.type) {
    case "request.finished":
      return described(event, slowRequestMs);
    // A single POST is a session of its own in stateless mode, and not worth a line.
    case "session.opened":
      return event.scope === "request" ? POST_OPENED : NEWS["session.opened"];
    case "session.closed":
      return event.scope === "request" ? POST_CLOSED : NEWS["session.closed"];
    case "gateway.stopping":
      return event.waitsFor ? describedAs("info", waiting()) : NEWS["gateway.stopping"];
    case "child.exited":
      return event.expected ? CHILD_STOPPED : event.early ? CHILD_ENDED_EARLY : NEWS["child.exited"];
    // The end of a child is one record, and these say the same to other observers.
    case "child.failed":
      return event.pid === undefined ? NEWS["child.failed"] : TOLD_BEFORE;
    case "server.trouble":
      if (!event.told) return NEWS["server.trouble"];
      return event.pauseMs === undefined ? TOLD_BEFORE : STARTED_LATER;
    case "message.dropped":
      return event.harmless ? DROPPED_UNMISSED : NEWS["message.dropped"];
    case "admin.called":
      return event.status < 400 ? NEWS["admin.called"] : ADMIN_REFUSED;
    case "audit.opened":
      return event.state === "without an end" ? AUDIT_UNENDED : NEWS["audit.opened"];
    case "audit.closed":
      return event.lost === undefined ? NEWS["audit.closed"] : AUDIT_LOST;
    case "warning":
      return describedAs("warn", event.text);
    default:
      return NEWS_BY_TYPE.get(event.type) ?? NEWS.fault;
  }
}

type Finished = Extract<GatewayEvent, { type: "request.finished" }>;

/** Of a client's call that went well, and of what servers ask, the log tells at debug alone. */
function described({ direction, outcome, durationMs }: Finished, slowRequestMs: number): Described {
  if (direction === "down") return NEWS["request.finished"];
  switch (outcome) {
    case "timeout":
      return describedAs("warn", `Call timed out${seeMore()}`);
    case "failed":
      return describedAs("warn", `Call failed${seeMore()}`);
    case "error":
      return ANSWERED_ERROR;
    default:
      return durationMs >= slowRequestMs ? TOOK_LONG : NEWS["request.finished"];
  }
}

function waiting(): string {
  const limit = optionName("shutdownTimeout");
  return `Gateway is stopping: it waits for open calls, until waitMs is over (${limit}) or a second signal comes`;
}
