/**
 * MCP over WebSocket: a custom transport, one JSON-RPC message a text frame, the connection is the session.
 * The specification has no text for it; subprotocol `mcp` is what the SDKs' client offers.
 */
import type { Accept, Admission } from "../core/backend.ts";
import type { BufferLimits } from "../core/channel.ts";
import { RequestError, toRpcError } from "../core/errors.ts";
import { errorOf } from "../core/jsonrpc.ts";
import type { MessageLimits } from "../core/message_limits.ts";
import { WebSocketChannel } from "../wire/web_socket_channel.ts";
import { methodNotAllowed } from "./http_checks.ts";

const SUBPROTOCOL = "mcp";

/** The limits are those of what a client sent and the server has not read: a WebSocket cannot be told to pause. */
export interface WebSocketOptions extends BufferLimits {
  readonly accept: Accept;
  /** Pings go out this often; a peer that misses two in a row is gone. */
  readonly keepAliveMs: number;
  readonly maxBodyBytes: number;
  /** Of a message's structure; the usual ones by default. */
  readonly clientLimits?: MessageLimits | undefined;
}

export function isUpgrade(request: Request): boolean {
  return request.headers.get("upgrade")?.toLowerCase() === "websocket";
}

/** Upgrades the request and runs its session. Throws GatewayError before the upgrade. */
export function websocket(options: WebSocketOptions): (request: Request) => Promise<Response> {
  return async (request) => {
    if (request.method !== "GET") throw methodNotAllowed(["GET"]);
    if (!isUpgrade(request)) {
      const headers = { Upgrade: "websocket", Connection: "Upgrade" };
      throw new RequestError("Upgrade Required: this is a WebSocket endpoint", { status: 426, headers });
    }
    const gone = new AbortController();
    const session = crypto.randomUUID();
    const peer = { session, wire: "websocket", scope: "session", gone: gone.signal } as const;
    const admission = await options.accept(peer, () => request.signal);
    const { socket, response } = upgrade(request, { ...options, admission });
    const { maxBodyBytes: maxBytes, clientLimits: limits, maxBufferedMessages, maxBufferedBytes } = options;
    const channel = new WebSocketChannel(socket, {
      side: "server",
      maxBytes,
      limits,
      maxBufferedMessages,
      maxBufferedBytes,
      gone: "The client closed its socket",
      onGone: (error) => gone.abort(error),
      // Mostly it cannot be told which request it was, but the sender may wait for an answer.
      onInvalid: (error) => socket.send(JSON.stringify(errorOf(error.requestId, toRpcError(error)))),
    });
    void admission.run(channel);
    return response;
  };
}

interface UpgradeOptions {
  readonly keepAliveMs: number;
  /** Given back where the upgrade fails. */
  readonly admission: Admission;
}

function upgrade(request: Request, { keepAliveMs, admission }: UpgradeOptions): Deno.WebSocketUpgrade {
  const offered = request.headers.get("sec-websocket-protocol")?.split(",").map((name) => name.trim()) ?? [];
  try {
    return Deno.upgradeWebSocket(request, {
      // The runtime pings at half this time and closes when nothing came back by its end.
      idleTimeout: Math.max(1, Math.round(2 * keepAliveMs / 1000)),
      ...(offered.includes(SUBPROTOCOL) ? { protocol: SUBPROTOCOL } : {}),
    });
  } catch (cause) {
    admission.withdraw();
    throw new RequestError("Bad Request: the WebSocket handshake is not valid", { cause });
  }
}
