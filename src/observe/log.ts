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
  readonly text: string;
}

/** A sink that drops what is below its level before it does any work. */
export function logSink({ level, format, write }: LogOptions): Sink {
  const formatter = redactByPattern(format === "json" ? jsonFormatter() : textFormatter(), PATTERNS);
  const sink = redactByField((record) => write(formatter(record)), {
    fieldPatterns: SECRET_FIELDS,
    action: () => "[REDACTED]",
  });
  return withoutRepeats((event) => {
    const described = describe(event);
    if (RANK[described.level] >= RANK[level]) sink(recordOf(event, described));
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

/** One line for each kind of event; made once, since most events are below the level of the log. */
const NEWS: Readonly<Record<GatewayEvent["type"], Described>> = {
  "gateway.started": { level: "info", text: "Gateway started" },
  "gateway.stopping": { level: "info", text: "Gateway is stopping" },
  "gateway.stopped": { level: "info", text: "Gateway stopped" },
  "session.opened": { level: "info", text: "Session opened" },
  "session.closed": { level: "info", text: "Session closed" },
  "request.finished": { level: "debug", text: "Request finished" },
  "message": { level: "debug", text: "Message" },
  "message.dropped": { level: "warn", text: "Message dropped" },
  "http.refused": { level: "info", text: "Request refused" },
  "child.started": { level: "info", text: "Child started" },
  "child.ready": { level: "debug", text: "Child answers" },
  "child.assigned": { level: "info", text: "Child that was started ahead has its session" },
  "child.stderr": { level: "info", text: "Child says" },
  "child.noise": { level: "warn", text: "Child wrote a line that is no message; dropped" },
  "child.exited": { level: "error", text: "Child ended by itself" },
  "child.failed": { level: "error", text: "Child could not be started" },
  "server.failed": { level: "error", text: "Server has failed" },
  "server.restored": { level: "info", text: "Server is back, and its session goes on" },
  "server.recovered": { level: "info", text: "Server works again" },
  "server.trouble": { level: "warn", text: "Trouble with the server" },
  "warning": { level: "warn", text: "" },
  "fault": { level: "error", text: "Internal fault" },
};
const POST_OPENED: Described = { level: "debug", text: "Session opened" };
const POST_CLOSED: Described = { level: "debug", text: "Session closed" };
const CHILD_STOPPED: Described = { level: "info", text: "Child stopped" };

function describe(event: GatewayEvent): Described {
  switch (event.type) {
    // A single POST is a session of its own in stateless mode, and not worth a line.
    case "session.opened":
      return event.scope === "request" ? POST_OPENED : NEWS[event.type];
    case "session.closed":
      return event.scope === "request" ? POST_CLOSED : NEWS[event.type];
    case "child.exited":
      return event.expected ? CHILD_STOPPED : NEWS[event.type];
    case "warning":
      return { level: "warn", text: event.text };
    default:
      return NEWS[event.type];
  }
}
