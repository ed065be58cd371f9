import assert from "node:assert/strict";
import { fakeClock } from "../../tests/support/fake_clock.ts";
import type { GatewayEvent } from "./events.ts";
import { Unread, type UnreadLimits } from "./unread.ts";

function rig(limits: Partial<UnreadLimits> = {}) {
  const events: GatewayEvent[] = [];
  const unread = new Unread({
    maxUnreadBytes: 2_000,
    emit: (event) => void events.push(event),
    ...limits,
  });
  const lost: string[] = [];
  const accounts = unread.within({ maxBufferedMessages: 10, maxBufferedBytes: 1_000 });
  const open = (session: string) => accounts.account({ session, giveUp: () => void lost.push(session) });
  return { unread, accounts, events, lost, open };
}

Deno.test("Unread gives up a client for which too much waits, but not for one large message", () => {
  const { unread, events, lost, open } = rig();
  open("one").owe(1, 1_500);
  open("few").owe(10, 500);
  assert.deepEqual(lost, []);
  open("many").owe(11, 20);
  open("much").owe(2, 1_001);
  assert.deepEqual(lost, ["many", "much"]);
  assert.equal(unread.bytes, 2_000);
  assert.deepEqual(events.map((event) => event.type === "client.dropped" && event.reason), [
    "11 messages of 20 bytes wait for the client (--maxBufferedMessages, --maxBufferedSize)",
    "2 messages of 1001 bytes wait for the client (--maxBufferedMessages, --maxBufferedSize)",
  ]);
});

Deno.test("Unread gives up a client that reads nothing for its time, which each thing that it reads renews", () => {
  using clock = fakeClock();
  const { unread, lost, open } = rig({ stallTimeoutMs: 5_000 });
  const [slow, stuck, done] = [open("slow"), open("stuck"), open("done")];
  for (const account of [slow, stuck, done]) account.owe(1, 300);
  clock.pass(4_000);
  slow.owe(1, 200);
  // More to read is no sign of reading.
  stuck.owe(2, 400);
  done.owe(0, 0);
  clock.pass(1_000);
  assert.deepEqual(lost, ["stuck"]);
  assert.equal(unread.bytes, 200);
  clock.pass(4_000);
  assert.deepEqual(lost, ["stuck", "slow"]);
  assert.equal(unread.bytes, 0);
});

Deno.test("Unread gives up who has read nothing for longest where it is too much of all, and nobody who has just read", () => {
  using clock = fakeClock();
  const { unread, lost, open } = rig();
  const [first, second, third] = [open("first"), open("second"), open("third")];
  first.owe(1, 900);
  clock.pass(100);
  second.owe(1, 900);
  clock.pass(100);
  first.owe(1, 800);
  third.owe(1, 900);
  assert.deepEqual(lost, []);
  clock.pass(900);
  assert.deepEqual(lost, ["second"]);
  assert.equal(unread.bytes, 1_700);
  clock.pass(60_000);
  assert.deepEqual(lost, ["second"]);
});

Deno.test("Unread has the less patience the more is too much, and none with half as much again", () => {
  using clock = fakeClock();
  const { unread, lost, open } = rig();
  const all = ["a", "b", "c", "d"].map(open);
  for (const account of all.slice(0, 3)) account.owe(1, 833);
  clock.pass(499);
  assert.deepEqual(lost, []);
  clock.pass(2);
  assert.deepEqual(lost, ["a"]);
  all[3]?.owe(1, 1_400);
  assert.deepEqual(lost, ["a", "b"]);
  assert.equal(unread.bytes, 2_233);
});
