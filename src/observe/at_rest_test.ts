import assert from "node:assert/strict";
import { fakeClock } from "../../tests/support/fake_clock.ts";
import type { GatewayEvent } from "../core/events.ts";
import { atRest } from "./at_rest.ts";

const opened = { type: "session.opened", session: "s", wire: "streamableHttp", scope: "session" } as const;
const closed = { type: "session.closed", session: "s", scope: "session", reason: "deleted" } as const;
const single = { ...opened, scope: "request" } as const;
const warning = { type: "warning", text: "something happens" } as const;

Deno.test("atRest tells once for many sessions, after a second in which nothing happened", () => {
  using clock = fakeClock();
  let told = 0;
  const sink = atRest(() => told++);
  const after = (count: number, event: GatewayEvent, ms: number) => {
    for (let heard = 0; heard < count; heard++) sink(event);
    clock.pass(ms);
    return told;
  };
  assert.equal(after(249, opened, 5_000), 0);
  assert.equal(after(1, opened, 900), 0);
  // Whatever happens puts it off.
  assert.equal(after(1, warning, 900), 0);
  assert.equal(after(0, warning, 300), 1);
  assert.equal(after(1, closed, 5_000), 1);
  assert.equal(after(249, closed, 1_250), 2);
});

Deno.test("atRest counts no single requests, and has nothing to tell once the gateway stops", () => {
  using clock = fakeClock();
  let told = 0;
  const sink = atRest(() => told++);
  for (let heard = 0; heard < 1_000; heard++) sink(single);
  clock.pass(5_000);
  for (let heard = 0; heard < 1_000; heard++) sink(opened);
  sink({ type: "gateway.stopping", reason: "asked", openRequests: 0 });
  clock.pass(5_000);
  assert.equal(told, 0);
});
