import assert from "node:assert/strict";
import type { GatewayEvent } from "../core/events.ts";
import { children } from "./children.ts";

const started = (session: string, pid: number): GatewayEvent => ({
  type: "child.started",
  session,
  pid,
  server: "x",
});
const exited = (session: string, pid: number): GatewayEvent => ({
  ...{
    type: "child.exited",
    session,
    pid,
    server: "x",
    code: 0,
    signal: undefined,
    expected: true,
    stderr: [],
  },
});

Deno.test("children know the child of a session, and the one that all share for who has none", () => {
  const { hear, pidOf } = children();
  for (const event of [started("s1", 1), started("shared", 2)]) hear(event);
  assert.deepEqual(["s1", "s2"].map(pidOf), [1, 2]);
  for (const event of [exited("s1", 1), started("s1", 3), exited("shared", 2)]) hear(event);
  assert.deepEqual(["s1", "s2"].map(pidOf), [3, 2]);
});

Deno.test("children follow a child that was started ahead to its session, and forget it", () => {
  const { hear, pidOf } = children();
  for (
    const event of [started("warm-1", 1), { type: "child.assigned", session: "s1", warm: "warm-1" } as const]
  ) {
    hear(event);
  }
  assert.deepEqual(["s1", "warm-1"].map(pidOf), [1, undefined]);
  hear(exited("warm-1", 1));
  assert.deepEqual(["s1", "warm-1"].map(pidOf), [1, undefined]);
});

Deno.test("children count how often the server of a session was opened again, while the session lives", () => {
  const { hear, restartsOf, runningPidOf } = children();
  const restored = { type: "server.restored", session: "s1", server: "s" } as const;
  for (const event of [started("s1", 1), restored, restored]) hear(event);
  assert.deepEqual(["s1", "s2"].map(restartsOf), [2, 0]);
  assert.deepEqual(["s1", "s2"].map(runningPidOf), [1, undefined]);
  hear({ type: "session.closed", session: "s1", scope: "session", reason: "over" });
  hear(exited("s1", 1));
  assert.deepEqual([restartsOf("s1"), runningPidOf("s1")], [0, undefined]);
});

Deno.test("children remember few of those that have ended", () => {
  const { hear, pidOf } = children();
  for (let pid = 1; pid <= 200; pid++) {
    for (const event of [started(`s${pid}`, pid), exited(`s${pid}`, pid)]) {
      hear(event);
    }
  }
  assert.deepEqual(["s1", "s200"].map(pidOf), [undefined, 200]);
});
