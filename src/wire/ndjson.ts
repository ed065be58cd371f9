/** Newline-delimited JSON, the framing of MCP's stdio transport: one message a line, UTF-8, no newline inside. */
import { joinedBytes } from "../base/joined_bytes.ts";
import type { Envelope } from "../core/channel.ts";
import { TooLargeError } from "../core/errors.ts";
import { type Outline, OutlineReader } from "../core/message/outline.ts";
import { cutOut } from "../base/cut_out.ts";
import { optionName } from "../base/option_name.ts";
import { lineOf } from "./line.ts";
import { MAX_OUTLINES } from "./skipping.ts";
import { utf8Decoder } from "./utf8.ts";

const NEWLINE = 0x0a;
const BYTE_ORDER_MARK = 0xfeff;
const NO_BYTES = new Uint8Array();

const decoder = utf8Decoder();

/** One message as a line, its newline included. */
export function encodeLine(envelope: Envelope): string {
  return lineOf(envelope) + "\n";
}

interface LineDecoderOptions {
  /** The option that raises the limit, for the error. */
  readonly option?: string;
  /** Hears of a line that is too long, at once. */
  readonly onTooLong?: (error: TooLargeError) => void;
  /** Hears of the same line at its end, and whose messages it was. */
  readonly onSkipped?: (error: TooLargeError, outlines: readonly Outline[]) => void;
  /** How much of a line is left out until it counts as one without end; all of it by default. */
  readonly maxSkippedBytes?: number;
}

/** Cuts a byte stream into lines, without their line ends; blank lines are left out. */
export class LineDecoder {
  readonly #maxBytes: number;
  readonly #options: LineDecoderOptions;
  readonly #tolerant: boolean;
  /** Of the line that is not complete yet: its text, how many bytes that took, and those of a character that is cut. */
  #rest = "";
  #restBytes = 0;
  #cut: Uint8Array = NO_BYTES;
  #skipped: SkippedLine | undefined;

  /** A line longer than `maxBytes` is a TooLargeError; with `onTooLong` or `onSkipped` it is told there, and left out. */
  constructor(maxBytes: number, options: LineDecoderOptions = {}) {
    this.#maxBytes = maxBytes;
    this.#options = options;
    this.#tolerant = options.onTooLong !== undefined || options.onSkipped !== undefined;
  }

  /** What is wrong with the line whose rest is left out, while there is one. */
  get skipped(): TooLargeError | undefined {
    return this.#skipped?.error;
  }

  /**
   * The lines that this chunk completes; its memory may be used for another one afterwards. Throws TooLargeError for a line
   * that is too long where nobody is told of it, or too long to be left out.
   */
  push(chunk: Uint8Array): string[] {
    return this.#tolerant ? this.#pushTolerantly(chunk) : this.#push(chunk);
  }

  /** A chunk that breaks the limit is taken line by line, so that only the line that is too long gets lost. */
  #pushTolerantly(chunk: Uint8Array): string[] {
    if (!this.#skipped && this.#restBytes + chunk.length <= this.#maxBytes) return this.#push(chunk);
    const lines: string[] = [];
    for (let from = 0; from < chunk.length;) {
      const end = chunk.indexOf(NEWLINE, from) + 1 || chunk.length;
      lines.push(...this.#pushPiece(chunk.subarray(from, end)));
      from = end;
    }
    return lines;
  }

  /** A piece has at most one newline, at its end. */
  #pushPiece(piece: Uint8Array): string[] {
    if (!this.#skipped) {
      try {
        return this.#push(piece);
      } catch (error) {
        if (!(error instanceof TooLargeError)) throw error;
        this.#skip(error);
      }
    }
    this.#skipMore(piece);
    return [];
  }

