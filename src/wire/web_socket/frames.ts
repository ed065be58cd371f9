/** What comes as WebSocket frames (RFC 6455, section 5), without extensions: bytes in, messages out. */
import { freeMemory } from "../free_memory.ts";
import { applyMask } from "./mask.ts";

/** RFC 6455, section 7.4.1, and 1013 of the IANA registry. */
export const CloseCode = {
  normal: 1000,
  protocolError: 1002,
  unsupportedData: 1003,
  /** Never sent: a close frame that has none. */
  none: 1005,
  invalidData: 1007,
  tooBig: 1009,
  internalError: 1011,
  tryAgain: 1013,
} as const;

export const Opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** A control frame's payload has no more. */
export const MAX_CONTROL_BYTES = 125;
/** Two bytes, eight of length, four of the mask. */
export const MAX_HEAD_BYTES = 14;

/** Which end we are: what a client sends is masked, what a server sends is not. */
export type Side = "client" | "server";

/** The far side broke a rule or a limit: the connection is to be closed with this code, and the message as its reason. */
export class FrameError extends Error {
  override readonly name = "FrameError";
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** Who hears what the frames say. Bytes are lent for the time of the call. */
interface FrameTaker {
  text(text: string): void;
  ping(payload: Uint8Array): void;
  pong(): void;
  /** Nothing is taken after it. `code` is `CloseCode.none` where there is none. */
  closed(code: number): void;
}

/** The memory of a message that is on its way, where that is bounded for many together. */
export interface Arrival {
  /** Throws where there is no room for so many bytes more. */
  take(bytes: number): void;
  /** Gives all of it back. Idempotent. */
  leave(): void;
}

interface FrameDecoderOptions {
  readonly side: Side;
  /** Of a whole message, in however many frames it comes. */
  readonly maxBytes: number;
  readonly arrival?: Arrival | undefined;
}

export class FrameDecoder {
  readonly #taker: FrameTaker;
  readonly #fromClient: boolean;
  readonly #maxBytes: number;
  /** The beginning of a frame that a chunk ended in. */
  readonly #head = new Uint8Array(MAX_HEAD_BYTES);
  #headSize = 0;
  /** The frame whose payload is awaited; undefined between two. */
  #opcode: number | undefined;
  #final = false;
  #missing = 0;
  /** Turned, so that its first byte is for the next one of the payload. */
  #mask = 0;
  /** The message so far, and that it has begun: its frames may all be empty. */
  readonly #message: Gathered;
  #begun = false;
  /** So much of a control frame, which may come in the middle of a message. */
  readonly #control = new Gathered();
  #over = false;

  constructor(taker: FrameTaker, { side, maxBytes, arrival }: FrameDecoderOptions) {
    this.#message = new Gathered(arrival);
    this.#taker = taker;
    this.#fromClient = side === "server";
    this.#maxBytes = maxBytes;
  }

  /** How much of a payload is known to come. */
  get missing(): number {
    return this.#missing;
  }

  /** Of a message that will not be complete. */
  forget(): void {
    this.#over = true;
    this.#message.clear();
  }

