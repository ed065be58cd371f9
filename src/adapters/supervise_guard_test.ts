import assert from "node:assert/strict";
import { Backlog } from "../core/backlog.ts";
import { BackendError, BusyError, DisconnectedError, StoppingError, TooLargeError } from "../core/errors.ts";
import { FakeBackend, type FakeServer } from "../../tests/support/fake_backend.ts";
import { settled } from "../../tests/support/far_end.ts";
import { cancelled, failure, notification, request, result } from "../../tests/support/messages.ts";
import { assertLinear } from "../../tests/support/processor_time.ts";
import { established, INITIALIZE, replayed, superviseRig } from "../../tests/support/supervise_rig.ts";
import { CrashGuard } from "./crash_guard.ts";

const FOREVER = { attempts: Infinity, firstDelayMs: 0, maxDelayMs: 600_000 };
const GONE = "The other end is gone";

function guard({ limit = 2, fair = false } = {}) {
  const told: string[] = [];
  const made = new CrashGuard({
    ...{ limit, fair, windowMs: 60_000, probeMs: 60_000 },
    onFailed: (reason) => told.push(reason),
    onRecovered: () => told.push("recovered"),
  });
  return { made, told };
}

async function answers(server: FakeServer, id: number): Promise<void> {
  assert.deepEqual(await server.hear(), request(id));
  server.say(result(id));
}

Deno.test("supervise gives a server up that ends again and again unused, and then answers at once", async () => {
  const { made, told } = guard();
  await using rig = await superviseRig({ retry: FOREVER, guards: () => [made] });
  await (await established(rig)).leave();
  await (await replayed(rig.backend)).leave();
  while (told.length === 0) await settled();
  rig.client.say(request(1));
  assert.match(
    JSON.stringify(await rig.client.hear()),
    /is gone, again and again; it is tried again in 60 s/,
  );
  assert.equal(rig.backend.attempts, 2);
});

Deno.test("supervise counts no end of a server that answered a client, however often it ends", async () => {
  const { made, told } = guard({ limit: 1 });
  await using rig = await superviseRig({ retry: FOREVER, guards: () => [made] });
  let server = await established(rig);
  for (let time = 1; time <= 5; time++) {
    rig.client.say(request(time));
    await answers(server, time);
    await rig.client.hear();
    await server.leave();
    server = await replayed(rig.backend);
  }
  assert.deepEqual(told, []);
});

Deno.test("supervise counts a server that took the handshake and answered nothing else", async () => {
  const { made, told } = guard({ limit: 2 });
  await using rig = await superviseRig({ retry: FOREVER, guards: () => [made] });
  await (await established(rig)).leave();
  await (await replayed(rig.backend)).leave();
  while (told.length === 0) await settled();
  assert.deepEqual(told, [GONE]);
});

Deno.test("supervise tells a fair guard which ends a client may have caused", async () => {
  const [fair, strict] = [guard({ limit: 2, fair: true }), guard({ limit: 2 })];
  await using rig = await superviseRig({ retry: FOREVER, guards: () => [fair.made, strict.made] });
  let server = await established(rig);
  for (let time = 1; time <= 2; time++) {
    rig.client.say(request(time));
    await server.hear();
    await server.leave();
    await rig.client.hear();
    if (time === 1) server = await replayed(rig.backend);
  }
  assert.deepEqual([fair.told, strict.told], [[], [GONE]]);
});

Deno.test("supervise blames nobody for the end of a server whose successor is there already", async () => {
  const { made, told } = guard({ limit: 1 });
  await using rig = await superviseRig({ retry: FOREVER, guards: () => [made] });
  const first = await established(rig);
  const send = first.near.send;
  first.near.send = () => {
    first.near.send = send;
    throw new DisconnectedError("The pipe is broken");
  };
  rig.client.say(request(1));
  await answers(await replayed(rig.backend), 1);
  await rig.client.hear();
  await first.leave();
  await settled();
  assert.deepEqual(told, []);
});

