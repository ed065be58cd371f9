/** What comes as WebSocket frames (RFC 6455, section 5), without extensions: bytes in, messages out. */
import { checkControl, headBytes, lengthAt, maskAt } from "./frame_head.ts";
import {
  CloseCode,
  FrameError,
  MAX_CONTROL_BYTES,
  MAX_HEAD_BYTES,
  Opcode,
  protocolError,
  type Side,
} from "./frames.ts";
import { type Arrival, GatheredBytes } from "./gathered_bytes.ts";
import { applyMask } from "./mask.ts";
import { closeCodeOf, decodeText } from "./payload.ts";

/** Who hears what the frames say. Bytes are lent for the time of the call. */
interface FrameTaker {
  text(text: string): void;
  ping(payload: Uint8Array): void;
  pong(): void;
  /** Nothing is taken after it. `code` is `CloseCode.none` where there is none. */
  closed(code: number): void;
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
  readonly #message: GatheredBytes;
  #begun = false;
  /** So much of a control frame, which may come in the middle of a message. */
  readonly #control = new GatheredBytes();
  #over = false;

  constructor(taker: FrameTaker, { side, maxBytes, arrival }: FrameDecoderOptions) {
    this.#message = new GatheredBytes(arrival);
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
    if ((first & 0x70) !== 0) throw protocolError("Reserved bits are set");
    if (masked !== this.#fromClient) {
      throw protocolError(masked ? "A frame is masked" : "A frame is not masked");
    }
    if (opcode >= Opcode.close) checkControl(opcode, final, length);
    else this.#checkData(opcode, length);
    this.#opcode = opcode;
    this.#final = final;
    this.#missing = length;
    this.#mask = masked ? maskAt(bytes, at + headBytes(second) - 4) : 0;
  }

  #checkData(opcode: number, length: number): void {
    if (opcode > Opcode.binary) throw protocolError("The opcode is unknown");
    if (this.#begun !== (opcode === Opcode.continuation)) {
      throw protocolError(
        this.#begun ? "A message begins within another" : "There is no message to continue",
      );
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
