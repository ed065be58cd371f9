/** The log: one line an event, on stderr, as text or JSON, each value redacted, cut and escaped. */
import {
  getJsonLinesFormatter,
  getTextFormatter,
  type LogRecord,
  type TextFormatter,
} from "@logtape/logtape";
import type { GatewayEvent, Sink } from "../core/events.ts";
import { escaped } from "../core/outside.ts";
import { type TellingLimits, told as toldText, toldValue } from "../core/telling.ts";
import { withoutRepeats } from "./without_repeats.ts";

export type LogLevel = "debug" | "info" | "warn" | "error" | "none";
export type LogFormat = "text" | "json";

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Takes one line, its newline included. */
  readonly write: (line: string) => void;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const RANK: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3, none: 4 };

/** Of one value; lines of a child are cut by their reader, and a message has room for more than one value. */
const VALUE: TellingLimits = { maxChars: 1_000, maxTotal: 4_000 };
const CHILD_LINE: TellingLimits = { maxChars: 8_200, maxTotal: 8_200 };
const CHILD_LINES: TellingLimits = { maxChars: 2_000, maxTotal: 16_000 };
const BODY: TellingLimits = { maxChars: 8_000, maxTotal: 16_000 };
const LIMITS: Readonly<Record<string, TellingLimits>> = { line: CHILD_LINE, stderr: CHILD_LINES, body: BODY };

interface Described {
  readonly level: Exclude<LogLevel, "none">;
  readonly rank: number;
  readonly text: string;
}

/** A sink that drops what is below its level before it does any work. */
export function logSink({ level, format, write }: LogOptions): Sink {
  const lowest = RANK[level];
  const formatter = format === "json" ? jsonFormatter() : textFormatter();
  return withoutRepeats((event) => {
    const described = describe(event);
    if (described.rank < lowest) return;
    const line = formatter(recordOf(event, described));
    write(`${escaped(line.trimEnd())}\n`);
  });
}

function jsonFormatter(): TextFormatter {
  return getJsonLinesFormatter({ properties: "flatten" });
}

function textFormatter(): TextFormatter {
  return getTextFormatter({
    timestamp: "rfc3339",
    level: "ABBR",
    format: ({ timestamp, level, message, record }) =>
      `${timestamp} ${level} ${message}${pairs(record.properties)}`,
  });
}

function pairs(properties: Record<string, unknown>): string {
  return Object.entries(properties)
    .filter(([name, value]) => name !== "event" && value !== undefined)
    .map(([name, value]) => ` ${name}=${typeof value === "string" ? quoted(value) : JSON.stringify(value)}`)
    .join("");
}

function quoted(value: string): string {
  return /^[\w.:/@+-]+$/.test(value) ? value : JSON.stringify(value);
}

function recordOf(event: GatewayEvent, described: Described): LogRecord {
  const { level } = described;
  const { type, ...fields } = event;
  const properties: Record<string, unknown> = { event: type };
  for (const [name, value] of Object.entries(fields)) {
    if (value === described.text) continue;
    const shown = name === "session" ? shortened(value) : plain(value);
    properties[name] = toldValue(shown, LIMITS[name] ?? VALUE);
  }
  const text = toldText(described.text, VALUE.maxChars);
  return {
    category: ["keystone"],
    level: level === "warn" ? "warning" : level,
    message: [text],
    rawMessage: text,
    timestamp: Date.now(),
    properties,
  };
}

/** Who knows a session's id may speak for it, so a log has its beginning alone. */
function shortened(session: unknown): unknown {
  return typeof session === "string" && UUID.test(session) ? session.slice(0, 8) : session;
}

/** Errors as text: their message, and what caused them. */
function plain(value: unknown): unknown {
  if (typeof value === "number") return Math.round(value * 100) / 100;
  if (!(value instanceof Error)) return value;
  return value.cause instanceof Error ? `${value.message}: ${value.cause.message}` : value.message;
}

function told(level: Described["level"], text: string): Described {
  return { level, rank: RANK[level], text };
}

/** One line for each kind of event; made once, since most events are below the level of the log. */
const NEWS: Readonly<Record<GatewayEvent["type"], Described>> = {
  "gateway.started": told("info", "Gateway started"),
  "gateway.stopping": told("info", "Gateway is stopping"),
  "gateway.stopped": told("info", "Gateway stopped"),
  "session.opened": told("info", "Session opened"),
  "session.closed": told("info", "Session closed"),
  "request.finished": told("debug", "Request finished"),
  "message": told("debug", "Message"),
  "message.dropped": told("warn", "Message dropped"),
  "client.dropped": told("warn", "Client dropped, since it does not read"),
  "http.refused": told("info", "Request refused"),
  "connection.refused": told("warn", "Connection refused"),
  "connection.dropped": told("info", "Connection dropped"),
  "listener.trouble": told("error", "Nobody can connect"),
  "listener.recovered": told("info", "Clients can connect again"),
  "child.started": told("info", "Child started"),
  "child.ready": told("debug", "Child answers"),
  "child.assigned": told("info", "Child that was started ahead has its session"),
  "child.stderr": told("info", "Child says"),
  "child.noise": told("warn", "Child wrote a line that is no message; dropped"),
  "child.exited": told("error", "Child ended by itself"),
  "child.failed": told("error", "Child could not be started"),
  "server.failed": told("error", "Server has failed"),
  "server.restored": told("info", "Server is back, and its session goes on"),
  "server.recovered": told("info", "Server works again"),
  "server.trouble": told("warn", "Trouble with the server"),
  "server.odd": told("warn", "Server does not keep to the protocol, and is understood all the same"),
  "warning": told("warn", ""),
  "fault": told("error", "Internal fault"),
};
/** As a Map: V8 compiles a lookup by a name that differs from event to event again and again where it is an object's. */
const NEWS_BY_TYPE: ReadonlyMap<string, Described> = new Map(Object.entries(NEWS));
const POST_OPENED: Described = told("debug", "Session opened");
const POST_CLOSED: Described = told("debug", "Session closed");
const CHILD_STOPPED: Described = told("info", "Child stopped");

function describe(event: GatewayEvent): Described {
  switch (event.type) {
    // A single POST is a session of its own in stateless mode, and not worth a line.
    case "session.opened":
      return event.scope === "request" ? POST_OPENED : NEWS["session.opened"];
    case "session.closed":
      return event.scope === "request" ? POST_CLOSED : NEWS["session.closed"];
    case "child.exited":
      return event.expected ? CHILD_STOPPED : NEWS["child.exited"];
    case "warning":
      return told("warn", event.text);
    default:
      return NEWS_BY_TYPE.get(event.type) ?? NEWS.fault;
  }
}
