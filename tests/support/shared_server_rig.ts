/** A shared server in memory, and its clients. */
import { SharedServer, type SharedServerOptions } from "../../src/adapters/sharing/shared_server.ts";
import type { ClientKind } from "../../src/adapters/sharing/shared_client.ts";
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

export interface SharedServerRig extends Recorder {
  readonly shared: SharedServer;
  readonly server: FarEnd;
  /** A client of its own, with a session unless told otherwise. */
  join(kind?: ClientKind, party?: string): FarEnd;
}

export function sharedServerRig(options: Partial<SharedServerOptions> = {}): SharedServerRig {
  const [server, serverEnd] = memoryChannels();
  const record = recorder();
  const shared = new SharedServer({
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
    ...{ shared, server: new FarEnd(server) },
    join: (kind = "session", party) => new FarEnd(shared.join(kind, party)),
  };
}
