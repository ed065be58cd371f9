/** Opens a server of the modern era, which no handshake is played to, so that clients can join. */
import type { Backend, Launch } from "../../core/backend.ts";
import type { Sink } from "../../core/events.ts";
import type { BufferLimits } from "../../core/channel.ts";
import { ModernServer } from "./modern_server.ts";

interface OpenOptions extends BufferLimits {
  readonly emit: Sink;
  readonly signal: AbortSignal;
}

/** Throws BackendError when it cannot be opened; nothing is left then. */
export async function openModern(
  backend: Backend,
  launch: Launch,
  { emit, maxBufferedMessages, maxBufferedBytes, signal }: OpenOptions,
): Promise<ModernServer> {
  const server = await backend.open({ ...launch, era: "modern" }, signal);
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
