/** Opens a server and plays the handshake to it, so that clients can join: many of them, or one for each server. */
import { type Backend, isAsConfigured, type Launch } from "../../core/backend.ts";
import type { BufferLimits } from "../../core/channel.ts";
import { TimeoutError } from "../../core/errors.ts";
import type { Sink } from "../../core/events.ts";
import { until } from "../../base/waiting.ts";
import { handshake, type HandshakeOptions } from "../handshake.ts";
import type { SubscriptionLimits } from "../subscription_limits.ts";
import { soleClientOf } from "./server_for_many.ts";
import { SharedServer } from "./shared_server.ts";

/** The limits are those of what waits for one client, before it is given up as too slow. */
export interface SharingOptions extends HandshakeOptions, BufferLimits, SubscriptionLimits {
  readonly emit: Sink;
  /** The revisions that a client may be told. */
  readonly versions: readonly string[];
}

type OpenOptions = SharingOptions & { readonly signal: AbortSignal };

/** Throws BackendError or TimeoutError when the server cannot be opened, refuses or keeps silent; nothing is left then. */
export function openShared(backend: Backend, launch: Launch, options: OpenOptions): Promise<SharedServer> {
  return opened(backend, launch, { ...options, use: (server) => server });
}

/** Servers that are each for one client alone, and end with it: `open` settles when the handshake is done. */
export function forOneClient(backend: Backend, options: SharingOptions): Backend {
  return {
    name: backend.name,
    open: (launch, signal) =>
      opened(backend, launch, { ...options, signal, use: (server) => soleClientOf(server, "alone") }),
    [Symbol.asyncDispose]: () => backend[Symbol.asyncDispose](),
  };
}

/** What `use` makes of the server, before that has said another word. */
async function opened<T>(
  backend: Backend,
  launch: Launch,
  options: OpenOptions & { readonly use: (server: SharedServer) => T },
): Promise<T> {
  const { signal, emit, versions, maxBufferedMessages, maxBufferedBytes } = options;
  const { maxSubscriptions, maxUriChars } = options;
  const server = await backend.open(launch, signal);
  try {
    const { answer: initialized, incoming } = await until(signal, handshake(server, options));
    const limits = { maxBufferedMessages, maxBufferedBytes, maxSubscriptions, maxUriChars };
    const { session } = launch;
    return options.use(
      new SharedServer({ server, incoming, initialized, versions, session, emit, ...limits }),
    );
  } catch (error) {
    // Of its own making: what was open at a server that broke off is another matter.
    if (error instanceof TimeoutError) {
      const { session } = launch;
      const own = !isAsConfigured(launch) && { own: true as const };
      emit({ type: "handshake.late", session, server: backend.name, reason: error.message, ...own });
    }
    await server[Symbol.asyncDispose]();
    throw error;
  }
}