Deno.test("supervise refuses at once what a failed server would have to be waited for", async () => {
  const { made } = guard({ limit: 2 });
  const slow = { attempts: Infinity, firstDelayMs: 60_000, maxDelayMs: 60_000 };
  await using rig = await superviseRig({ retry: slow, guards: () => [made] });
  await (await established(rig)).leave();
  await (await replayed(rig.backend)).leave();
  rig.client.say(request(1));
  assert.match(JSON.stringify(await rig.client.hear()), /again and again/);
});

Deno.test("supervise lets no more wait for a server than may wait, and says that it may be sent again", async () => {
  const opening = Promise.withResolvers<void>();
  const backend = new FakeBackend(() => opening.promise);
  await using rig = await superviseRig({ backend, retry: FOREVER, maxBufferedBytes: 100 });
  for (const id of [1, 2]) {
    void rig.channel.send({ message: request(id), text: JSON.stringify(request(id)).padEnd(60) });
  }
  const { message, undelivered } = await rig.client.next();
  assert("error" in message && message.id === 2);
  assert.match(message.error.message, /too much waits for it/);
  assert.equal(undelivered?.why, "busy");
  opening.resolve();
  assert.deepEqual(await (await backend.next()).hear(), request(1));
});

Deno.test("supervise lets nothing wait behind a notification that waits for a server", async () => {
  await using rig = await superviseRig({ retry: { attempts: 0, firstDelayMs: 0, maxDelayMs: 0 } });
  await (await established(rig)).leave();
  assert.equal(rig.channel.send({ message: notification("notifications/roots/list_changed") }), undefined);
  assert.equal(rig.channel.send({ message: cancelled("unknown") }), undefined);
  assert.deepEqual(
    await (await replayed(rig.backend)).hear(),
    notification("notifications/roots/list_changed"),
  );
});

Deno.test("supervise gives the handshake to the next server when the first was dying", async () => {
  await using rig = await superviseRig({ retry: FOREVER, handshakeTries: 2 });
  rig.client.say(INITIALIZE);
  const dying = await rig.backend.next();
  await dying.hear();
  await dying.leave();
  await (await rig.backend.next()).accept("initialize");
  assert.deepEqual(await rig.client.hear(), result("init"));
});

Deno.test("supervise opens nothing any more when the gateway stops, and leaves what runs alone", async () => {
  const stopping = new AbortController();
  const slow = { attempts: Infinity, firstDelayMs: 60_000, maxDelayMs: 60_000 };
  await using rig = await superviseRig({ retry: slow, stopping: stopping.signal });
  await (await established(rig)).leave();
  const server = await replayed(rig.backend);
  rig.client.say(request(1));
  await server.hear();
  stopping.abort(new StoppingError());
  server.say(result(1));
  assert.deepEqual(await rig.client.hear(), result(1));
  await server.leave();
  rig.client.say(request(2));
  assert.deepEqual(await rig.client.hear(), failure(2, "The gateway is shutting down"));
  assert.equal(rig.backend.attempts, 2);
});

Deno.test("supervise counts a server that ends in the handshake that is played to it", async () => {
  const { made, told } = guard({ limit: 2 });
  await using rig = await superviseRig({ retry: FOREVER, guards: () => [made] });
  await (await established(rig)).leave();
  const server = await rig.backend.next();
  await server.hear();
  await server.leave();
  while (told.length === 0) await settled();
  assert.equal(made.failure, GONE);
});

Deno.test("supervise counts a server that says more than is taken, as one that ends", async () => {
  const { made, told } = guard({ limit: 3 });
  await using rig = await superviseRig({ retry: FOREVER, guards: () => [made] });
  let server = await established(rig);
  for (let times = 1; times <= 3; times++) {
    server.breakOff(new TooLargeError("A line is longer than 100 bytes"));
    if (times < 3) server = await replayed(rig.backend);
  }
  while (told.length === 0) await settled();
  assert.deepEqual([told, rig.backend.attempts], [["A line is longer than 100 bytes"], 3]);
});

