import assert from "node:assert/strict";
import type { GatewayEvent } from "../core/events.ts";
import { tally } from "./tally.ts";

const started = (session: string, pid: number): GatewayEvent => ({
  type: "child.started",
  session,
  pid,
  server: "s",
});
const exited = (session: string, pid: number, expected: boolean): GatewayEvent => ({
  type: "child.exited",
  ...{ session, pid, server: "s", code: 1, signal: undefined, expected, stderr: [] },
});

Deno.test("tally counts sessions, children, and those that took the place of one which had ended by itself", () => {
  const { sink, counts } = tally();
  sink({ type: "session.opened", session: "a", wire: "sse", scope: "session" });
  sink({ type: "session.opened", session: "b", wire: "sse", scope: "session" });
  sink({ type: "session.opened", session: "post", wire: "streamableHttp", scope: "request" });
  for (const event of [started("a", 1), started("b", 2), exited("a", 1, false), started("a", 3)]) sink(event);
  for (const event of [exited("b", 2, true), started("b", 4)]) sink(event);
  const { sessions, children, restarts } = counts();
  assert.deepEqual({ sessions, children, restarts }, { sessions: 2, children: 2, restarts: 1 });
  sink({ type: "session.closed", session: "a", scope: "session", reason: "" });
  sink(exited("a", 3, true));
  assert.deepEqual([counts().sessions, counts().children], [1, 1]);
});

Deno.test("tally does not take the child of a later session for a restart", () => {
  const { sink, counts } = tally();
  sink(started("a", 1));
  sink(exited("a", 1, false));
  sink({ type: "session.closed", session: "a", scope: "session", reason: "" });
  sink(started("a", 2));
  assert.equal(counts().restarts, 0);
});

Deno.test("tally has the last error, without secrets and on one line", () => {
  const { sink, counts } = tally(() => new Date(0));
  assert.equal(counts().lastError, undefined);
  sink({ type: "fault", where: "x", error: new Error("first") });
  sink({ type: "child.failed", session: "a", server: "s", reason: "no\nBearer abcdefghijklmnop" });
  sink({ type: "warning", text: "no error" });
  sink({ type: "server.trouble", session: "a", server: "s", reason: "again", told: true });
  const { at, event, text } = counts().lastError!;
  assert.deepEqual([at, event], ["1970-01-01T00:00:00.000Z", "child.failed"]);
  assert.match(text, /^no\\nBearer \[REDACTED\]$/);
});
