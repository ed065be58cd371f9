/** Opens servers of the modern era, which no handshake is played to: for many clients, or each for one. */
import type { Backend, Launch } from "../../core/backend.ts";
import type { Sink } from "../../core/events.ts";
import type { BufferLimits } from "../../core/channel.ts";
import { withAnswerNames } from "../answer_names.ts";
import { soleClientOf } from "../sharing/server_for_many.ts";
import { ModernServer } from "./modern_server.ts";

interface OpeningOptions extends BufferLimits {
  readonly emit: Sink;
}

interface JoinableOptions extends OpeningOptions {
  /** Whether it is for several clients. */
  readonly shared?: boolean;
  readonly signal: AbortSignal;
}

/** A server that clients can join. Throws BackendError when it cannot be opened; nothing is left then. */
export async function openModern(
  backend: Backend,
  launch: Launch,
  { shared = true, signal, emit, maxBufferedMessages, maxBufferedBytes }: JoinableOptions,
): Promise<ModernServer> {
  const named = withAnswerNames(backend, { shared, endsStreams: true, emit });
  const server = await named.open({ ...launch, era: "modern" }, signal);
  const { session } = launch;
  return new ModernServer({
    server,
    incoming: server.incoming,
    session,
    emit,
    maxBufferedMessages,
    maxBufferedBytes,
  });
}

/** Servers that are each for one client alone, and end with it; what it may not say is refused here as where many share one. */
export function modernForOne(backend: Backend, options: OpeningOptions): Backend {
  return {
    name: backend.name,
    open: async (launch, signal) =>
      soleClientOf(await openModern(backend, launch, { ...options, shared: false, signal }), "request"),
    [Symbol.asyncDispose]: () => backend[Symbol.asyncDispose](),
  };
}