Deno.test("supervise counts a server that says more than is taken while the handshake is played to it", async () => {
  const { made, told } = guard({ limit: 2 });
  await using rig = await superviseRig({ retry: FOREVER, guards: () => [made] });
  await (await established(rig)).leave();
  const server = await rig.backend.next();
  server.breakOff(new TooLargeError("A line is longer than 100 bytes"));
  while (told.length === 0) await settled();
  assert.equal(made.failure, "A line is longer than 100 bytes");
});

Deno.test("supervise does not count the end of a server that its client closed, nor a lack of room", async () => {
  const { made, told } = guard({ limit: 2 });
  const backend = new FakeBackend((attempt) => {
    if (attempt === 2) throw new BusyError("Too many children: the limit is 1");
  });
  await using rig = await superviseRig({ backend, retry: FOREVER, guards: () => [made] });
  const first = await established(rig);
  await first.leave();
  // There is no room for the next, and the request that asks for one more finds some.
  await settled();
  rig.client.say(request(1));
  const second = await replayed(backend);
  await answers(second, 1);
  await rig.client.hear();
  await rig.client.close();
  await second.leave();
  await settled();
  assert.deepEqual(told, []);
});

Deno.test("supervise says of a request that found no room that it may be sent again", async () => {
  const backend = new FakeBackend(() => {
    throw new BusyError("Too many children: the limit is 1");
  });
  await using rig = await superviseRig({ backend, retry: FOREVER });
  rig.client.say(INITIALIZE);
  const { message, undelivered } = await rig.client.next();
  assert.deepEqual(message, failure("init", "Too many children: the limit is 1", -32000));
  assert.deepEqual(undelivered, { again: "later", afterMs: 5000, why: "busy" });
  assert.equal(backend.attempts, 1, "it waited already");
});

Deno.test("supervise tries the client's own handshake as often as it is told", async () => {
  const backend = new FakeBackend(() => {
    throw new BackendError("The MCP server could not be started");
  });
  await using rig = await superviseRig({ backend, retry: FOREVER, firstAttempts: 0 });
  rig.client.say(INITIALIZE);
  assert.deepEqual(await rig.client.hear(), failure("init", "The MCP server could not be started", -32603));
  assert.equal(backend.attempts, 1);
});

Deno.test("supervise leaves a server that ended well alone until it is asked for, where it is told so", async () => {
  await using rig = await superviseRig({ reopens: () => false });
  await (await established(rig)).leave();
  await settled();
  assert.equal(rig.backend.attempts, 1);
  rig.client.say(request(1));
  await answers(await replayed(rig.backend), 1);
  assert.deepEqual(await rig.client.hear(), result(1));
});

Deno.test("supervise lets requests wait for a server at a cost that grows with their number alone", async () => {
  await assertLinear(2_500, async (size) => {
    const backend = new FakeBackend(() => new Promise<void>(() => {}));
    const rig = await superviseRig({ backend, retry: FOREVER });
    return () => {
      for (let id = 0; id < size; id++) void rig.channel.send({ message: request(id) });
    };
  });
});

Deno.test("supervise counts what waits for a server, and keeps nothing of what one has that delivers", async () => {
  for (const delivers of [true, false]) {
    const opening = Promise.withResolvers<void>();
    const backend = new FakeBackend(() => opening.promise);
    const backlog = new Backlog(Infinity);
    await using rig = await superviseRig({ backend, retry: FOREVER, delivers, backlog });
    const call = request(1, "tools/call", { text: "x".repeat(100) });
    const note = notification("note", { text: "y".repeat(100) });
    rig.client.say(call, note);
    assert.equal(backlog.size, JSON.stringify(call).length + JSON.stringify(note).length);
    opening.resolve();
    const server = await backend.next();
    assert.deepEqual([await server.hear(), await server.hear()], [call, note]);
    await settled();
    assert.equal(backlog.size, delivers ? 0 : JSON.stringify(call).length);
    server.say(result(1));
    await rig.client.hear();
    assert.equal(backlog.size, 0);
  }
});
