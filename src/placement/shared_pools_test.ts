import assert from "node:assert/strict";
import { AS_CONFIGURED } from "../core/backend.ts";
import { SharedPool } from "./shared_pool.ts";
import { SharedPools } from "./shared_pools.ts";
import { FakeBackend } from "../../tests/support/fake_backend.ts";
import { settled } from "../../tests/support/far_end.ts";
import { recorder } from "../../tests/support/recorder.ts";
import { SUBSCRIPTIONS } from "../../tests/support/limits.ts";

const SIGNAL = new AbortController().signal;

function rig() {
  const { emit } = recorder();
  const backends = new Map<string | undefined, FakeBackend>();
  const pools = new SharedPools(({ principal }, onWanted) => {
    const name = principal?.name;
    const backend = new FakeBackend();
    backends.set(name, backend);
    return new SharedPool(backend, {
      ...{ label: name ?? "shared", scope: "all" as const, restarts: true, onWanted, emit },
      ...{ protocolVersion: "2025-11-25", clientInfo: { name: "keystone", version: "1.0.0" } },
      ...{ timeoutMs: 60_000, versions: ["2025-11-25"], maxBufferedMessages: 100, maxBufferedBytes: 1 << 26 },
      ...SUBSCRIPTIONS,
    });
  });
  /** One client at the server of this name, whose server takes the handshake if it is the first. */
  const visit = async (name?: string) => {
    const joining = pools.get({ principal: name === undefined ? undefined : { name } }).join(
      "session",
      SIGNAL,
    );
    const backend = backends.get(name)!;
    await settled();
    const server = backend.attempts > 0 ? await backend.next() : undefined;
    await server?.accept("initialize", { protocolVersion: "2025-11-25" });
    return { channel: await joining, server };
  };
  return { pools, backends, visit };
}

Deno.test("SharedPools has one server for each principal, and one for everybody else", async () => {
  const { pools, backends, visit } = rig();
  await using _ = pools;
  for (const name of ["ann", "bob", undefined]) await visit(name);
  assert.equal(pools.get({ principal: { name: "ann" } }), pools.get({ principal: { name: "ann" } }));
  assert.notEqual(pools.get({ principal: { name: "ann" } }), pools.get({ principal: { name: "bob" } }));
  assert.notEqual(pools.get({ principal: { name: "undefined" } }), pools.get({}));
  assert.deepEqual([...backends].map(([name, { attempts }]) => [name, attempts]), [
    ["ann", 1],
    ["bob", 1],
    [undefined, 1],
    ["undefined", 0],
  ]);
});

Deno.test("SharedPools stops the server that has been without a client for longest, and none that has one", async () => {
  const { pools, visit } = rig();
  await using _ = pools;
  const [ann, bob, eve] = [await visit("ann"), await visit("bob"), await visit("eve")];
  await bob.channel[Symbol.asyncDispose]();
  await new Promise((resolve) => setTimeout(resolve, 2));
  await eve.channel[Symbol.asyncDispose]();
  await pools.stopIdlest(60_000);
  assert(!bob.server?.disposed, "not idle for long enough");
  await pools.stopIdlest(0);
  assert.deepEqual([ann, bob, eve].map(({ server }) => server?.disposed), [false, true, false]);
  await pools.stopIdlest(0);
  await pools.stopIdlest(0);
  assert.deepEqual([ann, bob, eve].map(({ server }) => server?.disposed), [false, true, true]);
});

Deno.test("SharedPools forgets those that do not run when there are many, and keeps whoever comes back to one", async () => {
  const { pools, backends, visit } = rig();
  await using _ = pools;
  const ann = await visit("ann");
  const early = pools.get({ principal: { name: "eve" } });
  const backend = backends.get("eve")!;
  for (let n = 0; n < 100; n++) pools.get({ launch: { args: [`${n}`], env: {}, headers: {} } });
  assert.notEqual(pools.get({ principal: { name: "eve" } }), early, "it is forgotten");
  assert.equal(pools.get({ principal: { name: "ann" } }).running, true);
  // Who was let in before that still finds a server, and it is stopped as any other.
  const joining = early.join("session", SIGNAL);
  await settled();
  const server = await backend.next();
  await server.accept("initialize", { protocolVersion: "2025-11-25" });
  await (await joining)[Symbol.asyncDispose]();
  assert.equal(pools.running().length, 2);
  await pools.stopIdlest(0);
  assert.deepEqual([ann.server?.disposed, server.disposed], [false, true]);
});

Deno.test("SharedPools stops what principals have abandoned, and keeps the server of everybody else", async () => {
  const { pools, visit } = rig();
  await using _ = pools;
  const visits = [await visit("ann"), await visit("bob"), await visit()];
  for (const { channel } of visits) await channel[Symbol.asyncDispose]();
  await pools.stopAbandoned(0);
  assert.deepEqual(visits.map(({ server }) => server?.disposed), [true, true, false]);
});

Deno.test("SharedPools has a server for those who start it alike, however they say so", () => {
  const { pools } = rig();
  const one = { args: ["-v"], env: { A: "1", B: "2" }, headers: {} };
  const same = { args: ["-v"], env: { B: "2", A: "1" }, headers: {} };
  assert.equal(pools.get({ launch: one }), pools.get({ launch: same }));
  const others = [{ ...one, args: [] }, { ...one, env: { A: "1" } }, { ...one, headers: { A: "1" } }];
  const all = [pools.everybodys, ...[one, ...others].map((launch) => pools.get({ launch }))];
  all.push(pools.get({ principal: { name: "ann" }, launch: one }));
  assert.equal(new Set(all).size, 6);
  assert.equal(pools.get({ launch: AS_CONFIGURED }), pools.everybodys);
});
