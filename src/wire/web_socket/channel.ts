/** A connection that speaks WebSocket as a Channel, whichever end we are: one JSON-RPC message a text frame. */
import { Queue } from "../../base/queue.ts";
import { type Ticket, TimeLimit } from "../../base/time_limit.ts";
import { type Channel, type Envelope, textOf } from "../../core/channel.ts";
import { type BusyError, DisconnectedError, GatewayError } from "../../core/errors.ts";
import type { Account } from "../../core/unread.ts";
import { type ByteStream, closeStream } from "../byte_stream.ts";
import { FrameDecoder } from "./decoder.ts";
import { Farewell } from "./farewell.ts";
import { CloseCode, FrameError } from "./frames.ts";
import type { Arrival } from "./gathered_bytes.ts";
import { MessageIntake, type MessageIntakeOptions } from "./message_intake.ts";
import { WebSocketOutput } from "./output.ts";
import { litter, ReadMemory } from "./read_memory.ts";

/** A far side that was silent from one ping to the next has missed it; one that is slow may miss one. */
const MAX_MISSED = 2;

interface Beating {
  /** Called each time the pause is over. */
  beat(): void;
}

/** One timer for the pings of many channels. */
export function keepAlive(ms: number): TimeLimit<Beating> {
  return new TimeLimit(ms, (channel) => channel.beat());
}

/**
 * The limits are those of what came and has not been read: a far side that has too much to say is closed, not held
 * back. Without an account `maxBufferedBytes` is also the limit of what the far side was told and has not read.
 */
export interface WebSocketChannelOptions extends MessageIntakeOptions {
  /** The longest message that is taken. */
  readonly maxBytes: number;
  /** What the error says when the peer is gone. */
  readonly gone: string;
  readonly keepAlive?: TimeLimit<Beating> | undefined;
  /** Opens the account of what the far side has not read, who is given up when it is told so. */
  readonly account?: (giveUp: (error: BusyError) => void) => Pick<Account, "owe">;
  /** Makes room for messages on their way, and says when one has to go. */
  readonly arrival?: (fail: (error: GatewayError) => void) => Arrival;
  /** Told at once when the peer is gone, or is given up: `incoming` tells it after what waits there. */
  readonly onGone?: (error: DisconnectedError) => void;
}

export class WebSocketChannel implements Channel {
  readonly incoming = new Queue<Envelope>({ highWater: Infinity, highWaterWeight: Infinity });
  readonly #stream: ByteStream;
  readonly #options: WebSocketChannelOptions;
  readonly #decoder: FrameDecoder;
  readonly #output: WebSocketOutput;
  readonly #intake: MessageIntake;
  readonly #memory = new ReadMemory();
  readonly #farewell: Farewell;
  readonly #ticket: Ticket<Beating> | undefined;
  #missed = 0;
  /** What comes is no frames; it is read all the same, since an unread rest would reset the connection under the goodbye. */
  #lost = false;
  /** Why nobody is there any more. */
  #told: DisconnectedError | undefined;
  readonly #over: Promise<void>;

