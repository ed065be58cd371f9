import assert from "node:assert/strict";
import { BusyError } from "../core/errors.ts";
import { FakeBackend, LAUNCH } from "../../tests/support/fake_backend.ts";
import { FarEnd } from "../../tests/support/far_end.ts";
import { request, result } from "../../tests/support/messages.ts";
import { Leases } from "./lease.ts";
import { leased } from "./leased.ts";

const SIGNAL = new AbortController().signal;

function rig({ places = 1, queueTimeoutMs = 60_000, backend = new FakeBackend() } = {}) {
  const leases = new Leases({ places, queueTimeoutMs, what: "children" });
  const waiting = leased(backend, leases, { waits: true });
  const spare = leased(backend, leases, { waits: false });
  return { backend, leases, waiting, spare };
}

Deno.test("leased hands its place on when a channel is disposed, however often that is said", async () => {
  const { leases, waiting } = rig();
  const first = await waiting.open(LAUNCH, SIGNAL);
  assert(leases.isOwner("s1"));
  const second = waiting.open(LAUNCH, SIGNAL);
  await Promise.all([first[Symbol.asyncDispose](), first[Symbol.asyncDispose]()]);
  await first[Symbol.asyncDispose]();
  await (await second)[Symbol.asyncDispose]();
  assert.equal(leases.taken, 0);
  assert(!leases.isOwner("s1"));
});

Deno.test("leased does not take a place for a server that cannot be opened", async () => {
  const backend = new FakeBackend(() => {
    throw new Error("no");
  });
  const { leases, waiting } = rig({ backend });
  await assert.rejects(waiting.open(LAUNCH, SIGNAL), /no/);
  assert.equal(leases.taken, 0);
});

Deno.test("leased refuses after the time for waiting, or at once", async () => {
  const { leases, waiting, spare } = rig({ queueTimeoutMs: 1 });
  await using _ = await waiting.open(LAUNCH, SIGNAL);
  await assert.rejects(waiting.open(LAUNCH, SIGNAL), (error) => {
    assert(error instanceof BusyError);
    assert.equal(error.message, "Too many children: the limit is 1");
    return true;
  });
  await assert.rejects(spare.open(LAUNCH, SIGNAL), BusyError);
  assert.equal(leases.taken, 1);
});

Deno.test("leased passes everything both ways", async () => {
  const { backend, waiting } = rig();
  await using channel = await waiting.open(LAUNCH, SIGNAL);
  const client = new FarEnd(channel);
  const server = await backend.next();
  client.say(request(1));
  assert.deepEqual(await server.hear(), request(1));
  server.say(result(1));
  assert.deepEqual(await client.hear(), result(1));
});

Deno.test("Lease knows who holds a place by the name of the session that a server was given to", async () => {
  const { leases } = rig();
  const lease = await leases.acquire({ owner: "warm-1", waits: false, signal: SIGNAL });
  assert(!leases.wanted);
  lease.handTo("s1");
  assert.equal(lease.owner, "s1");
  assert(leases.wanted);
  assert.deepEqual(["warm-1", "s1", "s7"].map((name) => leases.isOwner(name)), [false, true, false]);
  lease.release();
  lease.handTo("s7");
  assert.deepEqual(["s1", "s7"].map((name) => leases.isOwner(name)), [false, false]);
  lease.release();
  assert.equal(leases.taken, 0);
});

Deno.test("Leases knows an owner until the last of its places is given back", async () => {
  const { leases } = rig({ places: 2 });
  const acquire = () => leases.acquire({ owner: "s1", waits: true, signal: SIGNAL });
  const [one, other] = [await acquire(), await acquire()];
  one.release();
  assert(leases.isOwner("s1") && leases.wanted);
  other.release();
  assert(!leases.isOwner("s1"));
});
