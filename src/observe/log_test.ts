import assert from "node:assert/strict";
import type { GatewayEvent } from "../core/events.ts";
import { type LogLevel, logSink } from "./log.ts";

const session = "s1";
const exited = { type: "child.exited", session, pid: 7, server: "x", code: 1, signal: undefined } as const;

const EVENTS: Record<Exclude<LogLevel, "none">, GatewayEvent[]> = {
  debug: [
    { type: "message", session, direction: "up", body: {} },
    { type: "session.opened", session, wire: "sse", scope: "request" },
    { type: "session.closed", session, scope: "request", reason: "r" },
    { type: "child.ready", session, pid: 7, server: "x" },
    {
      ...{ type: "request.finished", session, direction: "up", id: 1, method: "m" },
      ...{ outcome: "result", durationMs: 1 },
    },
  ],
  info: [
    { type: "gateway.started", urls: ["http://localhost/mcp"] },
    { type: "gateway.stopping", reason: "SIGTERM", openRequests: 0 },
    { type: "gateway.stopped" },
    { type: "session.opened", session, wire: "sse", scope: "session" },
    { type: "session.closed", session, scope: "session", reason: "r" },
    { type: "http.refused", method: "GET", route: "/", status: 404, reason: "Not found" },
    { type: "child.started", session, pid: 7, server: "x" },
    { type: "child.stderr", session, pid: 7, line: "hello" },
    { ...exited, expected: true, stderr: [] },
  ],
  warn: [
    { type: "message.dropped", session, direction: "up", reason: "r" },
    { type: "child.noise", session, pid: 7, line: "no json" },
    { type: "warning", text: "careful" },
  ],
  error: [
    { type: "child.failed", session, server: "x", reason: "no such file" },
    { ...exited, expected: false, stderr: ["at the end"] },
    { type: "fault", where: "somewhere", error: new Error("e") },
  ],
};

function lines(
  events: readonly GatewayEvent[],
  format: "text" | "json",
  level: LogLevel = "debug",
): string[] {
  const written: string[] = [];
  const sink = logSink({ level, format, write: (line) => written.push(line) });
  for (const event of events) sink(event);
  return written;
}

/** The one line of an event, without its time. */
function text(event: GatewayEvent): string {
  const [line = "", ...more] = lines([event], "text");
  assert.deepEqual(more, []);
  assert.match(line, /^\d{4}-\d\d-\d\dT[\d:.]+Z .*\n$/s);
  return line.slice(line.indexOf(" ") + 1, -1);
}

function json(event: GatewayEvent): Record<string, unknown> {
  const [line = "", ...more] = lines([event], "json");
  assert.deepEqual(more, []);
  assert(line.endsWith("\n"));
  return JSON.parse(line);
}

Deno.test("logSink writes each event at its level and above, and nothing at none", () => {
  const levels = ["debug", "info", "warn", "error"] as const;
  for (const [from, level] of levels.entries()) {
    for (const [rank, own] of levels.entries()) {
      const written = lines(EVENTS[own], "text", level);
      assert.equal(written.length, rank >= from ? EVENTS[own].length : 0, `${own} events at level ${level}`);
    }
  }
  for (const level of levels) assert.deepEqual(lines(EVENTS[level], "json", "none"), []);
});

Deno.test("logSink writes one line an event in both formats, whatever the event holds", () => {
  const line = 'two\nlines, a "quote", a \u001b[31mcolour\u0000';
  const event: GatewayEvent = { type: "child.stderr", session, pid: 7, line };
  assert.equal(text(event), `INF Child says session=s1 pid=7 line=${JSON.stringify(line)}`);
  assert.equal(json(event).line, line);
});

Deno.test("logSink lets no value leave its line or change its reader's screen", () => {
  const evil = "a\u001b[2J\u009b1m\r\n\u2028\u2029\u202e\u2066\u0085\u007f\u200b\ufeff\u{e0041}b";
  const events: GatewayEvent[] = [
    { type: "http.refused", method: evil, route: evil, status: 400, reason: evil },
    { type: "child.noise", session: evil, pid: 7, line: evil },
    { ...exited, expected: false, stderr: [evil] },
    { type: "message", session, direction: "up", body: { [evil]: evil } },
    { type: "warning", text: evil },
  ];
  for (const line of [...lines(events, "text"), ...lines(events, "json")]) {
    assert.match(line, /^[\x20-\x7e]+\n$/);
  }
});

Deno.test("logSink cuts what clients say", () => {
  const long = "x".repeat(1_000_000);
  const refused: GatewayEvent = {
    type: "http.refused",
    method: long,
    route: long,
    status: 400,
    reason: long,
  };
  for (const line of [...lines([refused], "text"), ...lines([refused], "json")]) assert(line.length < 4_000);
});

Deno.test("logSink writes text with the event's fields, quoted where needed", () => {
  assert.equal(
    text({ type: "http.refused", method: "GET", route: "/a b", status: 404, reason: "Not found" }),
    'INF Request refused method=GET route="/a b" status=404 reason="Not found"',
  );
  assert.equal(text({ type: "warning", text: "The {value} is odd" }), "WRN The {value} is odd");
});

