import assert from "node:assert/strict";
import { fakeClock } from "../../tests/support/fake_clock.ts";
import { recorder } from "../../tests/support/recorder.ts";
import type { GatewayEvent } from "../core/events.ts";
import { withoutMasses } from "./without_masses.ts";

function refused(address: string): GatewayEvent {
  return { type: "connection.refused", address, reason: `Forbidden: ${address} is in --denyIp` };
}

function limited(reason: string, status = 429): GatewayEvent {
  return { type: "http.refused", method: "POST", route: "/mcp", status, reason };
}

Deno.test("withoutMasses tells a refusal once in a minute, and then how many there were", () => {
  using clock = fakeClock();
  const { emit, events } = recorder();
  const sink = withoutMasses(emit);
  for (let count = 0; count < 100; count++) {
    sink(refused("10.0.0.1"));
    sink(limited("a is beyond its rate"));
  }
  sink(limited("b is beyond its rate"));
  assert.equal(events.length, 3);
  clock.pass(60_000);
  sink(refused("10.0.0.1"));
  assert.deepEqual(events.at(-1), { ...refused("10.0.0.1"), count: 100 });
  clock.pass(60_000);
  sink(refused("10.0.0.1"));
  assert.deepEqual(events.at(-1), refused("10.0.0.1"));
});

Deno.test("withoutMasses takes a /64 for one address, and tells everything else each time", () => {
  using _clock = fakeClock();
  const { emit, events } = recorder();
  const sink = withoutMasses(emit);
  for (let count = 0; count < 50; count++) sink(refused(`2001:db8::${count}`));
  assert.equal(events.length, 1);
  for (let count = 0; count < 50; count++) sink(limited("no such session", 404));
  assert.equal(events.length, 51);
});
