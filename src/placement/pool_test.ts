import assert from "node:assert/strict";
import { Queue } from "../base/queue.ts";
import { BusyError, DisconnectedError } from "../core/errors.ts";
import { FakeBackend, LAUNCH } from "../../tests/support/fake_backend.ts";
import { FarEnd, settled } from "../../tests/support/far_end.ts";
import { notification, request, result } from "../../tests/support/messages.ts";
import { recorder } from "../../tests/support/recorder.ts";
import { CrashGuard } from "../adapters/crash_guard.ts";
import { Leases } from "./lease.ts";
import { Pool } from "./pool.ts";

const SIGNAL = new AbortController().signal;

function rig({ count = 1, warm = new FakeBackend() } = {}) {
  const record = recorder();
  const cold = new FakeBackend();
  const guard = new CrashGuard({ limit: 3, windowMs: 60_000, probeMs: 60_000 });
  const leases = new Leases({ places: 10, queueTimeoutMs: 60_000, what: "children" });
  const backend = new Pool({
    ...{ cold, warm, count, leases, guard, emit: record.emit },
    retry: { firstDelayMs: 1, maxDelayMs: 5 },
  });
  backend.start();
  return { ...record, cold, warm, leases, guard, backend };
}

Deno.test("Pool opens its servers before anybody comes, hands them out, and replaces them", async () => {
  const { backend, warm, cold, told } = rig({ count: 2 });
  await using _ = backend;
  const [first] = [await warm.next(), await warm.next()];
  await settled();
  const client = new FarEnd(await backend.open(LAUNCH, SIGNAL));
  client.say(request(1));
  assert.deepEqual(await first.hear(), request(1));
  first.say(result(1));
  assert.deepEqual(await client.hear(), result(1));
  await warm.next();
  assert.deepEqual([warm.attempts, cold.attempts], [3, 0]);
  assert.deepEqual(told("child.assigned"), [{ type: "child.assigned", session: "s1", warm: "warm-1" }]);
});

Deno.test("Pool opens a server when none is ready, or when it must be another one", async () => {
  const { backend, warm, cold } = rig();
  await using _ = backend;
  await warm.next();
  await settled();
  await backend.open({ ...LAUNCH, env: { TOKEN: "a" } }, SIGNAL);
  await backend.open({ ...LAUNCH, args: ["--verbose"] }, SIGNAL);
  assert.equal(cold.attempts, 2);
  await backend.open(LAUNCH, SIGNAL);
  await backend.open(LAUNCH, SIGNAL);
  assert.equal(cold.attempts, 3);
});

Deno.test("Pool keeps what a server says before it has a client", async () => {
  const { backend, warm } = rig();
  await using _ = backend;
  const server = await warm.next();
  server.say(notification("notifications/message"), request(1, "ping"));
  await settled();
  const client = new FarEnd(await backend.open(LAUNCH, SIGNAL));
  assert.deepEqual(await client.hear(), notification("notifications/message"));
  assert.deepEqual(await client.hear(), request(1, "ping"));
});

Deno.test("Pool holds a server back that is handed out and not read yet, and loses nothing of what it says", async () => {
  const { backend, warm } = rig();
  await using _ = backend;
  const server = await warm.next();
  const said = ["a", "b", "c", "d"].map((method) => notification(method));
  const [early, ...later] = said;
  server.say(early!);
  await settled();
  const channel = await backend.open(LAUNCH, SIGNAL);
  server.say(...later);
  await settled();
  // One was waited for when it was handed out.
  assert(server.near.incoming instanceof Queue);
  assert.equal(server.near.incoming.size, 2);
  await server.leave();
  const { messages, error } = await new FarEnd(channel).rest();
  assert.deepEqual(messages, said);
  assert(error instanceof DisconnectedError);
});

