import assert from "node:assert/strict";
import { LimitError } from "../core/errors.ts";
import { Room } from "../core/room.ts";
import { FakeBackend, LAUNCH } from "../../tests/support/fake_backend.ts";
import { FarEnd } from "../../tests/support/far_end.ts";
import { request, result } from "../../tests/support/messages.ts";
import { Holders, limitOpen } from "./limit_open.ts";

const SIGNAL = new AbortController().signal;

function rig({ places = 1, queueTimeoutMs = 60_000, backend = new FakeBackend() } = {}) {
  const room = new Room({ places, queueTimeoutMs, what: "children" });
  const holders = new Holders();
  const patient = limitOpen(backend, { room, holders, waits: true });
  const impatient = limitOpen(backend, { room, holders, waits: false });
  return { backend, room, holders, patient, impatient };
}

Deno.test("limitOpen hands its place on when a channel is disposed, however often that is said", async () => {
  const { room, holders, patient } = rig();
  const first = await patient.open(LAUNCH, SIGNAL);
  assert(holders.has("s1"));
  const second = patient.open(LAUNCH, SIGNAL);
  await Promise.all([first[Symbol.asyncDispose](), first[Symbol.asyncDispose]()]);
  await first[Symbol.asyncDispose]();
  await (await second)[Symbol.asyncDispose]();
  assert.equal(room.taken, 0);
  assert(!holders.has("s1"));
});

Deno.test("limitOpen does not take a place for a server that cannot be opened", async () => {
  const backend = new FakeBackend(() => {
    throw new Error("no");
  });
  const { room, patient } = rig({ backend });
  await assert.rejects(patient.open(LAUNCH, SIGNAL), /no/);
  assert.equal(room.taken, 0);
});

Deno.test("limitOpen refuses after the time for waiting, or at once", async () => {
  const { room, patient, impatient } = rig({ queueTimeoutMs: 1 });
  await using _ = await patient.open(LAUNCH, SIGNAL);
  await assert.rejects(patient.open(LAUNCH, SIGNAL), (error) => {
    assert(error instanceof LimitError);
    assert.equal(error.message, "Too many children: the limit is 1");
    return true;
  });
  await assert.rejects(impatient.open(LAUNCH, SIGNAL), LimitError);
  assert.equal(room.taken, 1);
});

Deno.test("limitOpen passes everything both ways", async () => {
  const { backend, patient } = rig();
  await using channel = await patient.open(LAUNCH, SIGNAL);
  const client = new FarEnd(channel);
  const server = await backend.next();
  client.say(request(1));
  assert.deepEqual(await server.hear(), request(1));
  server.say(result(1));
  assert.deepEqual(await client.hear(), result(1));
});

Deno.test("limitOpen knows who holds a place by the name of the session that a server was given to", async () => {
  const { holders, patient } = rig();
  const channel = await patient.open({ ...LAUNCH, session: "warm-1" }, SIGNAL);
  holders.rename("warm-1", "s1");
  holders.rename("warm-7", "s7");
  assert.deepEqual(["warm-1", "s1", "s7"].map((name) => holders.has(name)), [false, true, false]);
  await channel[Symbol.asyncDispose]();
  assert(!holders.has("s1"));
});
