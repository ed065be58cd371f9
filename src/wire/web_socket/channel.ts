/** A connection that speaks WebSocket as a Channel, whichever end we are: one JSON-RPC message a text frame. */
import type { Backlog } from "../../core/backlog.ts";
import { type BufferLimits, type Channel, enqueue, type Envelope, textOf } from "../../core/channel.ts";
import { type BusyError, DisconnectedError, GatewayError, toRpcError } from "../../core/errors.ts";
import { errorOf, isRequest, type JsonRpcMessage } from "../../core/message/jsonrpc.ts";
import type { MessageLimits } from "../../core/message/message_limits.ts";
import { parseMessages, type Said } from "../../core/message/parse.ts";
import { Queue } from "../../base/queue.ts";
import { type Ticket, TimeLimit } from "../../base/time_limit.ts";
import type { ByteStream } from "../byte_stream.ts";
import type { Account } from "../../core/unread.ts";
import { freeMemory } from "../free_memory.ts";
import { type Arrival, CloseCode, FrameDecoder, FrameError, type Side } from "./frames.ts";
import { WebSocketOutput } from "./output.ts";

/** How long the far side may need to take a goodbye, and then to answer it. */
const FAREWELL_MS = 1_000;
/** A far side that was silent from one ping to the next has missed it; one that is slow may miss one. */
const MAX_MISSED = 2;
/** What each connection has to read into, also one that says nothing. */
const IDLE_BYTES = 4 * 1024;
/** Where the last read filled that. */
const BUSY_BYTES = 16 * 1024;
/** Within a message of which much is known to come. */
const LARGE_BYTES = 256 * 1024;

/** What is read into it is not looked at. */
const litter = new Uint8Array(BUSY_BYTES);

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
export interface WebSocketChannelOptions extends BufferLimits {
  readonly side: Side;
  /** The longest message that is taken. */
  readonly maxBytes: number;
  /** Of a message's structure; the usual ones by default. */
  readonly limits?: MessageLimits | undefined;
  /** What the error says when the peer is gone. */
  readonly gone: string;
  readonly keepAlive?: TimeLimit<Beating> | undefined;
  /** Opens the account of what the far side has not read, who is given up when it is told so. */
  readonly account?: (giveUp: (error: BusyError) => void) => Pick<Account, "owe">;
  /** Makes room for messages on their way, and says when one has to go. */
  readonly arrival?: (fail: (error: GatewayError) => void) => Arrival;
  /** Told at once when the peer is gone, or is given up: `incoming` tells it after what waits there. */
  readonly onGone?: (error: DisconnectedError) => void;
  /** What waits for a server: what came from here where we are its client's end, what is sent where we are its own. */
  readonly backlog?: Backlog | undefined;
  /** A message was not taken, since too much waits for its server; the asker of a request hears it. */
  readonly onRefused?: (error: BusyError) => void;
  /** A text frame was no message: what to answer, if anything. */
  readonly onInvalid: (error: GatewayError, text: string) => JsonRpcMessage | undefined;
}

export class WebSocketChannel implements Channel {
  readonly incoming = new Queue<Envelope>({ highWater: Infinity, highWaterWeight: Infinity });
  readonly #stream: ByteStream;
  readonly #options: WebSocketChannelOptions;
  readonly #decoder: FrameDecoder;
  readonly #output: WebSocketOutput;
  readonly #idleRoom = new Uint8Array(IDLE_BYTES);
  #largerRoom: Uint8Array<ArrayBuffer> | undefined;
  #filled = false;
  readonly #ticket: Ticket<Beating> | undefined;
  #missed = 0;
  /** No goodbye was said here. */
  #open = true;
  /** It is written. */
  #said = false;
  /** The far side has said its own. */
  #left = false;
  /** Nothing is taken from it any more. */
  #deaf = false;
  /** What comes is no frames; it is read all the same, since an unread rest would reset the connection under the goodbye. */
  #lost = false;
  /** Why nobody is there any more. */
  #told: DisconnectedError | undefined;
  #farewell: ReturnType<typeof setTimeout> | undefined;
  #closed = false;
  readonly #over: Promise<void>;

