/** A server to which the handshake was played, so that clients can join. */
import type { Backend, Launch } from "../../core/backend.ts";
import type { BufferLimits, Channel } from "../../core/channel.ts";
import { TimeoutError } from "../../core/errors.ts";
import type { Sink } from "../../core/events.ts";
import { until } from "../../base/waiting.ts";
import { handshake, type HandshakeOptions } from "../handshake.ts";
import type { SubscriptionLimits } from "../subscription_limits.ts";
import { Multiplex } from "./multiplex.ts";
import type { ClientKind } from "./shared_channel.ts";

/** The limits are those of what waits for one client, before it is given up as too slow. */
export interface HubOptions extends HandshakeOptions, BufferLimits, SubscriptionLimits {
  readonly emit: Sink;
  /** The revisions that a client may be told. */
  readonly versions: readonly string[];
}

export interface Hub extends AsyncDisposable {
  /** Settles with the reason when the server is gone. */
  readonly ended: Promise<Error>;
  /** Milliseconds since the last client left; undefined while there is one. */
  readonly idleMs: number | undefined;
  /** A channel of one client's own. Throws DisconnectedError when the server is gone. */
  join(kind: ClientKind): Channel;
}

type OpenOptions = HubOptions & { readonly signal: AbortSignal };

/** Throws BackendError or TimeoutError when the server cannot be opened, refuses or keeps silent; nothing is left then. */
export function openHub(backend: Backend, launch: Launch, options: OpenOptions): Promise<Hub> {
  return opened(backend, launch, { ...options, use: hubOf });
}

/** What `use` makes of the server, before that has said another word. */
async function opened<T>(
  backend: Backend,
  launch: Launch,
  options: OpenOptions & { readonly use: (server: Channel, multiplex: Multiplex) => T },
): Promise<T> {
  const { signal, emit, versions, maxBufferedMessages, maxBufferedBytes } = options;
  const { maxSubscriptions, maxUriChars } = options;
  const server = await backend.open(launch, signal);
  try {
    const { answer: initialized, incoming } = await until(signal, handshake(server, options));
    const limits = { maxBufferedMessages, maxBufferedBytes, maxSubscriptions, maxUriChars };
    const { session } = launch;
    return options.use(
      server,
      new Multiplex({ server, incoming, initialized, versions, session, emit, ...limits }),
    );
  } catch (error) {
    // Of its own making: what was open at a server that broke off is another matter.
    if (error instanceof TimeoutError) {
      emit({ type: "handshake.late", session: launch.session, server: backend.name, reason: error.message });
    }
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

function hubOf(server: Channel, multiplex: Multiplex): Hub {
  return {
    ended: multiplex.ended,
    get idleMs() {
      return multiplex.idleMs;
    },
    join: (kind) => multiplex.open(kind),
    async [Symbol.asyncDispose]() {
      await server.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Servers that are each for one client alone, and end with it: `open` settles when the handshake is done. */
export function freshHubs(backend: Backend, options: HubOptions): Backend {
  return {
    name: backend.name,
    open: (launch, signal) => opened(backend, launch, { ...options, signal, use: clientOf }),
    [Symbol.asyncDispose]: () => backend[Symbol.asyncDispose](),
  };
}

/** The channel of the one client that has the server. */
function clientOf(server: Channel, multiplex: Multiplex): Channel {
  const hub = hubOf(server, multiplex);
  const client = hub.join("alone");
  return {
    incoming: client.incoming,
    send: (envelope) => client.send(envelope),
    close: (reason) => client.close(reason),
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await hub[Symbol.asyncDispose]();
    },
  };
}
