/** A WebSocket as a Channel, whichever end opened it: one JSON-RPC message a text frame. */
import { type BufferLimits, type Channel, type Envelope, textOf } from "../core/channel.ts";
import { DisconnectedError, GatewayError } from "../core/errors.ts";
import type { MessageLimits } from "../core/message_limits.ts";
import { parseMessages } from "../core/parse.ts";
import { Queue } from "../core/queue.ts";

/** RFC 6455 §7.4.1, and 1013 of the IANA registry. */
const CloseCode = { normal: 1000, unsupportedData: 1003, tooBig: 1009, internalError: 1011, tryAgain: 1013 };
/** How much may wait in the socket for a peer that reads slowly before the sender is held back. */
const HIGH_WATER_BYTES = 1024 * 1024;
/** WebSocket has no event for "caught up", so a full socket is looked at again after this long. */
const CATCH_UP_MS = 10;
/** A close frame's reason holds 123 bytes; the rest is its own. */
const REASON_CHARS = 100;

/** The limits are those of what came and has not been read: a WebSocket cannot be told to pause. */
export interface WebSocketChannelOptions extends BufferLimits {
  /** Which end we are: a client may close with 1000 alone (WebSocket API, "close(code, reason)"). */
  readonly side: "client" | "server";
  /** The longest frame that is taken. */
  readonly maxBytes: number;
  /** Of a message's structure; the usual ones by default. */
  readonly limits?: MessageLimits | undefined;
  /** What the error says when the peer is gone. */
  readonly gone: string;
  /** Told at once when the peer is gone, or is given up: `incoming` tells it after what waits there. */
  readonly onGone?: (error: DisconnectedError) => void;
  /** A text frame was no message. */
  readonly onInvalid: (error: GatewayError, text: string) => void;
}

export class WebSocketChannel implements Channel {
  readonly incoming = new Queue<Envelope>({ highWater: Infinity, highWaterWeight: Infinity });
  readonly #socket: WebSocket;
  readonly #options: WebSocketChannelOptions;

  constructor(socket: WebSocket, options: WebSocketChannelOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.addEventListener("message", ({ data }) => this.#receive(data));
    // "close" follows every error, and fires twice after a missed pong; the queue takes the first only.
    socket.addEventListener("close", () => this.#gone());
    socket.addEventListener("error", () => this.#gone());
  }

  send(envelope: Envelope): Promise<void> | void {
    if (this.#socket.readyState !== WebSocket.OPEN) throw new DisconnectedError(this.#options.gone);
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
    const { maxBytes, limits, maxBufferedMessages, maxBufferedBytes } = this.#options;
    if (typeof data !== "string") {
      return this.#end(CloseCode.unsupportedData, "Binary frames are not supported");
    }
    if (isLarger(data, maxBytes)) return this.#end(CloseCode.tooBig, `The limit is ${maxBytes} bytes`);
    if (this.incoming.size >= maxBufferedMessages || this.incoming.weight >= maxBufferedBytes) {
      return this.#end(CloseCode.tryAgain, "Too many messages wait");
    }
    try {
      const { messages, batch } = parseMessages(data, limits);
      for (const message of messages) {
        void this.incoming.push(
          { message, text: batch ? undefined : data, relatesTo: undefined },
          data.length,
        );
      }
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      this.#options.onInvalid(error, data);
    }
  }

  #gone(why = this.#options.gone): void {
    const error = new DisconnectedError(why);
    this.incoming.fail(error);
    this.#options.onGone?.(error);
  }

  #end(code: number, reason = ""): void {
    const { readyState } = this.#socket;
    if (readyState === WebSocket.CONNECTING) return this.#socket.close();
    if (readyState !== WebSocket.OPEN) return;
    if (this.#options.side === "client") this.#socket.close();
    else this.#socket.close(code, reason.slice(0, REASON_CHARS));
    if (code !== CloseCode.normal && code !== CloseCode.internalError) this.#gone(reason);
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
