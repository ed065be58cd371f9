import assert from "node:assert/strict";
import type { LaunchSettings, Peer } from "../core/backend.ts";
import { BackendError } from "../core/errors.ts";
import { LiveSessions } from "../core/live_sessions.ts";
import { isRequest } from "../core/message/jsonrpc.ts";
import { fakeClock } from "../../tests/support/fake_clock.ts";
import { FakeBackend } from "../../tests/support/fake_backend.ts";
import { FarEnd, settled } from "../../tests/support/far_end.ts";
import { gatewayRig, MemoryBackend } from "../../tests/support/gateway_rig.ts";
import { PLACEMENT } from "../../tests/support/placement_config.ts";
import { request, result } from "../../tests/support/messages.ts";
import { recorder } from "../../tests/support/recorder.ts";
import type { PlacementConfig } from "./config.ts";
import { Placement } from "./placement.ts";

const SIGNAL = new AbortController().signal;
const VERBOSE: LaunchSettings = { args: ["-v"], env: { TOKEN: "a" }, headers: {} };

function rig(config: Partial<PlacementConfig> = {}) {
  const record = recorder();
  const backend = new MemoryBackend("upstream");
  const settings = { ...PLACEMENT, ...config };
  const sessions = new LiveSessions(settings);
  const upstream = { backend, spawns: true, kill: () => {} };
  const placement = new Placement(settings, { upstream, version: "1.0.0", sessions, emit: record.emit });
  placement.start();
  /** A conversation of this client; a server that is opened for it takes the handshake of ours. */
  const visit = async (peer: Partial<Peer> & Pick<Peer, "scope">) => {
    const { backend: answering, backlog } = placement.serverFor({
      session: "s1",
      wire: "websocket",
      ...peer,
    });
    const launch = { session: "s1", ...peer.launch ?? { args: [], env: {}, headers: {} }, backlog };
    const before = backend.launches.length;
    const opening = answering.open(launch, SIGNAL);
    await settled();
    if (backend.launches.length > before) {
      const message = await backend.last().hear();
      assert(isRequest(message));
      backend.last().say(result(message.id, { protocolVersion: "2025-11-25" }));
    }
    return new FarEnd(await opening);
  };
  return { ...record, placement, sessions, backend, visit };
}

Deno.test("Placement has callers of one principal share a server, and those who start it alike", async () => {
  const { placement, backend, visit } = rig();
  await using _ = placement;
  const ann = { name: "ann" };
  await visit({ scope: "request" });
  await visit({ scope: "request" });
  await visit({ scope: "request", principal: ann });
  await visit({ scope: "request", launch: VERBOSE });
  await visit({ scope: "request", launch: { ...VERBOSE } });
  const launched = backend.launches.map(({ session, args, env }) => ({ session, args, env }));
  assert.deepEqual(launched, [
    { session: "shared", args: [], env: {} },
    { session: "shared:ann", args: [], env: {} },
    { session: "shared#1", args: ["-v"], env: { TOKEN: "a" } },
  ]);
});

Deno.test("Placement has everybody share a server, whoever they are", async () => {
  const { placement, backend, visit } = rig({ children: "shared" });
  await using _ = placement;
  await visit({ scope: "request", principal: { name: "ann" } });
  await visit({ scope: "session" });
  assert.deepEqual(backend.launches.map(({ session }) => session), ["shared"]);
});

Deno.test("Placement gives each session and each request the server that it wants", async () => {
  for (const children of ["session", "request"] as const) {
    const { placement, backend } = rig({ children });
    await using _ = placement;
    const peer: Peer = { session: "s1", wire: "websocket", scope: "session", launch: VERBOSE };
    const { backend: answering, backlog } = placement.serverFor(peer);
    const client = new FarEnd(await answering.open({ ...VERBOSE, session: "s1", backlog }, SIGNAL));
    client.say(request(1));
    while (backend.launches.length === 0) await settled();
    assert.deepEqual(backend.launches, [{ ...VERBOSE, session: "s1", backlog }]);
    await client.leave();
  }
});

Deno.test("Placement has what waits for a shared server count together, and that of sessions apart", async () => {
  const { placement } = rig();
  await using _ = placement;
  const backlogOf = (scope: Peer["scope"], session: string) =>
    placement.serverFor({ session, wire: "websocket", scope }).backlog;
  assert.equal(backlogOf("request", "a"), backlogOf("request", "b"));
  assert.notEqual(backlogOf("session", "a"), backlogOf("session", "b"));
});

Deno.test("Placement ends an idle session for somebody who needs the place of its server", async () => {
  const { placement, sessions, backend } = rig({ maxChildren: 1 });
  await using _ = placement;
  const { knock } = gatewayRig({ sessions, serverFor: (peer) => placement.serverFor(peer) });
  const idle = await knock({ idleMs: () => 60_000 });
  idle.say(request(1));
  while (backend.servers.length < 1) await settled();
  const first = backend.last();
  await first.hear();
  first.say(result(1));
  assert.deepEqual(await idle.hear(), result(1));
  const next = await knock();
  next.say(request(2));
  await idle.over;
  while (backend.servers.length < 2) await settled();
  assert.deepEqual(await backend.last().hear(), request(2));
  await next.leave();
});

Deno.test("Placement tries a server that is for nobody, and stops it, unless somebody has come before", async () => {
  using clock = fakeClock();
  const tried = rig({ children: "session", tryAtStart: true });
  await using _ = tried.placement;
  const attempt = tried.placement.tryOut();
  assert.equal(attempt?.label, "trial");
  await settled();
  assert.deepEqual(tried.backend.launches, []);
  clock.pass(100);
  while (tried.backend.servers.length === 0) await settled();
  const message = await tried.backend.last().hear();
  assert(isRequest(message) && message.method === "initialize");
  tried.backend.last().say(result(message.id, { protocolVersion: "2025-11-25" }));
  await attempt?.done;
  const visited = rig({ children: "session", tryAtStart: true });
  await using __ = visited.placement;
  const other = visited.placement.tryOut();
  const client = await visited.visit({ scope: "session" });
  client.say(request(1));
  while (visited.backend.servers.length === 0) await settled();
  clock.pass(100);
  await other?.done;
  assert.deepEqual(visited.backend.launches.map(({ session }) => session), ["s1"]);
  await client.leave();
});

Deno.test("Placement counts a server once that could not be started ahead, and tries it again when it is time", async () => {
  using clock = fakeClock();
  const record = recorder();
  const backend = new FakeBackend((attempt) => {
    if (attempt <= 3) throw new BackendError("The MCP server could not be started");
  });
  const config: PlacementConfig = {
    ...{ ...PLACEMENT, children: "request", transports: ["streamableHttp"], prewarm: 1 },
    crash: { limit: 3, windowMs: 60_000, probeMs: 1_000 },
  };
  const upstream = { backend, spawns: true, kill: () => {} };
  const sessions = new LiveSessions(config);
  const placement = new Placement(config, { upstream, version: "1.0.0", sessions, emit: record.emit });
  await using _ = placement;
  placement.start();
  await settled();
  const failures = () => record.told("server.failed").length;
  for (const [attempts, failed] of [[1, 0], [2, 0], [3, 1]]) {
    assert.deepEqual([backend.attempts, failures()], [attempts, failed]);
    clock.pass(5);
    await settled();
  }
  // When the guard lets somebody try again, nobody else has spent that.
  const again = () => backend.launches.slice(3).some(({ session }) => session.startsWith("warm-"));
  for (let turn = 0; turn < 300 && !again(); turn++) {
    clock.pass(5);
    await settled();
  }
  assert(again());
});