Deno.test("Pool hands on that a server has ended before its session reads it", async () => {
  const { backend, warm } = rig();
  await using _ = backend;
  const server = await warm.next();
  server.say(notification());
  await settled();
  const channel = await backend.open(LAUNCH, SIGNAL);
  await server.leave();
  await settled();
  const { messages, error } = await new FarEnd(channel).rest();
  assert.deepEqual(messages, [notification()]);
  assert(error instanceof DisconnectedError);
});

Deno.test("Pool replaces a server that ends after it has spoken, and one that never ceases to speak", async () => {
  const { backend, warm } = rig();
  await using _ = backend;
  const first = await warm.next();
  first.say(notification("notifications/message"));
  await settled();
  await first.leave();
  const second = await warm.next();
  for (let count = 0; count < 1000; count++) second.say(notification("notifications/message"));
  await warm.next();
  assert(second.disposed);
});

Deno.test("Pool gives a server up for somebody who needs its place, and opens another later", async () => {
  const { backend, warm } = rig();
  await using _ = backend;
  assert.equal(backend.giveUpOne(), false);
  const server = await warm.next();
  await settled();
  assert.equal(backend.giveUpOne(), true);
  await warm.next();
  assert(server.disposed);
});

Deno.test("Pool replaces a server that ends while it waits, and tells the guard", async () => {
  const { backend, warm, guard } = rig();
  await using _ = backend;
  for (let round = 0; round < 3; round++) {
    const server = await warm.next();
    await settled();
    await server.leave();
  }
  while (guard.failure === undefined) await settled();
  // Nobody is given what is not there.
  assert.equal(guard.failure, "The other end is gone");
});

Deno.test("Pool tries again after a pause when a server cannot be opened, and no guard hears of a lack of room", async () => {
  const warm = new FakeBackend((attempt) => {
    if (attempt < 5) throw new BusyError("no room");
  });
  const { backend, guard } = rig({ warm });
  await using _ = backend;
  await warm.next();
  assert.equal(guard.failure, undefined);
  assert.equal(warm.attempts, 5);
});

Deno.test("Pool frees what waits when it is disposed, also what is being opened", async () => {
  const opening = Promise.withResolvers<void>();
  const warm = new FakeBackend((attempt) => attempt === 2 ? opening.promise : undefined);
  const { backend } = rig({ warm, count: 2 });
  const first = await warm.next();
  const disposing = backend[Symbol.asyncDispose]();
  opening.resolve();
  const second = await warm.next();
  await disposing;
  assert.deepEqual([first.disposed, second.disposed], [true, true]);
});

Deno.test("Pool hands the place of a server on to the session that takes it", async () => {
  const { backend, warm, leases } = rig();
  await using _ = backend;
  await warm.next();
  await settled();
  assert(leases.isOwner("warm-1") && !leases.wanted);
  const channel = await backend.open(LAUNCH, SIGNAL);
  assert.deepEqual(["warm-1", "s1"].map((name) => leases.isOwner(name)), [false, true]);
  assert(leases.wanted);
  await channel[Symbol.asyncDispose]();
  assert(!leases.isOwner("s1"));
});

Deno.test("Pool opens nothing ahead in a place that is not free, and gives its places back", async () => {
  const { backend, warm, leases } = rig({ count: 2 });
  const taken = [...Array(8).keys()].map(() => leases.acquire({ owner: "s1", waits: true, signal: SIGNAL }));
  await Promise.all(taken);
  await warm.next();
  await warm.next();
  await settled();
  assert.equal(leases.taken, 10);
  await backend[Symbol.asyncDispose]();
  assert.equal(leases.taken, 8);
});

Deno.test("Pool tells how its very first server came out", async () => {
  const well = rig();
  await using _ = well.backend;
  await well.warm.next();
  await well.backend.first;
  const warm = new FakeBackend(() => {
    throw new BusyError("no");
  });
  const ill = rig({ warm });
  await using __ = ill.backend;
  await assert.rejects(ill.backend.first!, /no/);
});