  #skip(error: TooLargeError): void {
    const { onTooLong, onSkipped } = this.#options;
    const skipped = this.#skipped = new SkippedLine(
      error,
      onSkipped ? new OutlineReader(MAX_OUTLINES) : undefined,
    );
    skipped.pushText(this.#rest);
    skipped.push(this.#cut);
    this.#start("", 0);
    this.#cut = NO_BYTES;
    onTooLong?.(error);
  }

  #skipMore(piece: Uint8Array): void {
    const { onSkipped, maxSkippedBytes = Infinity } = this.#options;
    const skipped = this.#skipped;
    if (!skipped) return;
    skipped.push(piece);
    if (skipped.bytes > maxSkippedBytes) throw skipped.error;
    if (piece.at(-1) !== NEWLINE) return;
    this.#skipped = undefined;
    onSkipped?.(skipped.error, skipped.outlines);
  }

  /** Decodes at once: text is put together without being copied, until somebody reads it. */
  #push(chunk: Uint8Array): string[] {
    if (this.#restBytes + chunk.length > this.#maxBytes) this.#checkLengths(chunk);
    const text = this.#decode(chunk);
    if (!text.includes("\n")) {
      this.#start(this.#rest + text, this.#restBytes + chunk.length);
      return [];
    }
    const lines = text.split("\n");
    lines[0] = this.#rest + lines[0];
    this.#start(cutOut(lines.pop() ?? "", text.length), chunk.length - 1 - chunk.lastIndexOf(NEWLINE));
    return lines.map(trimmed).filter((line) => !isBlank(line)).map((line) => cutOut(line, text.length));
  }

  /** What is left when the stream ends: a last line without its newline. */
  end(): string[] {
    const line = trimmed(this.#rest + decoder.decode(this.#cut));
    return isBlank(line) ? [] : [line];
  }

  #start(rest: string, bytes: number): void {
    this.#rest = rest;
    this.#restBytes = bytes;
  }

  /** Throws when a line is too long, that without an end too. */
  #checkLengths(chunk: Uint8Array): void {
    let before = this.#restBytes;
    for (let from = 0; from < chunk.length; before = 0) {
      const newline = chunk.indexOf(NEWLINE, from);
      const end = newline === -1 ? chunk.length : newline;
      if (before + end - from > this.#maxBytes) throw this.#tooLong();
      from = end + 1;
    }
  }

  /** A character that is cut by the end of the chunk waits for the next one. */
  #decode(chunk: Uint8Array): string {
    const bytes = this.#cut.length === 0 ? chunk : joinedBytes(this.#cut, chunk);
    const end = endOfCharacters(bytes);
    this.#cut = end === bytes.length ? NO_BYTES : bytes.slice(end);
    return decoder.decode(end === bytes.length ? bytes : bytes.subarray(0, end));
  }

  #tooLong(): TooLargeError {
    const { option } = this.#options;
    return new TooLargeError(
      `A line is longer than ${this.#maxBytes} bytes${option ? ` (${optionName(option)})` : ""}`,
    );
  }
}

/** What is known of a line that is too long to be kept. */
class SkippedLine {
  readonly error: TooLargeError;
  bytes = 0;
  readonly #reader: OutlineReader | undefined;
  readonly #decoder = utf8Decoder();

  constructor(error: TooLargeError, reader: OutlineReader | undefined) {
    this.error = error;
    this.#reader = reader;
  }

  get outlines(): readonly Outline[] {
    return this.#reader?.outlines ?? [];
  }

  pushText(text: string): void {
    this.#reader?.push(text);
  }

  push(bytes: Uint8Array): void {
    this.bytes += bytes.length;
    this.#reader?.push(this.#decoder.decode(bytes, { stream: true }));
  }
}

/** Where a character begins of which the last bytes are missing, else the length (RFC 3629, section 3). */
function endOfCharacters(bytes: Uint8Array): number {
  const { length } = bytes;
  for (let at = length - 1; at >= Math.max(0, length - 3); at--) {
    const byte = bytes[at] ?? 0;
    if (byte < 0x80) return length;
    const isFirst = byte >= 0xc0;
    if (isFirst) return at + lengthByFirst(byte) > length ? at : length;
  }
  return length;
}

function lengthByFirst(byte: number): number {
  return byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
}

/** Without the CR of a line end, and without the byte order mark that some programs begin with. */
function trimmed(line: string): string {
  const start = line.charCodeAt(0) === BYTE_ORDER_MARK ? 1 : 0;
  const end = line.endsWith("\r") ? line.length - 1 : line.length;
  return end - start === line.length ? line : line.slice(start, end);
}

function isBlank(line: string): boolean {
  return line.length === 0 || (line.length < 80 && line.trim().length === 0);
}
