/** The log: one line an event, on stderr, as text or JSON, with secrets redacted. */
import {
  getJsonLinesFormatter,
  getTextFormatter,
  type LogRecord,
  type TextFormatter,
} from "@logtape/logtape";
import { redactByField, redactByPattern } from "@logtape/redaction";
import type { GatewayEvent, Sink } from "../core/events.ts";

export type LogLevel = "debug" | "info" | "warn" | "error" | "none";
export type LogFormat = "text" | "json";

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Takes one line, its newline included. */
  readonly write: (line: string) => void;
}

const RANK: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3, none: 4 };

/** Argument names that hold secrets, as whole words of camelCase, snake_case and kebab-case names. */
const SECRET_FIELDS = [
  /(?:^|[-_.])(?:api-?key|auth|authorization|cookie|credentials?|key|passwd|password|passphrase|secret|session-?token|signature|token)(?:$|[-_.])/i,
  /(?:apiKey|ApiKey|accessKey|privateKey|secret|password|passwd|(?<!progress|max)Token|Secret|Password|Authorization)/,
];
/** The library's own pattern takes quadratic time for a line of nothing but "eyJeyJ…". */
const JWT_PATTERN = {
  pattern: /(?<![\w-])eyJ[\w-]*\.[\w-]*\.[\w-]*/g,
  replacement: "[JWT REDACTED]",
};
const BEARER_PATTERN = {
  pattern: /\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{6,}/gi,
  replacement: "$1 [REDACTED]",
};
/** `API_KEY=…` in a line of a child, `?token=…` in a URL. */
const ASSIGNED_PATTERN = {
  pattern: /((?:api[-_]?key|passw(?:or)?d|secret|token)=)[^\s"'&,;\\]+/gi,
  replacement: "$1[REDACTED]",
};

interface Described {
  readonly level: Exclude<LogLevel, "none">;
  readonly text: string;
}

/** A sink that drops what is below its level before it does any work. */
export function logSink({ level, format, write }: LogOptions): Sink {
  const formatter = redactByPattern(format === "json" ? jsonFormatter() : textFormatter(), [
    JWT_PATTERN,
    BEARER_PATTERN,
    ASSIGNED_PATTERN,
  ]);
  const sink = redactByField((record) => write(formatter(record)), {
    fieldPatterns: SECRET_FIELDS,
    action: () => "[REDACTED]",
  });
  return (event) => {
    const described = describe(event);
    if (RANK[described.level] >= RANK[level]) sink(recordOf(event, described));
  };
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

function recordOf(event: GatewayEvent, { level, text }: Described): LogRecord {
  const { type, ...fields } = event;
  const properties: Record<string, unknown> = { event: type };
  for (const [name, value] of Object.entries(fields)) {
    if (value !== text) properties[name] = plain(value);
  }
  return {
    category: ["keystone"],
    level: level === "warn" ? "warning" : level,
    message: [text],
    rawMessage: text,
    timestamp: Date.now(),
    properties,
  };
}

/** Errors as text: their message, and what caused them. */
function plain(value: unknown): unknown {
  if (typeof value === "number") return Math.round(value * 100) / 100;
  if (!(value instanceof Error)) return value;
  return value.cause instanceof Error ? `${value.message}: ${value.cause.message}` : value.message;
}

function describe(event: GatewayEvent): Described {
  switch (event.type) {
    case "gateway.started":
      return { level: "info", text: "Gateway started" };
    case "gateway.stopping":
      return { level: "info", text: "Gateway is stopping" };
    case "gateway.stopped":
      return { level: "info", text: "Gateway stopped" };
    case "session.opened":
      return { level: event.scope === "session" ? "info" : "debug", text: "Session opened" };
    case "session.closed":
      // A single POST is a session of its own in stateless mode, and not worth a line.
      return { level: event.scope === "session" ? "info" : "debug", text: "Session closed" };
    case "request.finished":
      return { level: "debug", text: "Request finished" };
    case "message":
      return { level: "debug", text: "Message" };
    case "message.dropped":
      return { level: "warn", text: "Message dropped" };
    case "http.refused":
      return { level: "info", text: "Request refused" };
    case "child.started":
      return { level: "info", text: "Child started" };
    case "child.ready":
      return { level: "debug", text: "Child answers" };
    case "child.stderr":
      return { level: "info", text: "Child says" };
    case "child.noise":
      return { level: "warn", text: "Child wrote a line that is no message; dropped" };
    case "child.exited":
      return event.expected
        ? { level: "info", text: "Child stopped" }
        : { level: "error", text: "Child ended by itself" };
    case "child.failed":
      return { level: "error", text: "Child could not be started" };
    case "remote.trouble":
      return { level: "warn", text: "Trouble with the remote server" };
    case "warning":
      return { level: "warn", text: event.text };
    case "fault":
      return { level: "error", text: "Internal fault" };
  }
}
