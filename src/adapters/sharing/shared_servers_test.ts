import assert from "node:assert/strict";
import { SharedServer } from "./share.ts";
import { SharedServers } from "./shared_servers.ts";
import { FakeBackend } from "../../../tests/support/fake_backend.ts";
import { settled } from "../../../tests/support/far_end.ts";
import { recorder } from "../../../tests/support/recorder.ts";
import { SUBSCRIPTIONS } from "../../../tests/support/limits.ts";

const SIGNAL = new AbortController().signal;

function rig() {
  const { emit } = recorder();
  const backends = new Map<string | undefined, FakeBackend>();
  const servers = new SharedServers((name) => {
    const backend = new FakeBackend();
    backends.set(name, backend);
    return new SharedServer(backend, {
      ...{ label: name ?? "shared", scope: "all" as const, restarts: true, emit },
      ...{ protocolVersion: "2025-11-25", clientInfo: { name: "keystone", version: "1.0.0" } },
      ...{ timeoutMs: 60_000, versions: ["2025-11-25"], maxBufferedMessages: 100, maxBufferedBytes: 1 << 26 },
      ...SUBSCRIPTIONS,
    });
  });
  /** One client at the server of this name, whose server takes the handshake if it is the first. */
  const visit = async (name?: string) => {
    const joining = servers.get(name === undefined ? undefined : { name }).join("session", SIGNAL);
    const backend = backends.get(name)!;
    await settled();
    const server = backend.attempts > 0 ? await backend.next() : undefined;
    await server?.accept("initialize", { protocolVersion: "2025-11-25" });
    return { channel: await joining, server };
  };
  return { servers, backends, visit };
}

Deno.test("SharedServers has one server for each principal, and one for everybody else", async () => {
  const { servers, backends, visit } = rig();
  await using _ = servers;
  for (const name of ["ann", "bob", undefined]) await visit(name);
  assert.equal(servers.get({ name: "ann" }), servers.get({ name: "ann" }));
  assert.notEqual(servers.get({ name: "ann" }), servers.get({ name: "bob" }));
  assert.notEqual(servers.get({ name: "undefined" }), servers.get(undefined));
  assert.deepEqual([...backends].map(([name, { attempts }]) => [name, attempts]), [
    ["ann", 1],
    ["bob", 1],
    [undefined, 1],
    ["undefined", 0],
  ]);
});

Deno.test("SharedServers stops the server that has been without a client for longest, and none that has one", async () => {
  const { servers, visit } = rig();
  await using _ = servers;
  const [ann, bob, eve] = [await visit("ann"), await visit("bob"), await visit("eve")];
  await bob.channel[Symbol.asyncDispose]();
  await new Promise((resolve) => setTimeout(resolve, 2));
  await eve.channel[Symbol.asyncDispose]();
  await servers.stopIdlest(60_000);
  assert(!bob.server?.disposed, "not idle for long enough");
  await servers.stopIdlest(0);
  assert.deepEqual([ann, bob, eve].map(({ server }) => server?.disposed), [false, true, false]);
  await servers.stopIdlest(0);
  await servers.stopIdlest(0);
  assert.deepEqual([ann, bob, eve].map(({ server }) => server?.disposed), [false, true, true]);
});

Deno.test("SharedServers stops what principals have abandoned, and keeps the server of everybody else", async () => {
  const { servers, visit } = rig();
  await using _ = servers;
  const visits = [await visit("ann"), await visit("bob"), await visit()];
  for (const { channel } of visits) await channel[Symbol.asyncDispose]();
  await servers.stopAbandoned(0);
  assert.deepEqual(visits.map(({ server }) => server?.disposed), [true, true, false]);
});
