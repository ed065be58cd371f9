/**
 * MCP over WebSocket: a custom transport, one JSON-RPC message a text frame, the connection is the session.
 * The specification has no text for it; subprotocol `mcp` is what the SDKs' client offers.
 */
import type { Accept } from "../core/backend.ts";
import { type Channel, type Envelope, textOf } from "../core/channel.ts";
import { DisconnectedError, GatewayError, RequestError, toRpcError } from "../core/errors.ts";
import { errorOf } from "../core/jsonrpc.ts";
import { parseMessages } from "../core/parse.ts";
import { Queue } from "../core/queue.ts";
import { methodNotAllowed } from "./http_checks.ts";

const SUBPROTOCOL = "mcp";
/** RFC 6455 §7.4.1, and 1013 of the IANA registry. */
const CloseCode = { normal: 1000, unsupportedData: 1003, tooBig: 1009, internalError: 1011, tryAgain: 1013 };
/** How much may wait in the socket for a client that reads slowly before the sender is held back. */
const HIGH_WATER_BYTES = 1024 * 1024;
/** WebSocket has no event for "caught up", so a full socket is looked at again after this long. */
const CATCH_UP_MS = 10;
/** A close frame's reason holds 123 bytes; the rest is its own. */
const REASON_CHARS = 100;

export interface WebSocketOptions {
  readonly accept: Accept;
  /** Pings go out this often; a peer that misses two in a row is gone. */
  readonly keepAliveMs: number;
  readonly maxBodyBytes: number;
  /** How many messages of a client may wait for the server: a WebSocket cannot be told to pause. */
  readonly maxBufferedMessages: number;
  /** And how large they may be together. */
  readonly maxBufferedBytes: number;
}

export function isUpgrade(request: Request): boolean {
  return request.headers.get("upgrade")?.toLowerCase() === "websocket";
}

/** Upgrades the request and runs its session. Throws GatewayError before the upgrade. */
export function websocket(options: WebSocketOptions): (request: Request) => Response {
  return (request) => {
    if (request.method !== "GET") throw methodNotAllowed(["GET"]);
    if (!isUpgrade(request)) {
      const headers = { Upgrade: "websocket", Connection: "Upgrade" };
      throw new RequestError("Upgrade Required: this is a WebSocket endpoint", { status: 426, headers });
    }
    const gone = new AbortController();
    const session = crypto.randomUUID();
    const run = options.accept({ session, wire: "websocket", scope: "session", gone: gone.signal });
    const { socket, response } = upgrade(request, options);
    void run(new WebSocketChannel(socket, options, gone));
    return response;
  };
}

function upgrade(request: Request, { keepAliveMs }: WebSocketOptions): Deno.WebSocketUpgrade {
  const offered = request.headers.get("sec-websocket-protocol")?.split(",").map((name) => name.trim()) ?? [];
  try {
    return Deno.upgradeWebSocket(request, {
      // The runtime pings at half this time and closes when nothing came back by its end.
      idleTimeout: Math.max(1, Math.round(2 * keepAliveMs / 1000)),
      ...(offered.includes(SUBPROTOCOL) ? { protocol: SUBPROTOCOL } : {}),
    });
  } catch (cause) {
    throw new RequestError("Bad Request: the WebSocket handshake is not valid", { cause });
  }
}

class WebSocketChannel implements Channel {
  readonly incoming = new Queue<Envelope>({ highWater: Infinity, highWaterWeight: Infinity });
  readonly #socket: WebSocket;
  readonly #options: WebSocketOptions;
  readonly #gone: AbortController;

  /** `gone` is what the peer's signal belongs to. */
  constructor(socket: WebSocket, options: WebSocketOptions, gone: AbortController) {
    this.#socket = socket;
    this.#options = options;
    this.#gone = gone;
    socket.addEventListener("message", ({ data }) => this.#receive(data));
    // "close" follows every error, and fires twice after a missed pong; the queue takes the first only.
    socket.addEventListener("close", () => this.#leave());
    socket.addEventListener("error", () => this.#leave());
  }

  send(envelope: Envelope): Promise<void> | void {
    if (this.#socket.readyState !== WebSocket.OPEN) {
      throw new DisconnectedError("The client closed its socket");
    }
    this.#socket.send(textOf(envelope));
    if (this.#socket.bufferedAmount >= HIGH_WATER_BYTES) return this.#caughtUp();
  }

  close(reason?: Error): Promise<void> {
    this.#end(reason ? CloseCode.internalError : CloseCode.normal, reason?.message);
    return Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
    this.incoming.end();
  }

  #receive(data: unknown): void {
    if (typeof data !== "string") {
      return this.#end(CloseCode.unsupportedData, "Binary frames are not supported");
    }
    if (isLarger(data, this.#options.maxBodyBytes)) {
      return this.#end(CloseCode.tooBig, `The limit is ${this.#options.maxBodyBytes} bytes`);
    }
    const { maxBufferedMessages, maxBufferedBytes } = this.#options;
    if (this.incoming.size >= maxBufferedMessages || this.incoming.weight >= maxBufferedBytes) {
      return this.#end(CloseCode.tryAgain, "Too many messages wait for the server");
    }
    this.#parse(data);
  }

  #parse(text: string): void {
    try {
      const { messages, batch } = parseMessages(text);
      for (const message of messages) {
        void this.incoming.push(
          { message, text: batch ? undefined : text, relatesTo: undefined },
          text.length,
        );
      }
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      this.#socket.send(JSON.stringify(errorOf(null, toRpcError(error))));
    }
  }

  #leave(why = "The client closed its socket"): void {
    const error = new DisconnectedError(why);
    this.incoming.fail(error);
    this.#gone.abort(error);
  }

  #end(code: number, reason = ""): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    this.#socket.close(code, reason.slice(0, REASON_CHARS));
    if (code !== CloseCode.normal && code !== CloseCode.internalError) this.#leave(reason);
  }

  async #caughtUp(): Promise<void> {
    while (this.#socket.readyState === WebSocket.OPEN && this.#socket.bufferedAmount >= HIGH_WATER_BYTES) {
      await new Promise((resolve) => setTimeout(resolve, CATCH_UP_MS));
    }
  }
}

/** Counted in bytes of UTF-8, of which a character of the string has three at most. */
function isLarger(text: string, maxBytes: number): boolean {
  return text.length > maxBytes ||
    (text.length * 3 > maxBytes && new TextEncoder().encode(text).length > maxBytes);
}
