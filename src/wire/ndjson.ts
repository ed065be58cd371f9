/** Newline-delimited JSON, the framing of MCP's stdio transport: one message a line, UTF-8, no newline inside. */
import type { Envelope } from "../core/channel.ts";
import { LimitError } from "../core/errors.ts";
import { lineOf } from "./line.ts";

const NEWLINE = 0x0a;

/** One message as a line, its newline included. */
export function encodeLine(envelope: Envelope): string {
  return lineOf(envelope) + "\n";
}

export interface LineDecoderOptions {
  readonly onTooLong?: (error: LimitError) => void;
}

/** Cuts a byte stream into lines, without their line ends; blank lines are left out. */
export class LineDecoder {
  readonly #maxBytes: number;
  readonly #onTooLong: ((error: LimitError) => void) | undefined;
  readonly #decoder = new TextDecoder();
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #skipping = false;

  /** A line longer than `maxBytes` is a LimitError; with `onTooLong` it is told there, and left out. */
  constructor(maxBytes: number, { onTooLong }: LineDecoderOptions = {}) {
    this.#maxBytes = maxBytes;
    this.#onTooLong = onTooLong;
  }

  /** The lines that this chunk completes. */
  push(chunk: Uint8Array): string[] {
    return this.#onTooLong ? this.#pushTolerantly(chunk, this.#onTooLong) : this.#push(chunk);
  }

  /** A chunk that breaks the limit is taken line by line, so that only the line that is too long gets lost. */
  #pushTolerantly(chunk: Uint8Array, onTooLong: (error: LimitError) => void): string[] {
    if (!this.#skipping && this.#pendingBytes + chunk.length <= this.#maxBytes) return this.#push(chunk);
    const lines: string[] = [];
    for (let from = 0; from < chunk.length;) {
      const end = chunk.indexOf(NEWLINE, from) + 1 || chunk.length;
      lines.push(...this.#pushPiece(chunk.subarray(from, end), onTooLong));
      from = end;
    }
    return lines;
  }

  /** A piece has at most one newline, at its end. */
  #pushPiece(piece: Uint8Array, onTooLong: (error: LimitError) => void): string[] {
    const complete = piece.at(-1) === NEWLINE;
    try {
      return this.#skipping ? [] : this.#push(piece);
    } catch (error) {
      if (!(error instanceof LimitError)) throw error;
      this.#pending = [];
      this.#pendingBytes = 0;
      this.#skipping = true;
      onTooLong(error);
      return [];
    } finally {
      if (complete) this.#skipping = false;
    }
  }

  #push(chunk: Uint8Array): string[] {
    const last = chunk.lastIndexOf(NEWLINE);
    if (last === -1) {
      this.#keep(chunk);
      return [];
    }
    this.#checkLengths(chunk, last);
    const lines = splitLines(this.#decode(chunk.subarray(0, last)));
    if (last + 1 < chunk.length) this.#keep(chunk.subarray(last + 1));
    return lines;
  }

  /** What is left when the stream ends: a last line without its newline. */
  end(): string[] {
    return splitLines(this.#decode(new Uint8Array()));
  }

  #keep(bytes: Uint8Array): void {
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    if (this.#pendingBytes > this.#maxBytes) throw this.#tooLong();
  }

  /** The first line of a chunk continues what is pending. */
  #checkLengths(chunk: Uint8Array, last: number): void {
    if (this.#pendingBytes + last <= this.#maxBytes) return;
    let pending = this.#pendingBytes;
    for (let from = 0; from <= last; pending = 0) {
      const end = chunk.indexOf(NEWLINE, from);
      if (pending + end - from > this.#maxBytes) throw this.#tooLong();
      from = end + 1;
    }
  }

  #decode(bytes: Uint8Array): string {
    if (this.#pendingBytes === 0) return this.#decoder.decode(bytes);
    // Decoded as one piece, so that a character cut in two by a chunk border stays whole.
    const whole = new Uint8Array(this.#pendingBytes + bytes.length);
    let at = 0;
    for (const piece of this.#pending) {
      whole.set(piece, at);
      at += piece.length;
    }
    whole.set(bytes, at);
    this.#pending = [];
    this.#pendingBytes = 0;
    return this.#decoder.decode(whole);
  }

  #tooLong(): LimitError {
    return new LimitError(`A line is longer than ${this.#maxBytes} bytes`);
  }
}

function splitLines(text: string): string[] {
  if (!text.includes("\n")) return isBlank(text) ? [] : [trimEnd(text)];
  return text.split("\n").filter((line) => !isBlank(line)).map(trimEnd);
}

function trimEnd(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}

function isBlank(line: string): boolean {
  return line.length === 0 || (line.length < 80 && line.trim().length === 0);
}
