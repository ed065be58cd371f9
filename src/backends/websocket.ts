/** A remote MCP server over WebSocket: subprotocol `mcp`, one JSON-RPC message a text frame. */
import type { Backend } from "../core/backend.ts";
import type { BufferLimits, Channel } from "../core/channel.ts";
import { TimeoutError } from "../core/errors.ts";
import { answersInstead } from "../core/parse.ts";
import { WebSocketChannel } from "../wire/web_socket_channel.ts";
import type { RemoteOptions } from "./remote.ts";
import { RemoteError, shown } from "./remote_error.ts";

const SUBPROTOCOL = "mcp";

/** The limits are those of what the server said and nobody has read: a WebSocket cannot be told to pause. */
export interface WebSocketBackendOptions extends RemoteOptions, BufferLimits {}

export function webSocketBackend(options: WebSocketBackendOptions): Backend {
  return {
    name: shown(options.url),
    open: (launch, signal) => open(options, launch.session, signal),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function open(options: WebSocketBackendOptions, label: string, signal: AbortSignal): Promise<Channel> {
  const { url, client, emit, maxMessageBytes: maxBytes, serverLimits: limits } = options;
  const { maxBufferedMessages, maxBufferedBytes } = options;
  const socket = await client.socket(url, SUBPROTOCOL);
  // Made before the socket is open, so that no message can slip by.
  const channel: WebSocketChannel = new WebSocketChannel(socket, {
    side: "client",
    maxBytes,
    limits,
    maxBufferedMessages,
    maxBufferedBytes,
    gone: "The MCP server closed its socket",
    onInvalid: ({ message: reason }, text) => {
      emit({ type: "server.trouble", session: label, server: shown(url), reason });
      for (const message of answersInstead(text, limits)) void channel.incoming.push({ message });
    },
  });
  try {
    await opened(socket, options, signal);
    return channel;
  } catch (error) {
    await channel[Symbol.asyncDispose]();
    throw error;
  }
}

async function opened(
  socket: WebSocket,
  options: WebSocketBackendOptions,
  signal: AbortSignal,
): Promise<void> {
  const { url, connectTimeoutMs } = options;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const late = new TimeoutError(`${shown(url)} did not open its socket within ${connectTimeoutMs} ms`);
  const timer = setTimeout(() => reject(late), connectTimeoutMs);
  const stop = () => reject(signal.reason);
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop);
  socket.addEventListener("error", (event) => reject(failure(url, event)));
  socket.addEventListener("close", () => reject(failure(url)));
  socket.addEventListener("open", () => resolve());
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}

function failure(url: URL, event?: Event): RemoteError {
  const text = event instanceof ErrorEvent ? event.message : "";
  const status = Number(text.match(/status code: (\d+)/)?.[1]) || undefined;
  const reason = text.match(/failed to connect to WebSocket: (.*)/)?.[1] ?? "the socket was closed";
  const way = status === 401 || status === 403 ? ": give credentials by --oauth2Bearer or --header" : "";
  const what = status === undefined
    ? `Cannot reach ${shown(url)}: ${reason}`
    : `${shown(url)} answered HTTP ${status}`;
  return new RemoteError(what + way, { delivered: false, remoteStatus: status });
}