Deno.test("logSink writes JSON with level, time, event and the event's fields", () => {
  const { "@timestamp": time, ...fields } = json({ type: "child.noise", session, pid: 7, line: "x" });
  assert.match(String(time), /^\d{4}-/);
  assert.deepEqual(fields, {
    ...{ level: "WARN", logger: "keystone", event: "child.noise" },
    ...{ message: "Child wrote a line that is no message; dropped", session, pid: 7, line: "x" },
  });
});

Deno.test("logSink keeps the text of a message event apart from the message's body", () => {
  const { message, body } = json({ type: "message", session, direction: "up", body: { id: 1 } });
  assert.equal(message, "Message");
  assert.deepEqual(body, { id: 1 });
});

Deno.test("logSink writes errors as their message and their cause's, without a stack", () => {
  const error = new Error("The server failed", { cause: new Error("EPIPE") });
  const closed: GatewayEvent = { type: "session.closed", session, scope: "session", reason: "r", error };
  assert.equal(json(closed).error, "The server failed: EPIPE");
  assert.equal(
    text({ type: "fault", where: "w", error: "just text" }),
    'ERR Internal fault where=w error="just text"',
  );
});

Deno.test("logSink leaves out what is not there, and rounds times", () => {
  assert.equal(
    text({ ...exited, expected: true, stderr: [] }),
    "INF Child stopped session=s1 pid=7 server=x code=1 expected=true stderr=[]",
  );
  const finished: GatewayEvent = {
    ...{ type: "request.finished", session, direction: "up", id: "a", method: "m" },
    ...{ outcome: "error", durationMs: 1.23456 },
  };
  assert.equal(json(finished).durationMs, 1.23);
});

Deno.test("logSink shows of a session's id no more than its beginning", () => {
  const lines: string[] = [];
  const log = logSink({ level: "info", format: "text", write: (line) => lines.push(line) });
  const session = crypto.randomUUID();
  log({ type: "session.opened", session, wire: "sse", scope: "session" });
  log({ type: "child.started", session: "shared", pid: 1, server: "x" });
  assert.match(lines[0] ?? "", new RegExp(`session=${session.slice(0, 8)} `));
  assert.match(lines[1] ?? "", /session=shared /);
});

// deno-lint-ignore no-control-regex -- it is what is looked for
const CODES = /\x1b\[(\d+)m/g;
const painted = (event: GatewayEvent, format: "text" | "json" = "text"): string => {
  const written: string[] = [];
  logSink({ level: "debug", format, colours: true, write: (line) => written.push(line) })(event);
  return written.join("");
};

Deno.test("logSink paints level and session for a terminal, and nothing that others say", () => {
  const said = { type: "child.stderr", session, pid: 7, line: "\x1b[31mred\x1b[0m session=s2" } as const;
  const line = painted(said);
  assert.match(
    line,
    // deno-lint-ignore no-control-regex -- it is what is looked for
    /^\x1b\[2m\S+Z\x1b\[0m \x1b\[32mINF\x1b\[0m Child says session=\x1b\[\d\dms1\x1b\[0m pid=7 /,
  );
  assert.match(line, /line="\\u001b\[31mred\\u001b\[0m session=s2"\n$/);
  const codesOf = (event: GatewayEvent) => [...painted(event).matchAll(CODES)].map(([, code]) => code);
  assert.equal(codesOf({ type: "warning", text: "careful" })[2], "33");
  assert.equal(codesOf({ type: "fault", where: "w", error: 1 })[2], "31");
  // The same colour for the same session, and the text is the same without them.
  assert.deepEqual(codesOf(said), codesOf(said));
  const bare = (text: string) => text.slice(text.indexOf(" "));
  assert.equal(bare(line.replaceAll(CODES, "")), bare(lines([said], "text")[0]!));
});

Deno.test("logSink paints no JSON", () => {
  assert.doesNotMatch(painted({ type: "warning", text: "careful" }, "json"), CODES);
});

Deno.test("logSink tells for what a stopping gateway waits", () => {
  const waits = { openRequests: 1, waitsFor: ["tools/call sleep (for 2s)"], waitMs: 5000 };
  assert.match(
    text({ type: "gateway.stopping", reason: "SIGINT", ...waits }),
    /^INF Gateway is stopping: it waits for open calls, .*second signal.* waitsFor=\["tools\/call sleep \(for 2s\)"\] waitMs=5000$/,
  );
});

Deno.test("logSink names the child of the server that has the call, where servers call theirs alike", () => {
  const lines: string[] = [];
  const sink = logSink({
    level: "info",
    format: "json",
    slowRequestMs: 1,
    write: (line) => void lines.push(line),
  });
  for (const [backend, pid] of [["a", 1], ["b", 2]] as const) {
    sink({ type: "child.started", backend, session: "shared", server: "x", pid });
  }
  for (const backend of ["a", "b"]) {
    sink({ type: "request.slow", backend, session: "s1", id: 1, method: "tools/call", ageMs: 5 });
  }
  assert.deepEqual(lines.slice(2).map((line) => JSON.parse(line)).map(({ backend, pid }) => [backend, pid]), [
    ["a", 1],
    ["b", 2],
  ]);
});
