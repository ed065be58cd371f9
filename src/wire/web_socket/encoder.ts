/** What leaves as WebSocket frames (RFC 6455, section 5): as many as fit into one piece of memory. */
import { freeMemory } from "../free_memory.ts";
import { MAX_HEAD_BYTES, type Side } from "./frames.ts";
import { applyMask, randomMask } from "./mask.ts";

/** UTF-8 takes no more for one of UTF-16. */
const BYTES_PER_CHAR = 3;

const encoder = new TextEncoder();

export class FrameBuffer {
  readonly #memory: Uint8Array<ArrayBuffer>;
  #size = 0;

  constructor(capacity: number) {
    this.#memory = new Uint8Array(capacity);
  }

  /** A buffer that holds just this text. */
  static of(opcode: number, text: string, side: Side): FrameBuffer {
    // Mostly it is ASCII.
    const tight = new FrameBuffer(MAX_HEAD_BYTES + text.length);
    if (tight.addText(opcode, text, side)) return tight;
    tight.free();
    const roomy = new FrameBuffer(MAX_HEAD_BYTES + BYTES_PER_CHAR * text.length);
    roomy.addText(opcode, text, side);
    return roomy;
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#memory.subarray(0, this.#size);
  }

  clear(): void {
    this.#size = 0;
  }

  /** It is not used any more, nor are its bytes. */
  free(): void {
    freeMemory(this.#memory);
  }

  /** False when it does not fit. */
  addText(opcode: number, text: string, side: Side): boolean {
    const at = this.#size;
    // Encoded where it will lie if it is ASCII, since its length is not known before.
    const guessed = at + headBytes(text.length, side);
    if (guessed + text.length > this.#memory.length) return false;
    const { read, written } = encoder.encodeInto(text, this.#memory.subarray(guessed));
    const start = at + headBytes(written, side);
    if (read < text.length || start + written > this.#memory.length) return false;
    if (start !== guessed) this.#memory.copyWithin(start, guessed, guessed + written);
    this.#complete({ opcode, side, start, end: start + written });
    return true;
  }

  /** False when it does not fit. */
  addBytes(opcode: number, payload: Uint8Array, side: Side): boolean {
    const start = this.#size + headBytes(payload.length, side);
    const end = start + payload.length;
    if (end > this.#memory.length) return false;
    this.#memory.set(payload, start);
    this.#complete({ opcode, side, start, end });
    return true;
  }

  /** The payload is there; the head and the mask are not. */
  #complete({ opcode, side, start, end }: Frame): void {
    const bytes = this.#memory;
    const length = end - start;
    let at = this.#size;
    bytes[at++] = 0x80 | opcode;
    bytes[at++] = (side === "client" ? 0x80 : 0) | (length < 126 ? length : length < 65_536 ? 126 : 127);
    if (length >= 65_536) at = putUint32(bytes, putUint32(bytes, at, Math.floor(length / 2 ** 32)), length);
    else if (length >= 126) {
      bytes[at++] = length >> 8;
      bytes[at++] = length;
    }
    if (side === "client") {
      const mask = randomMask();
      // Its lowest byte is the first one.
      for (let shift = 0; shift < 32; shift += 8) bytes[at++] = mask >> shift;
      applyMask(bytes, { from: start, to: end, mask });
    }
    this.#size = end;
  }
}

interface Frame {
  readonly opcode: number;
  readonly side: Side;
  /** Of the payload. */
  readonly start: number;
  readonly end: number;
}

function headBytes(length: number, side: Side): number {
  return 2 + (length < 126 ? 0 : length < 65_536 ? 2 : 8) + (side === "client" ? 4 : 0);
}

function putUint32(bytes: Uint8Array, at: number, value: number): number {
  for (let shift = 24; shift >= 0; shift -= 8) bytes[at++] = value >>> shift;
  return at;
}
