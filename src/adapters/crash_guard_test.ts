import assert from "node:assert/strict";
import { BackendError } from "../core/errors.ts";
import { CrashGuard, sparing } from "./crash_guard.ts";

const REASON = "The MCP server exited with code 1";
const END = { reason: REASON, provoked: false, livedMs: 10 };

function rig(options: { fair?: boolean } = {}) {
  const told: string[] = [];
  const clock = { now: 0 };
  const guard = new CrashGuard({
    ...{ limit: 3, windowMs: 1000, probeMs: 500, ...options },
    onFailed: (reason) => told.push(`failed: ${reason}`),
    onRecovered: () => told.push("recovered"),
    now: () => clock.now,
  });
  const end = (times = 1) => {
    for (let time = 0; time < times; time++) guard.ended(END);
  };
  return { guard, clock, told, end };
}

Deno.test("CrashGuard lets a server that ended now and then be started again", () => {
  const { guard, clock, told, end } = rig();
  for (let round = 0; round < 10; round++) {
    end(2);
    guard.admit();
    clock.now += 1000;
  }
  assert.deepEqual(told, []);
});

Deno.test("CrashGuard refuses after too many ends in the window, with the reason and the way out", () => {
  const { guard, told, end } = rig();
  end(3);
  assert.deepEqual(told, [`failed: ${REASON}`]);
  assert.equal(guard.failure, REASON);
  assert.throws(() => guard.admit(), (error) => {
    assert(error instanceof BackendError);
    assert(error.permanent);
    assert.equal(error.message, `${REASON}, again and again; it is tried again in 1 s`);
    return true;
  });
});

Deno.test("CrashGuard forgets the ends of servers once one was of use", () => {
  const { guard, told, end } = rig();
  end(2);
  guard.proved();
  end(2);
  guard.admit();
  assert.deepEqual(told, []);
});

Deno.test("CrashGuard lets one try each time, and the next only after another pause", () => {
  const { guard, clock, told, end } = rig();
  end(3);
  clock.now = 500;
  guard.admit();
  assert.throws(() => guard.admit(), BackendError);
  clock.now = 600;
  end();
  clock.now = 1050;
  assert.throws(() => guard.admit(), BackendError);
  clock.now = 1100;
  guard.admit();
  assert.deepEqual(told, [`failed: ${REASON}`]);
});

Deno.test("CrashGuard recovers with the first server that is of use, and counts anew", () => {
  const { guard, clock, told, end } = rig();
  end(3);
  clock.now = 500;
  guard.admit();
  guard.proved();
  assert.deepEqual(told, [`failed: ${REASON}`, "recovered"]);
  guard.admit();
  end(2);
  guard.admit();
});

Deno.test("CrashGuard gives a server that was only started again no second chance", () => {
  const { guard, told, end } = rig();
  end(3);
  guard.started();
  guard.admit();
  end();
  assert.deepEqual(told, [`failed: ${REASON}`, "recovered", `failed: ${REASON}`]);
});

Deno.test("CrashGuard forgets in time that a server was only started", () => {
  const { guard, clock, told, end } = rig();
  end(3);
  guard.started();
  clock.now = 1000;
  end(2);
  assert.deepEqual(told, [`failed: ${REASON}`, "recovered"]);
});

Deno.test("CrashGuard that is fair counts no end that a client may have caused, nor that of an old server", () => {
  const { guard, told } = rig({ fair: true });
  for (let time = 0; time < 10; time++) {
    guard.ended({ ...END, provoked: true });
    guard.ended({ ...END, livedMs: 400 });
  }
  assert.deepEqual(told, []);
  for (let time = 0; time < 3; time++) guard.ended({ ...END, livedMs: 300 });
  assert.equal(told.length, 1);
});

Deno.test("CrashGuard can be asked without being the one who tries", () => {
  const { guard, clock, end } = rig();
  end(3);
  assert.throws(() => guard.check(), BackendError);
  clock.now = 500;
  guard.check();
  guard.check();
  guard.admit();
  assert.throws(() => guard.check(), BackendError);
});

Deno.test("sparing makes a guard of no account while that is so: it refuses nothing, and learns nothing", () => {
  const { guard, told, end } = rig();
  let spared = true;
  const spare = sparing(guard, () => spared);
  for (let time = 0; time < 10; time++) spare.ended(END);
  assert.deepEqual(told, []);
  end(3);
  spare.check();
  spare.admit();
  spare.proved();
  assert.notEqual(guard.failure, undefined);
  spared = false;
  assert.throws(() => spare.check(), BackendError);
  spare.proved();
  assert.equal(guard.failure, undefined);
});
