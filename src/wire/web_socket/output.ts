/** The way out of a WebSocket: what gathers in one turn of the event loop leaves as one write. */
import { setImmediate } from "node:timers";
import type { Account } from "../../core/unread.ts";
import type { ByteStream } from "../byte_stream.ts";
import { FrameBuffer } from "./encoder.ts";
import { CloseCode, MAX_CONTROL_BYTES, Opcode, type Side } from "./frames.ts";

/** How much may wait for a peer that reads slowly before the sender is held back. */
const HIGH_WATER = 1024 * 1024;
/** Of less it is told with the next write, and not with each message. */
const WORTH_TELLING = 64 * 1024;
/** What a message that waits weighs besides its characters. */
const MESSAGE_WEIGHT = 64;
const WRITE_BYTES = 16 * 1024;
const MAX_SPARE = 16;
const NOTHING = new Uint8Array();

/** To make memory anew for each write would cost more than the write itself. */
const spare: FrameBuffer[] = [];

/** A text that waits, linked as in a queue (see there why). */
interface Waiting {
  readonly text: string;
  next: Waiting | undefined;
}

interface WebSocketOutputOptions {
  readonly side: Side;
  /** Nobody reads any more. */
  readonly onBroken: () => void;
  /** Where it is counted what the far side has not read. */
  readonly account?: Pick<Account, "owe"> | undefined;
}

export class WebSocketOutput {
  readonly #stream: ByteStream;
  readonly #side: Side;
  readonly #onBroken: () => void;
  readonly #account: Pick<Account, "owe"> | undefined;
  #oldest: Waiting | undefined;
  #youngest: Waiting | undefined;
  #ping = false;
  #pong: Uint8Array | undefined;
  #farewell: Uint8Array | undefined;
  #messages = 0;
  #weight = 0;
  /** Of these so many are being written, with so much left of them. */
  #leavingMessages = 0;
  #leaving = 0;
  #writing = false;
  #room: PromiseWithResolvers<void> | undefined;
  #ended = false;
  readonly #said = Promise.withResolvers<void>();

  constructor(stream: ByteStream, { side, onBroken, account }: WebSocketOutputOptions) {
    this.#stream = stream;
    this.#side = side;
    this.#onBroken = onBroken;
    this.#account = account;
  }

  /** What waits, and what is being written: in characters, and so much more for each message. */
  get weight(): number {
    return this.#weight;
  }