  constructor(stream: ByteStream, options: WebSocketChannelOptions) {
    const { side, maxBytes } = options;
    this.#stream = stream;
    this.#options = options;
    if (side === "server" && options.backlog) this.incoming.countIn(options.backlog);
    this.#decoder = new FrameDecoder({
      text: (text) => this.#receive(text),
      ping: (payload) => this.#open && this.#output.pong(payload),
      pong: () => {},
      closed: (code) => this.#farewellHeard(code),
    }, { side, maxBytes, arrival: options.arrival?.((error) => this.#lose(CloseCode.tryAgain, error)) });
    const account = options.account?.((error) => this.#hangUp(error.message));
    this.#output = new WebSocketOutput(stream, { side, account, onBroken: () => this.#end() });
    this.#ticket = options.keepAlive?.add(this);
    this.#over = this.#readAll();
  }

  send(envelope: Envelope): Promise<void> | void {
    if (!this.#open) throw this.#told ?? new DisconnectedError(this.#options.gone);
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
    this.#deaf = true;
    this.incoming.end();
    await this.#over;
  }

  /** Says a ping, or gives up a far side that has heard none. */
  beat(): void {
    if (this.#missed++ >= MAX_MISSED) return this.#end();
    if (this.#open) this.#output.ping();
    this.#options.keepAlive!.renew(this.#ticket!);
  }

  async #readAll(): Promise<void> {
    try {
      while (!this.#closed) {
        const bytes = this.#lost ? litter : this.#room();
        const count = await this.#stream.read(bytes);
        if (count === null) break;
        this.#filled = count === bytes.length;
        this.#missed = 0;
        if (!this.#lost) this.#decode(bytes.subarray(0, count));
      }
    } catch {
      // Broken or closed; either way nothing more comes.
    }
    this.#end();
  }

  /** Where to read into. The frames behind a large one are not read with it: they may be thousands. */
  #room(): Uint8Array {
    const wanted = Math.max(
      this.#filled ? BUSY_BYTES : IDLE_BYTES,
      Math.min(this.#decoder.missing + IDLE_BYTES, LARGE_BYTES),
    );
    if (wanted < BUSY_BYTES) {
      this.#freeLargerRoom();
      return this.#idleRoom;
    }
    if (this.#largerRoom && this.#largerRoom.length < wanted) this.#freeLargerRoom();
    this.#largerRoom ??= new Uint8Array(wanted);
    return this.#largerRoom.subarray(0, wanted);
  }

  #freeLargerRoom(): void {
    if (this.#largerRoom) freeMemory(this.#largerRoom);
    this.#largerRoom = undefined;
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

  #receive(text: string): void {
    const { limits, maxBufferedMessages, maxBufferedBytes } = this.#options;
    if (this.#deaf) return;
    if (this.incoming.size >= maxBufferedMessages || this.incoming.weight >= maxBufferedBytes) {
      return this.#giveUp(CloseCode.tryAgain, "Too many messages wait");
    }
    try {
      const { said } = parseMessages(text, limits);
      const refusal = this.#options.side === "server" ? this.#options.backlog?.refusal() : undefined;
      if (refusal) return this.#refuse(said, refusal);
      const weight = Math.ceil(text.length / said.length);
      for (const envelope of said) void enqueue(this.incoming, envelope, weight);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      const answer = this.#options.onInvalid(error, text);
      if (answer && this.#open) void this.#say(JSON.stringify(answer));
    }
  }

  #say(text: string): Promise<void> | void {
    const room = this.#output.text(text);
    if (this.#options.account || this.#output.weight <= this.#options.maxBufferedBytes) return room;
    this.#output.drop();
    this.#giveUp(CloseCode.tryAgain, "Too much waits that is not read");
  }

  /** Others may have filled what this client shares with them: it need not go for that. */
  #refuse(said: readonly Said[], refusal: BusyError): void {
    for (const { message } of said) {
      if (isRequest(message)) void this.#say(JSON.stringify(errorOf(message.id, toRpcError(refusal))));
      else this.#options.onRefused?.(refusal);
    }
  }

  /** The far side has broken a rule or a limit. */
  #giveUp(code: number, reason: string): void {
    this.#deaf = true;
    this.#close(code, reason);
    this.#tell(reason);
  }

  /** A far side that does not read would not read a goodbye either. */
  #hangUp(reason: string): void {
    this.#deaf = true;
    this.#tell(reason);
    this.#end();
  }

  #farewellHeard(code: number): void {
    this.#left = true;
    this.#deaf = true;
    // Nobody reads it any more.
    this.#output.drop();
    this.#close(code);
    this.#tell(this.#options.gone);
    this.#partOrWait();
  }

  #close(code: number, reason?: string): void {
    if (!this.#open) return;
    this.#open = false;
    this.#partOrWait();
    void this.#output.close(code, reason).then(() => {
      this.#said = true;
      this.#partOrWait();
    });
  }

  /** A server hangs up once both have said goodbye, a client leaves that to it (RFC 6455, section 7.1.1); neither waits long. */
  #partOrWait(): void {
    if (this.#closed) return;
    if (this.#said && this.#left && this.#options.side === "server") return this.#end();
    clearTimeout(this.#farewell);
    this.#farewell = setTimeout(() => this.#end(), FAREWELL_MS);
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#open = false;
    clearTimeout(this.#farewell);
    if (this.#ticket) this.#options.keepAlive?.delete(this.#ticket);
    this.#options.keepAlive?.rest();
    closeOnce(this.#stream);
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

function closeOnce(stream: ByteStream): void {
  try {
    stream.close();
  } catch (error) {
    // Whoever gave it to us has done so.
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
