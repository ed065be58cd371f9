/** A WebSocket as a Channel, whichever end opened it: one JSON-RPC message a text frame. */
import type { Backlog } from "../core/backlog.ts";
import { type BufferLimits, type Channel, enqueue, type Envelope, textOf } from "../core/channel.ts";
import { DisconnectedError, GatewayError, type LimitError, toRpcError } from "../core/errors.ts";
import { errorOf, isRequest, type JsonRpcMessage } from "../core/jsonrpc.ts";
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
  /** What the error says when the peer is gone. */
  readonly gone: string;
  /** Told at once when the peer is gone, or is given up: `incoming` tells it after what waits there. */
  readonly onGone?: (error: DisconnectedError) => void;
  /** What waits for a server: what came from here where we are its client's end, what is sent where we are its own. */
  readonly backlog?: Backlog | undefined;
  /** A message was not taken, since too much waits for its server; the asker of a request hears it. */
  readonly onRefused?: (error: LimitError) => void;
  /** A text frame was no message. */
  readonly onInvalid: (error: GatewayError) => void;
}

export class WebSocketChannel implements Channel {
  readonly incoming = new Queue<Envelope>({ highWater: Infinity, highWaterWeight: Infinity });
  readonly #socket: WebSocket;
  readonly #options: WebSocketChannelOptions;

  constructor(socket: WebSocket, options: WebSocketChannelOptions) {
    this.#socket = socket;
    this.#options = options;
    if (options.side === "server" && options.backlog) this.incoming.countIn(options.backlog);
    socket.addEventListener("message", ({ data }) => this.#receive(data));
    // "close" follows every error, and fires twice after a missed pong; the queue takes the first only.
    socket.addEventListener("close", () => this.#gone());
    socket.addEventListener("error", () => this.#gone());
  }

  send(envelope: Envelope): Promise<void> | void {
    if (this.#socket.readyState !== WebSocket.OPEN) throw new DisconnectedError(this.#options.gone);
    const text = textOf(envelope);
    this.#socket.send(text);
    if (this.#socket.bufferedAmount >= HIGH_WATER_BYTES) return this.#waitingToBeRead(text.length);
  }

  async #waitingToBeRead(size: number): Promise<void> {
    const backlog = this.#options.side === "client" ? this.#options.backlog : undefined;
    backlog?.add(size);
    await this.#caughtUp();
    backlog?.remove(size);
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
    const { maxBytes, maxBufferedMessages, maxBufferedBytes } = this.#options;
    if (typeof data !== "string") {
      return this.#end(CloseCode.unsupportedData, "Binary frames are not supported");
    }
    if (isLarger(data, maxBytes)) return this.#end(CloseCode.tooBig, `The limit is ${maxBytes} bytes`);
    if (this.incoming.size >= maxBufferedMessages || this.incoming.weight >= maxBufferedBytes) {
      return this.#end(CloseCode.tryAgain, "Too many messages wait");
    }
    try {
      const { messages, batch } = parseMessages(data);
      const refusal = this.#options.side === "server" ? this.#options.backlog?.refusal() : undefined;
      if (refusal) return this.#refuse(messages, refusal);
      for (const message of messages) {
        const envelope = { message, text: batch ? undefined : data, relatesTo: undefined };
        void enqueue(this.incoming, envelope, Math.ceil(data.length / messages.length));
      }
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      this.#options.onInvalid(error);
    }
  }

  /** Others may have filled what this client shares with them: it need not go for that. */
  #refuse(messages: readonly JsonRpcMessage[], refusal: LimitError): void {
    if (this.#socket.bufferedAmount >= HIGH_WATER_BYTES) {
      return this.#end(CloseCode.tryAgain, "Too many messages wait");
    }
    for (const message of messages) {
      if (isRequest(message)) void this.send({ message: errorOf(message.id, toRpcError(refusal)) });
      else this.#options.onRefused?.(refusal);
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
