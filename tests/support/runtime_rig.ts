/** A server as it is served, over servers in memory that the test plays, and what may be done to it meanwhile. */
import assert from "node:assert/strict";
import type { Peer, Principal } from "../../src/core/backend.ts";
import { memoryChannels } from "../../src/core/channel.ts";
import { RequestError } from "../../src/core/errors.ts";
import { LiveSessions } from "../../src/core/live_sessions.ts";
import { isRequest } from "../../src/core/message/jsonrpc.ts";
import { Gateway } from "../../src/gateway.ts";
import { children } from "../../src/observe/children.ts";
import { Overrides } from "../../src/overrides/overrides.ts";
import { Runtime, type RuntimeOptions } from "../../src/overrides/runtime.ts";
import type { TakenOver } from "../../src/overrides/takeover.ts";
import type { PlacementConfig } from "../../src/placement/config.ts";
import { Placement } from "../../src/placement/placement.ts";
import { FakeBackend, type FakeServer } from "./fake_backend.ts";
import { FarEnd, settled } from "./far_end.ts";
import { notification, request } from "./messages.ts";
import { PLACEMENT } from "./placement_config.ts";
import { recorder } from "./recorder.ts";

const CLIENT = { name: "tester", version: "1.2.3" };
const HANDSHAKE = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: CLIENT };

/** What differs from a command whose headers no request tells. */
interface RigOptions extends Partial<PlacementConfig> {
  readonly liveHeaders?: boolean;
  readonly backend?: FakeBackend;
}

export function runtimeRig(
  { liveHeaders = false, backend = new FakeBackend(), ...config }: RigOptions = {},
) {
  const record = recorder();
  const settings = { ...PLACEMENT, ...config };
  const overrides = new Overrides();
  const sessions = new LiveSessions(settings);
  const upstream = { backend: overrides.around(backend), spawns: !liveHeaders, kill: () => {} };
  const known = children();
  const emit = (event: Parameters<typeof record.emit>[0]) => {
    known.hear(event);
    record.emit(event);
  };
  const placement = new Placement(settings, {
    ...{ upstream, version: "1.0.0", sessions, ahead: overrides, emit },
  });
  const gateway = new Gateway({
    serverFor: (peer) => placement.serverFor(peer),
    onSessionEnded: ({ session }) => overrides.forget(session),
    ...{ sessions, policies: [], emit, maxSessions: 10, queueTimeoutMs: 0 },
    ...{ maxOpenRequests: 10, maxIdChars: 1_024 },
  });
  const options: RuntimeOptions = {
    ...{ name: "fake", server: "the fake", kind: liveHeaders ? "remote" : "command", liveHeaders },
    serverForEachRequest: settings.children === "request",
    serverFor: (peer) => placement.serverFor(peer),
    shared: () => placement.shared(),
    renew: () => placement.renew(),
    ...{ overrides, sessions, emit, pidOf: known.runningPidOf, restartsOf: known.restartsOf },
  };
  placement.start();

  /** A client that was let in. */
  async function knock(session: string, peer: Partial<Peer> = {}): Promise<FarEnd> {
    const admission = await gateway.accept({ session, wire: "websocket", scope: "session", ...peer });
    const [client, clientEnd] = memoryChannels();
    void admission.run(clientEnd);
    return new FarEnd(client);
  }

  /** The next server that is opened, once the handshake was played to it. */
  async function replayed(): Promise<FakeServer> {
    const server = await backend.next();
    await server.accept("initialize", { protocolVersion: "2025-11-25", serverInfo: { name: "fake" } });
    await server.hear();
    return server;
  }

  return {
    ...record,
    ...{ runtime: new Runtime(options), overrides, backend, knock, replayed },
    /** A session of its own server, with its handshake behind it. */
    async visit(session: string, principal?: Principal) {
      const client = await knock(session, { principal });
      client.say(request("init", "initialize", HANDSHAKE));
      const server = await backend.next();
      await server.accept("initialize", { protocolVersion: "2025-11-25", serverInfo: { name: "fake" } });
      await client.hear();
      client.say(notification("notifications/initialized"));
      await server.hear();
      return { client, server };
    },
    /** A session that shares the server, with its handshake behind it. */
    async join(session: string, peer: Partial<Peer> = {}): Promise<FarEnd> {
      const client = await knock(session, peer);
      client.say(request("init", "initialize", HANDSHAKE));
      return client;
    },
    /** What servers were opened with, but for who they are for. */
    launched: () => backend.launches.map(({ args, env }) => ({ args, env })),
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await placement[Symbol.asyncDispose]();
      await settled();
    },
  };
}

/** Answers the next request of a client at this server. */
export async function answerNext(server: FarEnd, client: FarEnd): Promise<void> {
  const message = await server.hear();
  assert(isRequest(message));
  server.say({ jsonrpc: "2.0", id: message.id, result: {} });
  await client.hear();
}

/** What nobody takes over. */
export const NOBODY: TakenOver = { live: [], restart: [], kept: [] };

/** Who takes a change over, without what else is told of it. */
export function takenOver({ live, restart, kept }: TakenOver): TakenOver {
  return { live, restart, kept };
}

/** For `assert.throws`. */
export function refusedWith(status: number, text: RegExp) {
  return (error: unknown) => {
    assert(error instanceof RequestError);
    assert.equal(error.status, status);
    assert.match(error.message, text);
    return true;
  };
}
