/** One conversation with a legacy server, begun on behalf of one modern request. */
import type { Backend, Launch } from "../../core/backend.ts";
import type { Channel, Envelope } from "../../core/channel.ts";
import type { Params } from "../../core/message/jsonrpc.ts";
import type { Readable } from "../../base/readable.ts";
import { until } from "../../base/waiting.ts";
import { SharedClient } from "../sharing/shared_client.ts";
import { handshake, type HandshakeOptions } from "../handshake.ts";

/** Who a client is that has not said it: a legacy server wants a name. */
const UNNAMED = { name: "unnamed client", version: "0" };

/** A server after its handshake. */
export interface LegacyServer {
  readonly channel: Channel;
  /** What it says from then on. */
  readonly incoming: Readable<Envelope>;
  /** What it has said of itself. */
  readonly initialized: Params;
}

interface ConversationOptions extends Pick<HandshakeOptions, "protocolVersion" | "timeoutMs"> {
  readonly launch: Launch;
  /** As the client calls itself; undefined where it does not. */
  readonly client: unknown;
  /** What the server may ask. */
  readonly capabilities: Params;
  readonly signal: AbortSignal;
}

/** Throws BackendError or TimeoutError when the server cannot be had; nothing is left then. */
export async function converse(backend: Backend, options: ConversationOptions): Promise<LegacyServer> {
  const { launch, client, capabilities, protocolVersion, timeoutMs, signal } = options;
  const channel = await backend.open(launch, signal);
  const known = channel instanceof SharedClient ? channel.introduce(capabilities) : undefined;
  if (known) return { channel, incoming: channel.incoming, initialized: known };
  try {
    const clientInfo = isNamed(client) ? client : UNNAMED;
    const played = handshake(channel, { protocolVersion, clientInfo, capabilities, timeoutMs });
    const { result: initialized, incoming } = await until(signal, played);
    return { channel, incoming, initialized };
  } catch (error) {
    await channel[Symbol.asyncDispose]();
    throw error;
  }
}

function isNamed(client: unknown): client is HandshakeOptions["clientInfo"] {
  if (typeof client !== "object" || client === null) return false;
  return "name" in client && typeof client.name === "string" && "version" in client &&
    typeof client.version === "string";
}
