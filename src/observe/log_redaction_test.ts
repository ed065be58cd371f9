import assert from "node:assert/strict";
import type { GatewayEvent } from "../core/events.ts";
import { logSink } from "./log.ts";

/** The event as both formats write it. */
function written(event: GatewayEvent): string {
  let all = "";
  for (const format of ["text", "json"] as const) {
    logSink({ level: "debug", format, write: (line) => all += line })(event);
  }
  return all;
}

function stderr(line: string): GatewayEvent {
  return { type: "child.stderr", session: "s1", pid: 7, line };
}

function message(body: unknown): GatewayEvent {
  return { type: "message", session: "s1", direction: "up", body };
}

Deno.test("logSink hides fields of a body whose names say that they are secret, at any depth", () => {
  const names = [
    ...["password", "passwd", "dbPassword", "passphrase", "secret", "clientSecret", "client_secret"],
    ...["token", "accessToken", "refresh_token", "X-Auth-Token", "sessionToken", "GITHUB_TOKEN"],
    ...["apiKey", "api_key", "api-key", "x-api-key", "OPENAI_API_KEY", "privateKey", "key"],
    ...["Authorization", "authorization", "proxy-authorization", "cookie", "credentials", "signature"],
  ];
  for (const name of names) {
    const log = written(message({ params: { list: [{ [name]: "hidden-value", other: "shown-value" }] } }));
    assert.doesNotMatch(log, /hidden-value/, name);
    assert.match(log, /shown-value/);
    assert(log.includes(name));
  }
});

Deno.test("logSink hides a secret that is no text, and all of one that is an object", () => {
  for (const value of [12345678, { user: 12345678 }, [12345678]]) {
    assert.doesNotMatch(written(message({ password: value })), /12345678/);
  }
});

Deno.test("logSink shows fields whose names only look like secrets", () => {
  const body = {
    progressToken: "shown-1",
    maxTokens: 1002,
    author: "shown-3",
    keyboard: "shown-4",
    monkey: "shown-5",
  };
  const log = written(message(body));
  for (const shown of ["shown-1", "1002", "shown-3", "shown-4", "shown-5"]) {
    assert(log.includes(shown), shown);
  }
});

Deno.test("logSink hides credentials by their form, in lines of a child and in texts of a body", () => {
  const secrets = {
    "%": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
    "Bearer %": "abc.def-123456",
    "basic %": "dXNlcjpwYXNz",
    "Authorization: Bearer   %": "abcdef123456==",
    "OPENAI_API_KEY=%": "sk-123456",
    "http://localhost/?x=1&token=%&y=2": "abcdef123456",
  };
  for (const [form, value] of Object.entries(secrets)) {
    const secret = form.replace("%", value);
    for (const event of [stderr(`sending ${secret} now`), message({ text: [`(${secret})`] })]) {
      const log = written(event);
      assert(!log.includes(value), log);
      assert.match(log, /REDACTED/);
    }
  }
});

Deno.test("logSink hides credentials in errors and in the last lines of a crash", () => {
  const error = new Error("refused", { cause: new Error("401 for Bearer abcdef123456") });
  assert.doesNotMatch(written({ type: "fault", where: "w", error }), /abcdef123456/);
  const crash: GatewayEvent = {
    ...{ type: "child.exited", session: "s1", pid: 7, server: "x", code: 1, signal: undefined },
    ...{ expected: false, stderr: ["Bearer abcdef123456"] },
  };
  assert.doesNotMatch(written(crash), /abcdef123456/);
});

Deno.test("logSink does not change the event itself", () => {
  const body = { password: "p", list: [{ token: "t" }] };
  written(message(body));
  assert.deepEqual(body, { password: "p", list: [{ token: "t" }] });
});

Deno.test("logSink hides what the words of people call secrets, and JSON that is a text", () => {
  for (const name of ["pwd", "pass", "dsn", "connectionString", "bearer", "args", "otp", "passcode"]) {
    const inner = JSON.stringify({ [name]: "hidden-value", other: "shown-value" });
    for (
      const body of [{ [name]: "hidden-value", other: "shown-value" }, { text: inner }, [`got ${inner}`]]
    ) {
      const log = written(message({ params: body }));
      assert.doesNotMatch(log, /hidden-value/, log);
      assert.match(log, /shown-value/);
    }
  }
});

Deno.test("logSink takes a bounded time and place for a line of any length", () => {
  for (const piece of ["eyJ", "eyJ.", "eyJ-", "Bearer ", "Basic\t", "a-", '"password":', "\u202e", '{"a":']) {
    const text = piece.repeat(1024 * 1024 / piece.length);
    const events: GatewayEvent[] = [
      stderr(text),
      message({ text, [text]: text, list: Array(1000).fill(text) }),
      { type: "http.refused", method: text, route: text, status: 400, reason: text },
      { type: "session.closed", session: text, scope: "session", reason: text, error: new Error(text) },
      { type: "warning", text },
    ];
    for (const event of events) assert(written(event).length < 250_000, `${event.type} ${piece}`);
  }
});