  constructor(stream: ByteStream, options: WebSocketChannelOptions) {
    const { side, maxBytes } = options;
    this.#stream = stream;
    this.#options = options;
    this.#farewell = new Farewell(side, () => this.#end());
    this.#intake = new MessageIntake(this.incoming, {
      answer: (text) => this.#farewell.open && void this.#say(text),
      overflow: () => this.#giveUp(CloseCode.tryAgain, "Too many messages wait"),
    }, options);
    this.#decoder = new FrameDecoder({
      text: (text) => this.#intake.take(text),
      ping: (payload) => this.#farewell.open && this.#output.pong(payload),
      pong: () => {},
      closed: (code) => this.#farewellHeard(code),
    }, { side, maxBytes, arrival: options.arrival?.((error) => this.#lose(CloseCode.tryAgain, error)) });
    const account = options.account?.((error) => this.#hangUp(error.message));
    this.#output = new WebSocketOutput(stream, { side, account, onBroken: () => this.#end() });
    this.#ticket = options.keepAlive?.add(this);
    this.#over = this.#readAll();
  }

  send(envelope: Envelope): Promise<void> | void {
    if (!this.#farewell.open) throw this.#told ?? new DisconnectedError(this.#options.gone);
    const text = textOf(envelope);
    const room = this.#say(text);
    return room && this.#options.side === "client" ? this.#untilRead(room, text.length) : room;
  }

  async #untilRead(room: Promise<void>, size: number): Promise<void> {
    const { backlog } = this.#options;
    backlog?.add(size);
    await room;
    backlog?.remove(size);
  }

  close(reason?: Error): Promise<void> {
    // What went wrong here is none of a server's business.
    if (reason === undefined || this.#options.side === "client") this.#close(CloseCode.normal);
    else this.#close(CloseCode.internalError, reason.message);
    return Promise.resolve();
  }

  /** Settles when the connection is closed, which a far side that is silent delays by a moment. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#close(CloseCode.normal);
    this.#intake.stop();
    this.incoming.end();
    await this.#over;
  }

  /** Says a ping, or gives up a far side that has heard none. */
  beat(): void {
    if (this.#missed++ >= MAX_MISSED) return this.#end();
    if (this.#farewell.open) this.#output.ping();
    this.#options.keepAlive!.renew(this.#ticket!);
  }

  async #readAll(): Promise<void> {
    try {
      while (!this.#farewell.over) {
        const bytes = this.#lost ? litter : this.#memory.next(this.#decoder.missing);
        const count = await this.#stream.read(bytes);
        if (count === null) break;
        this.#memory.filled = count === bytes.length;
        this.#missed = 0;
        if (!this.#lost) this.#decode(bytes.subarray(0, count));
      }
    } catch {
      // Broken or closed; either way nothing more comes.
    }
    this.#end();
  }

  #decode(bytes: Uint8Array): void {
    try {
      this.#decoder.decode(bytes);
    } catch (error) {
      if (error instanceof FrameError) this.#lose(error.code, error);
      else if (error instanceof GatewayError) this.#lose(CloseCode.tryAgain, error);
      else throw error;
    }
  }

  /** No more is taken of what comes, and of what has come of a message. */
  #lose(code: number, { message }: Error): void {
    this.#lost = true;
    this.#decoder.forget();
    this.#giveUp(code, message);
  }

  #say(text: string): Promise<void> | void {
    const room = this.#output.text(text);
    if (this.#options.account || this.#output.weight <= this.#options.maxBufferedBytes) return room;
    this.#output.drop();
    this.#giveUp(CloseCode.tryAgain, "Too much waits that is not read");
  }

  /** The far side has broken a rule or a limit. */
  #giveUp(code: number, reason: string): void {
    this.#intake.stop();
    this.#close(code, reason);
    this.#tell(reason);
  }

  /** A far side that does not read would not read a goodbye either. */
  #hangUp(reason: string): void {
    this.#intake.stop();
    this.#tell(reason);
    this.#end();
  }

  #farewellHeard(code: number): void {
    this.#intake.stop();
    // Nobody reads it any more.
    this.#output.drop();
    this.#close(code);
    this.#tell(this.#options.gone);
    this.#farewell.heard();
  }

  #close(code: number, reason?: string): void {
    if (!this.#farewell.begin()) return;
    void this.#output.close(code, reason).then(() => this.#farewell.said());
  }

  #end(): void {
    if (!this.#farewell.end()) return;
    if (this.#ticket) this.#options.keepAlive?.delete(this.#ticket);
    this.#options.keepAlive?.rest();
    closeStream(this.#stream);
    this.#decoder.forget();
    this.#output.stop();
    this.#tell(this.#options.gone);
  }

  #tell(why: string): void {
    if (this.#told) return;
    this.#told = new DisconnectedError(why);
    this.incoming.fail(this.#told);
    this.#options.onGone?.(this.#told);
  }
}
