import assert from "node:assert/strict";
import { fakeClock } from "../../tests/support/fake_clock.ts";
import { BusyError } from "../core/errors.ts";
import { type ConnectionLimits, type Place, Places } from "./places.ts";

const LIMITS = {
  maxConnections: 3,
  maxConnectionsPerAddress: 2,
  headerTimeoutMs: 5_000,
  idleTimeoutMs: 60_000,
  stallTimeoutMs: 30_000,
  maxWholeBytes: 1_000,
};

/** Connections by their names, and those that were made to end. */
function places(limits: Partial<ConnectionLimits> = {}) {
  const places = new Places({ ...LIMITS, ...limits });
  const ended: string[] = [];
  const enter = (name: string, address = "127.0.0.1"): Place =>
    places.enter(address, () => void ended.push(name));
  return { places, ended, enter };
}

/** One that has had its first request answered. */
function answered(place: Place): Place {
  place.begin();
  place.done();
  return place;
}

Deno.test("Places.enter refuses one too many while each of them is at work", () => {
  using clock = fakeClock();
  const { places: all, ended, enter } = places();
  using _ = all;
  const [first] = ["a", "b", "c"].map((name) => enter(name));
  for (const place of [first!]) place.begin();
  assert.throws(() => enter("d"), BusyError);
  first?.leave();
  enter("e");
  assert.equal(all.taken, 3);
  clock.pass(0);
  assert.deepEqual(ended, []);
});

Deno.test("Places.enter lets the one make room that has been without a request for longest", () => {
  using clock = fakeClock();
  const { places: all, ended, enter } = places();
  using _ = all;
  enter("busy").begin();
  clock.pass(10);
  const idle = answered(enter("idle"));
  clock.pass(10);
  enter("new");
  clock.pass(999);
  enter("d");
  assert.deepEqual(ended, ["idle"]);
  idle.leave();
  assert.equal(all.taken, 3);
  clock.pass(1_000);
  enter("e");
  assert.deepEqual(ended, ["idle", "new"]);
});

Deno.test("Places end who brings no head in time, and who brings nothing more, but none that is at work", () => {
  using clock = fakeClock();
  const { places: all, ended, enter } = places();
  using _ = all;
  enter("silent");
  enter("busy").begin();
  const idle = answered(enter("idle"));
  clock.pass(5_000);
  assert.deepEqual(ended, ["silent"]);
  clock.pass(54_000);
  idle.begin();
  clock.pass(100_000);
  idle.done();
  clock.pass(59_999);
  assert.deepEqual(ended, ["silent"]);
  clock.pass(60_001);
  assert.deepEqual(ended, ["silent", "idle"]);
  assert.equal(all.taken, 1);
});

Deno.test("Places end who does not take an answer, and none that does", () => {
  using clock = fakeClock();
  const { places: all, ended, enter } = places();
  using _ = all;
  const [slow, stuck, gone] = ["slow", "stuck", "gone"].map((name) => enter(name));
  for (const place of [slow!, stuck!, gone!]) {
    place.begin();
    place.writing();
  }
  gone!.leave();
  gone!.writing();
  clock.pass(29_000);
  slow!.wrote();
  slow!.writing();
  clock.pass(2_000);
  assert.deepEqual(ended, ["stuck"]);
  slow!.wrote();
  clock.pass(100_000);
  assert.deepEqual(ended, ["stuck"]);
});

Deno.test("Places.enter counts the connections of an address, those of IPv6 by their network, and not its own machine's", () => {
  const { places: all, enter } = places({ maxConnections: 100 });
  using _ = all;
  const same = {
    "192.0.2.1": ["192.0.2.1", "192.0.2.1", "192.0.2.1"],
    "2001:db8::1": ["2001:db8::1", "2001:db8:0:0:1::", "2001:db8::ffff:1"],
    "fe80::1%eth0": ["fe80::1%eth0", "fe80::2%eth1", "fe80::3"],
  };
  for (const [name, [first, second, third]] of Object.entries(same)) {
    const place = enter(name, first);
    enter(name, second);
    assert.throws(() => enter(name, third), /the limit is 2 \(--maxConnectionsPerAddress\)/, name);
    place.leave();
    place.leave();
    enter(name, third);
    assert.throws(() => enter(name, third), BusyError, name);
  }
  for (const address of ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"]) {
    for (let count = 0; count < 5; count++) enter("own", address);
  }
  enter("other", "2001:db8:0:1::1");
});

Deno.test("Place.widen takes more places, and gives back as many", () => {
  const { places: all, enter } = places();
  using _ = all;
  const wide = enter("a");
  wide.widen(2);
  assert.equal(all.taken, 3);
  assert.throws(() => wide.widen(1), BusyError);
  assert.throws(() => enter("b"), BusyError);
  wide.leave();
  assert.equal(all.taken, 0);
});

Deno.test("Place.widen has idle connections make room, and none that is left by then takes any", () => {
  using clock = fakeClock();
  const { places: all, ended, enter } = places();
  using _ = all;
  const [first, second] = [enter("a"), enter("b")];
  clock.pass(1_000);
  const newest = enter("c");
  newest.widen(2);
  assert.deepEqual(ended, ["a", "b"]);
  assert.equal(all.taken, 3);
  newest.leave();
  for (const left of [first, second, newest]) assert.throws(() => left.widen(1), BusyError);
  const alone = enter("d");
  clock.pass(1_000);
  assert.throws(() => alone.widen(3), BusyError);
  assert.deepEqual(ended, ["a", "b", "d"]);
  assert.equal(all.taken, 0);
});

Deno.test("Place.takesWhole counts an answer until the next request or the end of its connection", () => {
  using clock = fakeClock();
  const { places: all, enter } = places();
  using _ = all;
  const [first, second] = [answered(enter("a")), answered(enter("b"))];
  assert.deepEqual([first.takesWhole(600), second.takesWhole(600), second.takesWhole(400)], [
    true,
    false,
    true,
  ]);
  first.begin();
  assert.deepEqual([second.takesWhole(700), second.takesWhole(600)], [false, true]);
  second.leave();
  assert.deepEqual([second.takesWhole(1), first.takesWhole(1_000)], [false, true]);
  clock.pass(0);
});
