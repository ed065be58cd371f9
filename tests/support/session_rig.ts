/** A session between two far ends in memory. */
import type { AdmittedClient, Peer } from "../../src/core/backend.ts";
import { unbounded } from "./unbounded.ts";
import { type Channel, memoryChannels } from "../../src/core/channel.ts";
import { compose } from "../../src/core/policy.ts";
import { Session } from "../../src/core/session/session.ts";
import type { SessionOptions } from "../../src/core/session/session_options.ts";
import { FakeBackend } from "./fake_backend.ts";
import { FarEnd } from "./far_end.ts";
import { type Recorder, recorder } from "./recorder.ts";

export interface SessionRig extends Recorder {
  readonly session: Session;
  readonly client: FarEnd;
  readonly server: FarEnd;
  /** The session's own ends, for a test that breaks one. */
  readonly ends: { readonly client: Channel; readonly server: Channel };
  /** How many servers were opened. */
  opened(): number;
  /** Settles when the session is over. */
  readonly over: Promise<void>;
}

/** Starts a session at once, without policies and without limits unless told otherwise. */
export function sessionRig(
  { peer, backlog, ...options }: Partial<SessionOptions & AdmittedClient> = {},
): SessionRig {
  const [client, clientEnd] = memoryChannels();
  const [server, serverEnd] = memoryChannels();
  const record = recorder();
  let opened = 0;
  const known: Peer = peer ?? { session: "s1", wire: "websocket", scope: "session" };
  const admitted = { peer: known, backend: new FakeBackend(), backlog: backlog ?? unbounded() };
  const session = new Session(clientEnd, admitted, {
    emit: record.emit,
    openServer: () => {
      opened++;
      return Promise.resolve(serverEnd);
    },
    policy: compose([]),
    maxOpenRequests: 100,
    maxIdChars: 1_024,
    ...options,
  });
  return {
    ...record,
    session,
    client: new FarEnd(client),
    server: new FarEnd(server),
    ends: { client: clientEnd, server: serverEnd },
    opened: () => opened,
    over: session.run(),
  };
}
