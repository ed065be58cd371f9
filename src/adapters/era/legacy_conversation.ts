/** One conversation with a legacy server, begun on behalf of one modern request. */
import type { Backend, Launch } from "../../core/backend.ts";
import { type Channel, type Envelope, free } from "../../core/channel.ts";
import type { Sink } from "../../core/events.ts";
import { cancellation } from "../../core/mcp/messages.ts";
import type { Params, RequestId } from "../../core/message/jsonrpc.ts";
import type { Readable } from "../../base/readable.ts";
import { until, within } from "../../base/waiting.ts";
import { SharedClient } from "../sharing/shared_client.ts";
import { handshake, type HandshakeOptions } from "../handshake.ts";

/** Who a client is that has not said it: a legacy server wants a name. */
const UNNAMED = { name: "unnamed client", version: "0" };

/** A server after its handshake. */
export class LegacyServer {
  readonly channel: Channel;
  /** What it says from then on. */
  readonly incoming: Readable<Envelope>;
  /** What it has said of itself. */
  readonly initialized: Params;

  constructor(channel: Channel, incoming: Readable<Envelope>, initialized: Params) {
    this.channel = channel;
    this.incoming = incoming;
    this.initialized = initialized;
  }
}

interface ConversationOptions extends Pick<HandshakeOptions, "protocolVersion" | "timeoutMs"> {
  readonly launch: Launch;
  /** As the client calls itself; undefined where it does not. */
  readonly client: unknown;
  /** What the server may ask. */
  readonly capabilities: Params;
  readonly signal: AbortSignal;
  readonly emit: Sink;
}

/** Throws BackendError or TimeoutError when the server cannot be had; nothing is left then. */
export async function converse(backend: Backend, options: ConversationOptions): Promise<LegacyServer> {
  const { launch, client, capabilities, protocolVersion, timeoutMs, signal, emit } = options;
  const channel = await backend.open(launch, signal);
  const known = channel instanceof SharedClient ? channel.introduce(capabilities) : undefined;
  if (known) return new LegacyServer(channel, channel.incoming, known);
  try {
    const clientInfo = isNamed(client) ? client : UNNAMED;
    const played = handshake(channel, { protocolVersion, clientInfo, capabilities, timeoutMs });
    const { result: initialized, incoming } = await until(signal, played);
    return new LegacyServer(channel, incoming, initialized);
  } catch (error) {
    await leave({ channel }, emit);
    throw error;
  }
}

/** A server that does not even read that its request is taken back is left all the same. */
const CANCEL_MS = 1_000;

/**
 * Ends it in good order: what is `open` there is taken back, and a remote is told that its session is over. One that others
 * share hears of both from whoever shares it. Never rejects.
 */
export function leave(
  { channel }: Pick<LegacyServer, "channel">,
  emit: Sink,
  open?: RequestId,
): Promise<void> {
  return channel instanceof SharedClient ? channel[Symbol.asyncDispose]() : leaveOwn(channel, {
    open,
    fault: (error) => emit({ type: "fault", where: "end of a conversation", error }),
  });
}

async function leaveOwn(
  channel: Channel,
  { open, fault }: { readonly open: RequestId | undefined; readonly fault: (error: unknown) => void },
): Promise<void> {
  if (open !== undefined) await within(CANCEL_MS, takeBack(channel, open));
  await free(channel, { reason: undefined, fault });
}

async function takeBack(channel: Channel, id: RequestId): Promise<void> {
  try {
    await channel.send({ message: cancellation(id, "The client is gone") });
  } catch {
    // The server is gone, and the request with it.
  }
}

function isNamed(client: unknown): client is HandshakeOptions["clientInfo"] {
  if (typeof client !== "object" || client === null) return false;
  return "name" in client && typeof client.name === "string" && "version" in client &&
    typeof client.version === "string";
}
