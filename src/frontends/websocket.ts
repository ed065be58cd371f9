/**
 * MCP over WebSocket: a custom transport, one JSON-RPC message a text frame, the connection is the session.
 * The specification has no text for it; subprotocol `mcp` is what the SDKs' client offers.
 */
import type { Accept } from "../core/backend.ts";
import type { BufferLimits } from "../core/channel.ts";
import type { Sink } from "../core/events.ts";
import { RequestError, toRpcError } from "../core/errors.ts";
import { errorOf } from "../core/message/jsonrpc.ts";
import type { MessageLimits } from "../core/message/message_limits.ts";
import type { Accounts } from "../core/unread.ts";
import { keepAlive, WebSocketChannel } from "../wire/web_socket/channel.ts";
import { acceptFor, isKey, VERSION } from "../wire/web_socket/handshake.ts";
import type { Bodies } from "./bodies.ts";
import type { Frontend, UpgradeHandler } from "./frontend.ts";
import { methodNotAllowed } from "./http_checks.ts";

const SUBPROTOCOL = "mcp";

/** The limits are those of what a client sent and the server has not read. */
export interface WebSocketOptions extends BufferLimits {
  readonly accept: Accept;
  /** Pings go out this often; a peer that misses two in a row is gone. */
  readonly keepAliveMs: number;
  readonly maxBodyBytes: number;
  /** Shared by all routes, as is `unread`. */
  readonly bodies: Bodies;
  readonly unread: Accounts;
  readonly emit: Sink;
  /** Of a message's structure; the usual ones by default. */
  readonly clientLimits?: MessageLimits | undefined;
}

interface WebSocketPaths {
  readonly wsPath: string;
  readonly messagePath: string;
}

export const webSocketFrontend = {
  name: "ws",
  wire: "websocket",
  // None: an upgrade is told apart from what else comes there.
  httpPaths: [],
  serve(options) {
    const upgrade = websocket(options);
    return ({ wsPath, messagePath }) => [wsPath, messagePath].map((path) => ({ path, upgrade }));
  },
  endpoint: ({ wsPath }, base) => ({
    label: "WebSocket",
    type: "ws",
    url: base.replace(/^http/i, "ws") + wsPath,
  }),
} as const satisfies Frontend<WebSocketOptions, WebSocketPaths>;

export function isUpgrade(request: Request): boolean {
  return says(request.headers.get("upgrade"), "websocket");
}

/** Admits whoever asks for a socket. Throws GatewayError for what is no WebSocket handshake, and for whom is not let in. */
export function websocket(options: WebSocketOptions): UpgradeHandler {
  const { accept, keepAliveMs, maxBodyBytes, maxBufferedMessages, maxBufferedBytes, emit } = options;
  const { clientLimits: limits, bodies, unread } = options;
  const pings = keepAlive(keepAliveMs);
  return async (request, { principal, authKind, credential, scopes, address, launch, allowance }) => {
    const headers = handshakeHeaders(request);
    const gone = new AbortController();
    const session = crypto.randomUUID();
    const peer = {
      ...{ session, wire: "websocket", scope: "session" } as const,
      ...{ principal, authKind, credential, scopes, address, launch, gone },
    };
    const admission = await accept(peer, () => request.signal);
    return {
      headers,
      run: (stream) =>
        admission.run(
          new WebSocketChannel(stream, {
            side: "server",
            maxBytes: maxBodyBytes,
            limits,
            maxBufferedMessages,
            maxBufferedBytes,
            backlog: admission.backlog,
            allowance,
            onRefused: ({ message: reason }) =>
              emit({ type: "message.dropped", session, direction: "up", reason }),
            gone: "The client closed its socket",
            keepAlive: pings,
            account: (giveUp) => unread.account({ session, giveUp }),
            arrival: (fail) => bodies.arrival(fail),
            onGone: (error) => gone.abort(error),
            // Mostly it cannot be told which request it was, but the sender may wait for an answer.
            onInvalid: (error) => errorOf(error.requestId, toRpcError(error)),
          }),
        ),
      withdraw: () => admission.withdraw(),
    };
  };
}

/** The checks of RFC 6455, section 4.2.1, and the fields that answer them; no extension is agreed to. */
function handshakeHeaders(request: Request): Record<string, string> {
  const { method, headers } = request;
  if (method !== "GET" || !isUpgrade(request)) throw notUpgraded(request);
  if (!says(headers.get("connection"), "upgrade")) {
    throw new RequestError("Bad Request: an upgrade wants Connection: Upgrade");
  }
  // Before the rest, which other versions have in another way.
  if (headers.get("sec-websocket-version") !== VERSION) {
    const version = { "Sec-WebSocket-Version": VERSION };
    throw upgradeRequired(`version ${VERSION} of WebSocket is spoken here`, version);
  }
  const key = headers.get("sec-websocket-key") ?? "";
  if (!isKey(key)) throw new RequestError("Bad Request: Sec-WebSocket-Key is not 16 bytes in base64");
  const offered = listMembers(headers.get("sec-websocket-protocol"));
  return {
    Upgrade: "websocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Accept": acceptFor(key),
    ...(offered.includes(SUBPROTOCOL) && { "Sec-WebSocket-Protocol": SUBPROTOCOL }),
  };
}

function says(field: string | null, member: string): boolean {
  return listMembers(field).some((name) => name.toLowerCase() === member);
}

function listMembers(field: string | null): string[] {
  return field?.split(",").map((member) => member.trim()) ?? [];
}

/** The answer to a request that asks for no socket: 405, or 426. */
export function notUpgraded({ method }: Request): RequestError {
  return method === "GET" ? upgradeRequired("this is a WebSocket endpoint") : methodNotAllowed(["GET"]);
}

function upgradeRequired(why: string, more: Readonly<Record<string, string>> = {}): RequestError {
  const headers = { Upgrade: "websocket", Connection: "Upgrade", ...more };
  return new RequestError(`Upgrade Required: ${why}`, { status: 426, headers });
}
