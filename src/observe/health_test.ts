import assert from "node:assert/strict";
import type { GatewayEvent } from "../core/events.ts";
import { health } from "./health.ts";

const failed: GatewayEvent = { type: "child.failed", session: "s", server: "x", reason: "no such file" };
const started: GatewayEvent = { type: "child.started", session: "s", pid: 1, server: "x" };
const ready: GatewayEvent = { type: "child.ready", session: "s", pid: 1, server: "x" };
const stopping: GatewayEvent = { type: "gateway.stopping", reason: "SIGTERM", openRequests: 0 };

Deno.test("health is ok from the start", () => {
  assert.equal(health().status(), "ok");
});

Deno.test("health is degraded from a child that cannot be started until one answers", () => {
  const { sink, status } = health();
  sink(failed);
  assert.equal(status(), "degraded");
  sink(started);
  sink({ type: "fault", where: "x", error: undefined });
  assert.equal(status(), "degraded");
  sink(ready);
  assert.equal(status(), "ok");
});

Deno.test("health stays at stopping, whatever the children do", () => {
  const { sink, status } = health();
  sink(stopping);
  for (const event of [failed, ready]) {
    sink(event);
    assert.equal(status(), "stopping");
  }
});

Deno.test("health of one gateway is not that of another", () => {
  const [one, other] = [health(), health()];
  one.sink(failed);
  assert.equal(other.status(), "ok");
});