  /**
   * Takes bytes as they come, and takes masks off in their place. Throws FrameError, and what the arrival throws; nothing
   * is right after that.
   */
  decode(chunk: Uint8Array): void {
    let at = 0;
    while (!this.#over) {
      if (this.#opcode === undefined) {
        at = this.#takeHead(chunk, at);
        if (this.#opcode === undefined) return;
      }
      const end = Math.min(chunk.length, at + this.#missing);
      this.#takePayload(chunk, at, end);
      if (this.#opcode !== undefined) return;
      at = end;
    }
  }

  #takeHead(chunk: Uint8Array, from: number): number {
    let at = from;
    // Mostly all of it is there.
    if (this.#headSize === 0 && chunk.length - at >= MAX_HEAD_BYTES) {
      this.#begin(chunk, at);
      return at + headBytes(chunk[at + 1]!);
    }
    while (at < chunk.length) {
      this.#head[this.#headSize++] = chunk[at++]!;
      if (this.#headSize < 2 || this.#headSize < headBytes(this.#head[1]!)) continue;
      this.#headSize = 0;
      this.#begin(this.#head, 0);
      break;
    }
    return at;
  }

  /** All that is wrong with a frame is found before any of its payload is taken. */
  #begin(bytes: Uint8Array, at: number): void {
    const [first, second] = [bytes[at]!, bytes[at + 1]!];
    const opcode = first & 0x0f;
    const final = (first & 0x80) !== 0;
    const masked = (second & 0x80) !== 0;
    const length = lengthAt(bytes, at);
    if ((first & 0x70) !== 0) throw broken("Reserved bits are set");
    if (masked !== this.#fromClient) throw broken(masked ? "A frame is masked" : "A frame is not masked");
    if (opcode >= Opcode.close) checkControl(opcode, final, length);
    else this.#checkData(opcode, length);
    this.#opcode = opcode;
    this.#final = final;
    this.#missing = length;
    this.#mask = masked ? uint32At(bytes, at + headBytes(second) - 4) : 0;
  }

  #checkData(opcode: number, length: number): void {
    if (opcode > Opcode.binary) throw broken("The opcode is unknown");
    if (this.#begun !== (opcode === Opcode.continuation)) {
      throw broken(this.#begun ? "A message begins within another" : "There is no message to continue");
    }
    if (opcode === Opcode.binary) {
      throw new FrameError(CloseCode.unsupportedData, "Binary frames are not supported");
    }
    if (this.#message.size + length > this.#maxBytes) {
      throw new FrameError(CloseCode.tooBig, `The limit is ${this.#maxBytes} bytes`);
    }
  }

  #takePayload(chunk: Uint8Array, from: number, to: number): void {
    this.#mask = applyMask(chunk, { from, to, mask: this.#mask });
    this.#missing -= to - from;
    const bytes = chunk.subarray(from, to);
    if (this.#opcode! >= Opcode.close) this.#takeControl(bytes);
    else this.#takeData(bytes);
  }

  #takeData(bytes: Uint8Array): void {
    const whole = this.#missing === 0 && this.#final;
    // A message that came in one piece is read where it lies.
    if (!whole || this.#message.size > 0) {
      const atMost = this.#final ? this.#message.size + bytes.length + this.#missing : this.#maxBytes;
      this.#message.add(bytes, atMost);
    }
    if (this.#missing > 0) return;
    this.#opcode = undefined;
    this.#begun = !this.#final;
    if (!whole) return;
    this.#taker.text(decodeText(this.#message.size > 0 ? this.#message.bytes : bytes));
    this.#message.clear();
  }

  #takeControl(bytes: Uint8Array): void {
    if (this.#missing > 0 || this.#control.size > 0) this.#control.add(bytes, MAX_CONTROL_BYTES);
    if (this.#missing > 0) return;
    const opcode = this.#opcode;
    this.#opcode = undefined;
    const payload = this.#control.size > 0 ? this.#control.bytes : bytes;
    if (opcode === Opcode.ping) this.#taker.ping(payload);
    else if (opcode === Opcode.pong) this.#taker.pong();
    else {
      this.#over = true;
      this.#taker.closed(closeCodeOf(payload));
    }
    this.#control.clear();
  }
}

/** One buffer that grows, since a list of pieces would weigh more than what is in them. */
class Gathered {
  readonly #arrival: Arrival | undefined;
  #memory = EMPTY;
  size = 0;

  constructor(arrival?: Arrival) {
    this.#arrival = arrival;
  }

  get bytes(): Uint8Array {
    return this.#memory.subarray(0, this.size);
  }

  /** No more than `atMost` comes together. */
  add(bytes: Uint8Array, atMost: number): void {
    const size = this.size + bytes.length;
    if (size > this.#memory.length) {
      this.#grow(Math.min(atMost, Math.max(size, 4 * this.#memory.length, 1024)));
    }
    this.#memory.set(bytes, this.size);
    this.size = size;
  }

  clear(): void {
    if (this.#memory.length === 0) return;
    freeMemory(this.#memory);
    this.#memory = EMPTY;
    this.size = 0;
    this.#arrival?.leave();
  }

  #grow(size: number): void {
    this.#arrival?.take(size - this.#memory.length);
    const memory = new Uint8Array(size);
    memory.set(this.bytes);
    freeMemory(this.#memory);
    this.#memory = memory;
  }
}

const EMPTY = new Uint8Array();

function headBytes(second: number): number {
  const length = second & 0x7f;
  return 2 + (length < 126 ? 0 : length === 126 ? 2 : 8) + (second & 0x80 ? 4 : 0);
}

/** Both halves without a sign; those that a number cannot hold exactly are far above any limit. */
function lengthAt(bytes: Uint8Array, at: number): number {
  const short = bytes[at + 1]! & 0x7f;
  if (short < 126) return short;
  if (short === 126) return bytes[at + 2]! << 8 | bytes[at + 3]!;
  const [high, low] = [bigEndianAt(bytes, at + 2), bigEndianAt(bytes, at + 6)];
  if (high >= 2 ** 31) throw broken("The length of a frame is negative");
  return high * 2 ** 32 + low;
}

function bigEndianAt(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!) >>> 0;
}

/** As `applyMask` wants it: the first byte is the lowest. */
function uint32At(bytes: Uint8Array, at: number): number {
  return bytes[at]! | bytes[at + 1]! << 8 | bytes[at + 2]! << 16 | bytes[at + 3]! << 24;
}

function checkControl(opcode: number, final: boolean, length: number): void {
  if (opcode > Opcode.pong) throw broken("The opcode is unknown");
  if (!final) throw broken("A control frame is fragmented");
  if (length > MAX_CONTROL_BYTES) throw broken("A control frame is too long");
}

function closeCodeOf(payload: Uint8Array): number {
  if (payload.length === 0) return CloseCode.none;
  if (payload.length === 1) throw broken("The close code is cut off");
  const code = payload[0]! << 8 | payload[1]!;
  if (!maySay(code)) throw broken("The close code is not valid");
  decodeText(payload.subarray(2));
  return code;
}

/** RFC 6455, section 7.4, and the IANA registry of close codes. */
function maySay(code: number): boolean {
  if (code >= 3000) return code < 5000;
  return code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code);
}

const LOOSE = new TextDecoder("utf-8", { ignoreBOM: true });
const STRICT = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });

/** The strict decoder takes several times as long, so it is asked only where there is a sign of something invalid. */
function decodeText(bytes: Uint8Array): string {
  const text = LOOSE.decode(bytes);
  if (!text.includes("\ufffd")) return text;
  try {
    return STRICT.decode(bytes);
  } catch {
    throw new FrameError(CloseCode.invalidData, "A text is not valid UTF-8");
  }
}

function broken(why: string): FrameError {
  return new FrameError(CloseCode.protocolError, why);
}
