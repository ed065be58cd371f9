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

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
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

/** Keys that tell by their beginning what they are: of OpenAI and Anthropic, GitHub, Slack, AWS and Google. */
const KEY_PATTERN = {
  pattern:
    /\b(?:sk-[\w-]{16,}|gh[opsu]_\w{16,}|github_pat_\w{16,}|xox[abprs]-[\w-]{10,}|AKIA[A-Z0-9]{16}|AIza[\w-]{30,})/g,
  replacement: "[KEY REDACTED]",
};
/** How long equal news is only counted. */
const REPEAT_MS = 10_000;
const PATTERNS = [KEY_PATTERN, JWT_PATTERN, BEARER_PATTERN, ASSIGNED_PATTERN];

/** The text without what looks like a secret. */
export function redactText(text: string): string {
  return PATTERNS.reduce((left, { pattern, replacement }) => left.replace(pattern, replacement), text);
}

interface Described {
  readonly level: Exclude<LogLevel, "none">;
  readonly rank: number;
  readonly text: string;
}

/** A sink that drops what is below its level before it does any work. */
export function logSink({ level, format, write }: LogOptions): Sink {
  const lowest = RANK[level];
  const formatter = redactByPattern(format === "json" ? jsonFormatter() : textFormatter(), PATTERNS);
  const sink = redactByField((record) => write(formatter(record)), {
    fieldPatterns: SECRET_FIELDS,
    action: () => "[REDACTED]",
  });
  return withoutRepeats((event) => {
    const described = describe(event);
    if (described.rank >= lowest) sink(recordOf(event, described));
  });
}

type Dropped = Extract<GatewayEvent, { type: "message.dropped" }>;

/** A talkative server whose messages nobody can have fills no log: what is dropped again and again is counted. */
export function withoutRepeats(sink: Sink, now = () => performance.now()): Sink {
  /** By session, direction and reason: how many were not told of, and since when. */
  const repeats = new Map<string, { event: Dropped; since: number; count: number }>();

  function tellOfDropped(event: Dropped): void {
    const key = `${event.session} ${event.direction} ${event.reason}`;
    const known = repeats.get(key);
    const count = (event.count ?? 1) + (known?.count ?? 0);
    if (known && now() - known.since < REPEAT_MS) return void (known.count = count);
    repeats.set(key, { event, since: now(), count: 0 });
    sink({ ...event, count });
  }

  function tellOfRest(session?: string): void {
    for (const [key, { event, count }] of repeats) {
      if (session !== undefined && event.session !== session) continue;
      repeats.delete(key);
      if (count > 0) sink({ ...event, count });
    }
  }

  return (event) => {
    if (event.type === "message.dropped") return tellOfDropped(event);
    if (event.type === "session.closed" && repeats.size > 0) tellOfRest(event.session);
    if (event.type === "gateway.stopped") tellOfRest();
    sink(event);
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
    if (value !== text) properties[name] = name === "session" ? shortened(value) : plain(value);
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
