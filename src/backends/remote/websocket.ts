/** A remote MCP server over WebSocket: subprotocol `mcp`, one JSON-RPC message a text frame. */
import type { Backend, Launch } from "../../core/backend.ts";
import type { BufferLimits, Channel } from "../../core/channel.ts";
import { TimeoutError } from "../../core/errors.ts";
import { parseFromServer } from "../../core/message/parse.ts";
import type { ByteStream } from "../../wire/byte_stream.ts";
import { WebSocketChannel } from "../../wire/web_socket/channel.ts";
import type { RemoteOptions } from "./remote.ts";
import { displayUrl } from "./remote_error.ts";
import { RemoteNews } from "./remote_news.ts";

const SUBPROTOCOL = "mcp";

/** The limits are those of what the server said and nobody has read, and of what it does not read itself. */
export interface WebSocketBackendOptions extends RemoteOptions, BufferLimits {}

export function webSocketBackend(options: WebSocketBackendOptions): Backend {
  return {
    name: displayUrl(options.url),
    open(launch, signal) {
      const client = options.client.forConversation(launch);
      return open({ ...options, client }, launch, signal);
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function open(
  options: WebSocketBackendOptions,
  { session: label, backlog }: Launch,
  signal: AbortSignal,
): Promise<Channel> {
  const { maxMessageBytes: maxBytes, serverLimits: limits } = options;
  const { maxBufferedMessages, maxBufferedBytes } = options;
  const news = new RemoteNews(options, label);
  const channel: WebSocketChannel = new WebSocketChannel(await connect(options, signal), {
    side: "client",
    maxBytes,
    limits,
    maxBufferedMessages,
    maxBufferedBytes,
    backlog,
    gone: "The MCP server closed its socket",
    onInvalid({ message: reason }, text) {
      news.trouble(reason);
      for (const envelope of parseFromServer(text, limits).messages) void channel.incoming.push(envelope);
      return undefined;
    },
  });
  return channel;
}

/** In time, or not at all. */
async function connect(options: WebSocketBackendOptions, signal: AbortSignal): Promise<ByteStream> {
  const { url, client, connectTimeoutMs } = options;
  const late = new TimeoutError(`${displayUrl(url)} did not open its socket within ${connectTimeoutMs} ms`);
  const enough = new AbortController();
  const timer = setTimeout(() => enough.abort(late), connectTimeoutMs);
  const stop = () => enough.abort(signal.reason);
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop);
  try {
    return await client.socket(url, SUBPROTOCOL, enough.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}