  /** Takes a text over at once; a returned promise settles when there is room for more. Nothing is taken after the end. */
  text(text: string): Promise<void> | void {
    if (this.#ended) return;
    const waiting = { text, next: undefined };
    if (this.#youngest) this.#youngest.next = waiting;
    else this.#oldest = waiting;
    this.#youngest = waiting;
    this.#messages++;
    this.#weight += weightOf(text);
    this.#write();
    if (this.#weight >= WORTH_TELLING) this.#owe();
    if (this.#weight < HIGH_WATER || this.#ended) return;
    this.#room ??= Promise.withResolvers<void>();
    return this.#room.promise;
  }

  ping(): void {
    this.#ping = true;
    this.#write();
  }

  /** Of several pings that came meanwhile the newest is answered (RFC 6455, section 5.5.3). */
  pong(payload: Uint8Array): void {
    this.#pong = payload.slice();
    this.#write();
  }

  /** Says goodbye after all that waits, and nothing more. Settles when that is written, or cannot be. */
  close(code: number, reason = ""): Promise<void> {
    if (!this.#ended) this.#farewell = closePayload(code, reason);
    this.#ended = true;
    this.#write();
    return this.#said.promise;
  }

  /** Forgets what waits but the goodbye, and lets the sender go. */
  drop(): void {
    this.#oldest = this.#youngest = undefined;
    this.#ping = false;
    this.#pong = undefined;
    this.#messages = this.#leavingMessages;
    this.#weight = this.#leaving;
    this.#release();
    this.#owe();
  }

  /** Says nothing more, not even goodbye. */
  stop(): void {
    this.#ended = true;
    this.#farewell = undefined;
    this.#leavingMessages = this.#leaving = 0;
    this.drop();
    this.#said.resolve();
  }

  #write(): void {
    if (this.#writing) return;
    this.#writing = true;
    // Messages that arrive together come one by one: what else this turn brings shares the write.
    setImmediate(() => this.#writeAll());
  }

  async #writeAll(): Promise<void> {
    try {
      while (this.#oldest || this.#ping || this.#pong || this.#farewell) await this.#writeSome();
      this.#writing = false;
    } catch {
      // From here on nothing is written: `#writing` stays as it is.
      this.stop();
      this.#onBroken();
    }
  }

  async #writeSome(): Promise<void> {
    const frames = spare.pop() ?? new FrameBuffer(WRITE_BYTES);
    try {
      this.#gather(frames);
      const { bytes } = frames;
      if (bytes.length > 0) await this.#put(bytes);
      else await this.#putLarge();
    } finally {
      frames.clear();
      if (spare.length < MAX_SPARE) spare.push(frames);
    }
    if (this.#ended && !this.#farewell) this.#said.resolve();
  }

  /** As much as fits. */
  #gather(frames: FrameBuffer): void {
    if (this.#pong && frames.addBytes(Opcode.pong, this.#pong, this.#side)) this.#pong = undefined;
    if (this.#ping && frames.addBytes(Opcode.ping, NOTHING, this.#side)) this.#ping = false;
    while (this.#oldest && frames.addText(Opcode.text, this.#oldest.text, this.#side)) this.#take();
    if (this.#oldest || !this.#farewell) return;
    if (frames.addBytes(Opcode.close, this.#farewell, this.#side)) this.#farewell = undefined;
  }

  /** Of one that is too large to share a write. */
  async #putLarge(): Promise<void> {
    const frame = FrameBuffer.of(Opcode.text, this.#oldest?.text ?? "", this.#side);
    this.#take();
    try {
      await this.#put(frame.bytes);
    } finally {
      frame.free();
    }
  }

  #take(): void {
    const waiting = this.#oldest!;
    this.#oldest = waiting.next;
    if (!this.#oldest) this.#youngest = undefined;
    waiting.next = undefined;
    this.#leavingMessages++;
    this.#leaving += weightOf(waiting.text);
  }

  async #put(bytes: Uint8Array): Promise<void> {
    const weight = this.#leaving;
    this.#owe();
    for (let at = 0; at < bytes.length;) {
      at += await this.#stream.write(bytes.subarray(at));
      this.#wrote(Math.ceil(weight * (1 - at / bytes.length)));
    }
  }

  /** So much is left of what is being written. */
  #wrote(left: number): void {
    // Nothing is, if it was stopped meanwhile.
    if (this.#leaving > left) {
      this.#weight -= this.#leaving - left;
      this.#leaving = left;
    }
    if (left === 0) {
      this.#messages -= this.#leavingMessages;
      this.#leavingMessages = 0;
    }
    this.#owe();
    if (this.#weight < HIGH_WATER) this.#release();
  }

  /** What one turn brings is no sign that nobody reads: up to the high water it counts as one message. */
  #owe(): void {
    const messages = this.#weight < HIGH_WATER ? Math.min(1, this.#messages) : this.#messages;
    this.#account?.owe(messages, this.#weight);
  }

  #release(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }
}

function weightOf(text: string): number {
  return text.length + MESSAGE_WEIGHT;
}

/** The code, and as many whole characters of the reason as a frame holds. */
function closePayload(code: number, reason: string): Uint8Array {
  if (code === CloseCode.none) return NOTHING;
  const payload = new Uint8Array(MAX_CONTROL_BYTES);
  payload[0] = code >> 8;
  payload[1] = code;
  const { written } = new TextEncoder().encodeInto(reason, payload.subarray(2));
  return payload.subarray(0, 2 + written);
}
