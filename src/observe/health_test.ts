import assert from "node:assert/strict";
import type { GatewayEvent } from "../core/events.ts";
import { health } from "./health.ts";

const failed: GatewayEvent = { type: "child.failed", session: "s", server: "x", reason: "no such file" };
const started: GatewayEvent = { type: "child.started", session: "s", pid: 1, server: "x" };
const ready: GatewayEvent = { type: "child.ready", session: "s", pid: 1, server: "x" };
const stopping: GatewayEvent = { type: "gateway.stopping", reason: "SIGTERM", openRequests: 0 };

const exited: GatewayEvent = {
  ...{ type: "child.exited", session: "s", pid: 1, server: "x", code: 1, signal: undefined },
  ...{ expected: false, stderr: ["No licence", "    at main (/srv/x.js:1:1)"] },
};
const given: GatewayEvent = {
  ...{ type: "server.failed", session: "shared", server: "x", scope: "all", reason: "It exited" },
};
const recovered: GatewayEvent = { type: "server.recovered", session: "shared", server: "x", scope: "all" };

Deno.test("health is ok from the start", () => {
  assert.deepEqual(health().report(), { status: "ok" });
});

Deno.test("health is degraded from a child that cannot be started until one answers", () => {
  const { sink, report } = health();
  sink(failed);
  assert.equal(report().status, "degraded");
  sink(started);
  sink({ type: "fault", where: "x", error: undefined });
  assert.equal(report().status, "degraded");
  sink(ready);
  assert.equal(report().status, "ok");
});

Deno.test("health forgets a child that could not be started after a minute", () => {
  const clock = { now: 0 };
  const { sink, report } = health(() => clock.now);
  sink(failed);
  clock.now = 59_999;
  assert.equal(report().status, "degraded");
  clock.now = 60_000;
  assert.equal(report().status, "ok");
});

Deno.test("health is failed while a server that all depend on is given up, with the reason and its last words", () => {
  const clock = { now: 0 };
  const { sink, report } = health(() => clock.now);
  sink(exited);
  sink(given);
  clock.now = 3_600_000;
  sink(ready);
  assert.deepEqual(report(), { status: "failed", reason: "It exited", stderr: ["No licence"] });
  sink(recovered);
  assert.deepEqual(report(), { status: "ok" });
});

Deno.test("health is not concerned by the server of one session", () => {
  const { sink, report } = health();
  sink({ ...given, type: "server.failed", session: "s1", scope: "session", reason: "It exited" });
  assert.deepEqual(report(), { status: "ok" });
});

Deno.test("health stays at stopping, whatever the children do", () => {
  const { sink, report } = health();
  sink(stopping);
  for (const event of [failed, given, ready]) {
    sink(event);
    assert.deepEqual(report(), { status: "stopping" });
  }
});

Deno.test("health of one gateway is not that of another", () => {
  const [one, other] = [health(), health()];
  one.sink(failed);
  assert.equal(other.report().status, "ok");
});

Deno.test("health is degraded by a handshake that was not answered in time, and says why", () => {
  const { sink, report } = health();
  sink({ type: "handshake.late", session: "shared", server: "x", reason: "within 60s (--startTimeout)" });
  assert.deepEqual(report(), { status: "degraded", reason: "within 60s (--startTimeout)" });
  sink(ready);
  assert.deepEqual(report(), { status: "ok" });
});

Deno.test("health says nothing of a child that a caller has started in a way of its own", () => {
  const { sink, report } = health();
  sink({ ...failed, own: true });
  sink({ type: "handshake.late", session: "s", server: "x", reason: "late", own: true });
  assert.equal(report().status, "ok");
});

Deno.test("health has failed while the audit log cannot be written, and is well when it can", () => {
  const { sink, report } = health();
  sink({ type: "audit.trouble", reason: "No space left on device" });
  assert.deepEqual(report(), {
    status: "failed",
    reason: "The audit log cannot be written: No space left on device",
  });
  sink({ type: "audit.recovered", seconds: 3 });
  assert.deepEqual(report(), { status: "ok" });
});
