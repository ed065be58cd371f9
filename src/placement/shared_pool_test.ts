import assert from "node:assert/strict";
import { memoryChannels } from "../core/channel.ts";
import type { Backend, Launch } from "../core/backend.ts";
import { BackendError, BusyError, StoppingError, TimeoutError } from "../core/errors.ts";
import { isRequest } from "../core/message/jsonrpc.ts";
import { openModern } from "../adapters/era/open_modern.ts";
import { SharedPool, type SharedPoolOptions } from "./shared_pool.ts";
import { fakeClock } from "../../tests/support/fake_clock.ts";
import { FarEnd, settled } from "../../tests/support/far_end.ts";
import { request, result } from "../../tests/support/messages.ts";
import { recorder } from "../../tests/support/recorder.ts";
import { SUBSCRIPTIONS } from "../../tests/support/limits.ts";

const launch: Launch = { session: "s1", args: [], env: {}, headers: {} };

/** A shared backend over servers in memory. */
function shareRig(options: Partial<SharedPoolOptions> = {}) {
  const servers: FarEnd[] = [];
  const launches: Launch[] = [];
  const record = recorder();
  let [failing, disposed] = [false, 0];
  const backend: Backend = {
    name: "test",
    open(launch) {
      launches.push(launch);
      if (failing) return Promise.reject(new BackendError("No such program"));
      const [server, serverEnd] = memoryChannels();
      servers.push(new FarEnd(server));
      return Promise.resolve(serverEnd);
    },
    [Symbol.asyncDispose]() {
      disposed++;
      return Promise.resolve();
    },
  };
  const shared = new SharedPool(backend, {
    ...{ label: "shared", scope: "all" as const, restarts: true },
    ...{ protocolVersion: "2025-11-25", clientInfo: { name: "keystone", version: "1.0.0" } },
    ...{ timeoutMs: 60_000, versions: ["2025-11-25"], maxBufferedMessages: 100, maxBufferedBytes: 1 << 26 },
    ...SUBSCRIPTIONS,
    emit: record.emit,
    ...options,
  });
  return {
    ...record,
    ...{ shared, servers, launches },
    open: async (signal = new AbortController().signal) => new FarEnd(await shared.join("session", signal)),
    fail: (now: boolean) => void (failing = now),
    disposed: () => disposed,
  };
}

/** Lets a server answer initialize. */
async function start(server: FarEnd | undefined): Promise<FarEnd> {
  assert(server, "no server was started");
  const initialize = await server.hear();
  assert(isRequest(initialize) && initialize.method === "initialize");
  server.say(result(initialize.id, { protocolVersion: "2025-11-25" }));
  await server.hear();
  return server;
}

Deno.test("SharedPool starts one server for 20 clients that come at once, under a name of its own", async () => {
  const rig = shareRig();
  const opening = Array.from({ length: 20 }, () => rig.open());
  await settled();
  const server = await start(rig.servers[0]);
  const clients = await Promise.all(opening);
  clients.push(await rig.open());
  assert.deepEqual(rig.launches, [{ ...launch, session: "shared", backlog: rig.shared.backlog }]);
  for (const client of clients) client.say(request(1));
  for (const client of clients) {
    const asked = await server.hear();
    assert(isRequest(asked));
    server.say(result(asked.id));
    assert.deepEqual(await client.hear(), result(1));
  }
});

Deno.test("SharedPool keeps its server when clients leave", async () => {
  const rig = shareRig();
  const opening = rig.open();
  await settled();
  const server = await start(rig.servers[0]);
  await (await opening).leave();
  const next = await rig.open();
  next.say(request(1));
  assert(isRequest(await server.hear()));
  assert.equal(rig.launches.length, 1);
});

Deno.test("SharedPool tells every client that the server cannot be opened, and tries again for the next", async () => {
  const rig = shareRig();
  rig.fail(true);
  const opening = [rig.open(), rig.open()];
  for (const each of opening) await assert.rejects(each, /No such program/);
  assert.equal(rig.launches.length, 1);
  rig.fail(false);
  const next = rig.open();
  await settled();
  await start(rig.servers[0]);
  await next;
  assert.deepEqual(rig.told("fault"), []);
});

