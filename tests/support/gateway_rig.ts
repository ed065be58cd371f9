/** A gateway over backends in memory. */
import type { Backend, Launch, Peer } from "../../src/core/backend.ts";
import type { Backlog } from "../../src/core/backlog.ts";
import { unbounded } from "./unbounded.ts";
import { memoryChannels } from "../../src/core/channel.ts";
import { LiveSessions } from "../../src/core/live_sessions.ts";
import { Gateway, type GatewayOptions } from "../../src/gateway.ts";
import { FarEnd } from "./far_end.ts";
import { type Recorder, recorder } from "./recorder.ts";

/** A backend whose servers a test plays itself. */
export class MemoryBackend implements Backend {
  readonly servers: FarEnd[] = [];
  readonly launches: Launch[] = [];
  disposed = 0;
  /** A server is freed when this settles. */
  freeing: Promise<unknown> = Promise.resolve();

  constructor(readonly name: string) {}

  open(launch: Launch): ReturnType<Backend["open"]> {
    const [server, serverEnd] = memoryChannels();
    this.launches.push(launch);
    this.servers.push(new FarEnd(server));
    return Promise.resolve({
      ...serverEnd,
      [Symbol.asyncDispose]: () => this.freeing.then(() => serverEnd[Symbol.asyncDispose]()),
    });
  }

  /** The server that was opened last. */
  last(): FarEnd {
    const server = this.servers.at(-1);
    if (!server) throw new Error(`No ${this.name} server was opened`);
    return server;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.disposed++;
    return Promise.resolve();
  }
}

interface Visitor extends FarEnd {
  /** Settles when the conversation is over. */
  readonly over: Promise<void>;
}

interface GatewayRig extends Recorder {
  readonly gateway: Gateway;
  readonly sessions: LiveSessions;
  readonly own: MemoryBackend;
  readonly shared: MemoryBackend;
  /** A client that is let in at once. Throws when it is refused. */
  visit(scope?: Peer["scope"]): Visitor;
  /** A client that may have to wait. Rejects when it is refused. */
  knock(peer?: Partial<Peer>): Promise<Visitor>;
}

interface GatewayRigOptions extends GatewayOptions {
  readonly evictAfterMs: number;
  /** One for all; without, each has its own, which has no bound. */
  readonly backlog: Backlog;
}

export function gatewayRig(
  { evictAfterMs = 60_000, sessions = new LiveSessions({ evictAfterMs }), backlog, ...options }: Partial<
    GatewayRigOptions
  > = {},
): GatewayRig {
  const record = recorder();
  const [own, shared] = [new MemoryBackend("own"), new MemoryBackend("shared")];
  const gateway = new Gateway({
    serverFor: ({ scope }) => ({
      backend: scope === "session" ? own : shared,
      backlog: backlog ?? unbounded(),
    }),
    sessions,
    policies: [],
    emit: record.emit,
    maxSessions: 10,
    queueTimeoutMs: 0,
    maxOpenRequests: 10,
    maxIdChars: 1_024,
    ...options,
  });
  let visitors = 0;
  const knock = async (peer: Partial<Peer> = {}): Promise<Visitor> => {
    const session = `visitor ${++visitors}`;
    const admission = await gateway.accept({ session, wire: "streamableHttp", scope: "session", ...peer });
    const [client, clientEnd] = memoryChannels();
    return Object.assign(new FarEnd(client), { over: admission.run(clientEnd) });
  };
  return {
    ...record,
    ...{ gateway, sessions, own, shared, knock },
    visit(scope = "session") {
      const admission = gateway.accept({ session: `visitor ${++visitors}`, wire: "streamableHttp", scope });
      if (admission instanceof Promise) throw new Error("There is no room, so a visitor has to knock");
      const [client, clientEnd] = memoryChannels();
      return Object.assign(new FarEnd(client), { over: admission.run(clientEnd) });
    },
  };
}
