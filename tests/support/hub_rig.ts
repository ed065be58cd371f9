/** A multiplex over a server in memory. */
import { Multiplex, type MultiplexOptions } from "../../src/adapters/sharing/multiplex.ts";
import type { ClientKind } from "../../src/adapters/sharing/shared_channel.ts";
import { memoryChannels } from "../../src/core/channel.ts";
import { FarEnd } from "./far_end.ts";
import { result } from "./messages.ts";
import { type Recorder, recorder } from "./recorder.ts";
import { SUBSCRIPTIONS } from "./limits.ts";

export const INITIALIZED = {
  protocolVersion: "2025-06-18",
  capabilities: { tools: {} },
  serverInfo: { name: "test", version: "1.0.0" },
};

export interface HubRig extends Recorder {
  readonly hub: Multiplex;
  readonly server: FarEnd;
  /** A client of its own, with a session unless told otherwise. */
  join(kind?: ClientKind): FarEnd;
}

export function hubRig(options: Partial<MultiplexOptions> = {}): HubRig {
  const [server, serverEnd] = memoryChannels();
  const record = recorder();
  const hub = new Multiplex({
    server: serverEnd,
    incoming: serverEnd.incoming,
    initialized: { message: result(0, INITIALIZED) },
    versions: ["2025-11-25", "2025-06-18", "2025-03-26"],
    maxBufferedMessages: 100,
    maxBufferedBytes: 1 << 26,
    ...SUBSCRIPTIONS,
    session: "shared",
    emit: record.emit,
    ...options,
  });
  return {
    ...record,
    ...{ hub, server: new FarEnd(server) },
    join: (kind = "session") => new FarEnd(hub.open(kind)),
  };
}