Deno.test("SharedPool stops a server that breaks off or keeps silent in the handshake, and starts another", async () => {
  using clock = fakeClock();
  const rig = shareRig();
  const silent = rig.open();
  await settled();
  clock.pass(60_000);
  await assert.rejects(silent, TimeoutError);
  assert((await rig.servers[0]?.rest())?.error instanceof Error, "the silent server was not stopped");
  const broken = rig.open();
  await settled();
  await rig.servers[1]?.leave();
  await assert.rejects(broken, /The other end is gone/);
  const next = rig.open();
  await settled();
  await start(rig.servers[2]);
  await next;
});

Deno.test("SharedPool starts a new server after one that died, whose clients got their end", async () => {
  const rig = shareRig();
  const opening = rig.open();
  await settled();
  const server = await start(rig.servers[0]);
  const client = await opening;
  await server.leave();
  assert((await client.rest()).error instanceof Error);
  const next = rig.open();
  await settled();
  await start(rig.servers[1]);
  await next;
});

Deno.test("SharedPool frees a server that only closed its end", async () => {
  const rig = shareRig();
  const opening = rig.open();
  await settled();
  const server = await start(rig.servers[0]);
  await opening;
  await server.close();
  // Settles only because the server was told that nothing more will come.
  await server.rest();
});

Deno.test("SharedPool lets a client go that stops waiting, and starts the server for the others", async () => {
  const rig = shareRig();
  const impatient = new AbortController();
  const [first, second] = [rig.open(impatient.signal), rig.open()];
  await settled();
  impatient.abort(new StoppingError());
  await assert.rejects(first, StoppingError);
  await start(rig.servers[0]);
  await second;
  await assert.rejects(rig.open(AbortSignal.abort(new StoppingError())), StoppingError);
});

Deno.test("SharedPool stops its server when it is disposed, and the backend behind it", async () => {
  const rig = shareRig();
  const opening = rig.open();
  await settled();
  const server = await start(rig.servers[0]);
  await opening;
  await rig.shared[Symbol.asyncDispose]();
  // Settles only because the server was told that nothing more will come.
  await server.rest();
  assert.equal(rig.disposed(), 1);
});

Deno.test(
  "SharedPool does not wait for a handshake when it is disposed",
  { sanitizeOps: true },
  async () => {
    const rig = shareRig();
    const opening = rig.open();
    const refused = assert.rejects(opening, StoppingError);
    await settled();
    await rig.shared[Symbol.asyncDispose]();
    await refused;
    assert((await rig.servers[0]?.rest())?.error instanceof Error, "the server was not stopped");
  },
);

Deno.test("SharedPool can be disposed without ever having started", async () => {
  const rig = shareRig();
  await rig.shared[Symbol.asyncDispose]();
  assert.equal(rig.launches.length, 0);
});

Deno.test("SharedPool gives up a server that was started for nobody yet, and none that a client has asked for", async () => {
  const rig = shareRig();
  assert.equal(rig.shared.giveUp(), false);
  // While it starts, and when it is there.
  const starting = rig.shared.start();
  assert.equal(rig.shared.giveUp(), true);
  await assert.rejects(starting, BusyError);
  await settled();
  const started = rig.shared.start();
  const second = await start(rig.servers[1]);
  await started;
  assert.equal(rig.shared.giveUp(), true);
  assert.deepEqual((await second.rest()).messages, []);
  const opening = rig.open();
  await settled();
  await start(rig.servers[2]);
  const client = await opening;
  await client.close();
  assert.equal(rig.shared.giveUp(), false);
});

Deno.test("SharedPool has a server without a handshake opened anew for whoever comes after a restart", async () => {
  const rig = shareRig({ open: openModern });
  const client = await rig.open();
  assert.equal(rig.launches[0]?.era, "modern");
  await rig.shared.restart();
  assert((await client.rest()).error);
  await rig.open();
  assert.equal(rig.servers.length, 2);
  await rig.shared[Symbol.asyncDispose]();
});
