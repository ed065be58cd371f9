import assert from "node:assert/strict";
import { fakeClock } from "../../../tests/support/fake_clock.ts";
import { BusyError, StoppingError } from "../../core/errors.ts";
import type { GatewayEvent } from "../../core/events.ts";
import { type Parkable, ParkedCalls } from "./parked_calls.ts";
import { RequestStates } from "./request_state.ts";

const TTL_MS = 60_000;
const LATE = "nobody came with answers within 1m (--parkedTtl)";

class Call implements Parkable {
  readonly session = "s1";
  readonly method = "tools/call";
  readonly tool: string;
  ends = 0;

  constructor(tool = "book") {
    this.tool = tool;
  }

  end(): void {
    this.ends++;
  }
}

function parking({ maxCalls = 10, maxPerPrincipal = 10 } = {}) {
  const clock = fakeClock();
  const events: GatewayEvent[] = [];
  const emit = (event: GatewayEvent) => void events.push(event);
  const calls = new ParkedCalls<Call>({ ttlMs: TTL_MS, maxCalls, maxPerPrincipal, emit });
  const park = (owner?: string, call = new Call()) => ({ call, handle: calls.park(call, owner) });
  return {
    ...{ calls, clock, events, park },
    [Symbol.dispose]() {
      calls[Symbol.dispose]();
      clock[Symbol.dispose]();
    },
  };
}

/** Why calls were given up. */
function reasons(events: readonly GatewayEvent[]): string[] {
  return events.flatMap((event) => event.type === "call.abandoned" ? [event.reason] : []);
}

Deno.test("ParkedCalls gives a call back to its owner, once", () => {
  using it = parking();
  const { call, handle } = it.park("key/alice");
  assert.equal(it.calls.size, 1);
  assert.equal(it.calls.take(handle, "key/alice"), call);
  assert.equal(it.calls.take(handle, "key/alice"), undefined);
  assert.deepEqual([it.calls.size, it.clock.timers, call.ends, it.events], [0, 0, 0, []]);
});

Deno.test("ParkedCalls knows no call for anybody but its owner, and keeps it for that one", () => {
  using it = parking();
  const alices = it.park("key/alice");
  const nobodys = it.park(undefined);
  for (const owner of ["key/bob", "", undefined]) {
    assert.equal(it.calls.take(alices.handle, owner), undefined);
  }
  for (const owner of ["key/bob", "", "undefined"]) {
    assert.equal(it.calls.take(nobodys.handle, owner), undefined);
  }
  for (const handle of ["", "x", "__proto__"]) assert.equal(it.calls.take(handle, "key/alice"), undefined);
  assert.equal(it.calls.take(alices.handle, "key/alice"), alices.call);
  assert.equal(it.calls.take(nobodys.handle, undefined), nobodys.call);
});

Deno.test("ParkedCalls has a handle for each call that nobody guesses, and that can be sealed", async () => {
  using it = parking({ maxCalls: 1_000, maxPerPrincipal: 1_000 });
  const handles = Array.from({ length: 1_000 }, () => it.park().handle);
  assert.equal(new Set(handles).size, 1_000);
  for (const handle of handles) assert.match(handle, /^[\w-]{22}$/);
  const [states, bound] = [new RequestStates({ ttlMs: TTL_MS }), { principal: undefined, digest: "d" }];
  const text = await states.seal(handles[0] ?? "", bound);
  assert(it.calls.take(await states.open(text, bound), undefined));
  // Who shows the same text again finds nobody there.
  assert.equal(it.calls.take(await states.open(text, bound), undefined), undefined);
});

Deno.test("ParkedCalls gives up what nobody came back for, tells of it, and leaves the others alone", () => {
  using it = parking();
  const first = it.park("key/alice");
  const taken = it.park();
  it.clock.pass(TTL_MS / 2);
  const second = it.park(undefined, new Call("pay"));
  it.calls.take(taken.handle, undefined);
  it.clock.pass(TTL_MS / 2);
  assert.deepEqual([first.call.ends, second.call.ends, taken.call.ends], [1, 0, 0]);
  assert.equal(it.calls.take(first.handle, "key/alice"), undefined);
  assert.deepEqual(it.events, [{
    ...{ type: "call.abandoned", session: "s1", method: "tools/call", tool: "book", principal: "key/alice" },
    ...{ waitedMs: TTL_MS, reason: LATE },
  }]);
  it.clock.pass(TTL_MS / 2);
  assert.deepEqual([second.call.ends, it.calls.size, it.clock.timers], [1, 0, 0]);
  assert.deepEqual(reasons(it.events), [LATE, LATE]);
});

Deno.test("ParkedCalls gives up the others too where the end of one fails", () => {
  using it = parking();
  const error = new Error("broken");
  it.park("a", Object.assign(new Call(), { end: () => assert.fail(error) }));
  const { call } = it.park("b");
  it.clock.pass(TTL_MS);
  assert.equal(call.ends, 1);
  assert.deepEqual(reasons(it.events), [LATE, LATE]);
  assert.deepEqual(it.events.filter(({ type }) => type === "fault"), [
    { type: "fault", where: "call that was given up", error },
  ]);
});

Deno.test("ParkedCalls refuses more calls than there may be, naming the option, until one is gone", () => {
  using it = parking({ maxCalls: 2 });
  const { handle } = it.park("a");
  it.park("b");
  const call = new Call();
  assert.throws(() => it.calls.park(call, "c"), (error) => {
    assert(error instanceof BusyError);
    const limit = "the limit is 2 (--maxParkedCalls)";
    return error.message === `Too many calls wait for their clients' answers: ${limit}` &&
      error.status === 503;
  });
  assert.deepEqual([it.calls.size, call.ends], [2, 0]);
  it.calls.take(handle, "a");
  it.calls.park(call, "c");
  it.clock.pass(TTL_MS);
  it.park("c");
});

Deno.test("ParkedCalls refuses more calls of one caller than it may have, and takes those of others", () => {
  using it = parking({ maxPerPrincipal: 2 });
  for (const owner of ["key/alice", undefined]) {
    const { handle } = it.park(owner);
    it.park(owner);
    const limit = "the limit is 2 (--maxParkedPerPrincipal)";
    assert.throws(
      () => it.park(owner),
      new BusyError(`Too many calls of one caller wait for answers: ${limit}`),
    );
    it.calls.take(handle, owner);
    it.park(owner);
    assert.throws(() => it.park(owner), BusyError);
  }
  it.clock.pass(TTL_MS);
  for (const owner of ["key/alice", undefined]) it.park(owner);
});

Deno.test("ParkedCalls gives up all of them at its end, and takes no more", () => {
  using it = parking();
  const parked = [it.park("a"), it.park("b")];
  it.calls[Symbol.dispose]();
  const reason = "the gateway or its server is stopped";
  assert.deepEqual(parked.map(({ call }) => call.ends), [1, 1]);
  assert.deepEqual(reasons(it.events), [reason, reason]);
  assert.deepEqual([it.calls.size, it.clock.timers, it.events.length], [0, 0, 2]);
  assert.throws(() => it.park(), StoppingError);
});
