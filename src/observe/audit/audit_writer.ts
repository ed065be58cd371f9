/**
 * Writes the lines of an audit log, in order and whole, however often that fails: nothing is dropped. What was not
 * written yet is held; while that is too much, or the file cannot be written, there is trouble, and who lets in new work
 * asks for it.
 */
import { within } from "../../base/waiting.ts";
import { fileFault } from "../rotating_file.ts";

/** What lines are written to. */
export interface AuditOutput {
  /** Looks whether the file is still the one that is meant: before what was gathered is written, and now and then. */
  look(): Promise<void>;
  /** So many bytes are to stand in one file. */
  makeRoom(bytes: number): Promise<void>;
  /** Writes some of it, and says how many bytes. */
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
}

/** Lines that are written together. */
interface Piece {
  lines: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** How many of them are filled. */
  length: number;
  /** How many of those stand in the file. */
  written: number;
}

const NO_PIECE = { length: 0 };

interface AuditWriterOptions<Note> {
  /** Of what is written at once, so that a file does not grow far beyond its size. */
  readonly maxBytes: number;
  /** Makes a line of what was pushed, its newline included: called once for each, in order. */
  readonly seal: (note: Note) => string;
  /** Called when there is trouble, or another one than before, and when it is over. */
  readonly onTrouble: (reason: string) => void;
  readonly onRecovered: () => void;
}

/** A line is written so long after it was pushed at the latest, and shares a call of the system with many others. */
const GATHER_MS = 100;
/** So much is written at once: what writes in the background costs as much as a hundred lines each time. */
const PIECE_BYTES = 512 * 1024;
/**
 * So many become lines together: one that is made behind another costs a third of one that is made in the midst of a call,
 * and what is held for longer would be garbage that has grown old.
 */
export const TOGETHER = 512;
/** Of UTF-8, for what is one character of a string. */
const MAX_BYTES_PER_CHAR = 3;
/** More is not held for a slow disk while others still add to it: from then on nobody new is served. */
export const MAX_WAITING_BYTES = 32 * 2 ** 20;
const RETRY_MS = 500;
/** So often it is looked at where one piece follows another. */
const LOOK_MS = 500;
/** How long the end waits for a disk that does not take what is left, and how often it is tried. */
const [CLOSE_MS, CLOSE_RETRY_MS] = [2_000, 50];

/** `Note` is what becomes a line. */
export class AuditWriter<Note> {
  readonly #output: AuditOutput;
  readonly #options: AuditWriterOptions<Note>;
  readonly #encoder = new TextEncoder();
  /** No lines yet. */
  #notes: Note[] = [];
  /** The piece that is filled, those that are full, and the one that is written. */
  #open: Piece | undefined;
  readonly #full: Piece[] = [];
  #begun: Piece | undefined;
  /** Memory of a piece that was written: other memory each time would cost more than to fill it. */
  #spare: Uint8Array<ArrayBuffer> | undefined;
  /** What all pieces have together. */
  #lines = 0;
  #bytes = 0;
  /** By `performance.now()`. */
  #lookedAt = -Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> | undefined;
  #fault: string | undefined;
  #isFull = false;
  #trouble: string | undefined;

  constructor(output: AuditOutput, options: AuditWriterOptions<Note>) {
    this.#output = output;
    this.#options = options;
  }

  /** Why nothing new may happen, or undefined. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  push(note: Note): void {
    this.#notes.push(note);
    if (this.#notes.length < TOGETHER) return this.#wakeIn(GATHER_MS);
    this.#seal();
    if (this.#full.length === 0) return this.#wakeIn(GATHER_MS);
    if (this.#bytes > MAX_WAITING_BYTES && !this.#isFull) this.#judge({ isFull: true });
    if (this.#fault === undefined) this.#start();
  }

  /** Writes what is left; comes to the number of lines that could not be written. Nothing is to be pushed after it. */
  async close(): Promise<number> {
    clearTimeout(this.#timer);
    const deadline = performance.now() + CLOSE_MS;
    const left = () => Math.max(0, deadline - performance.now());
    while (this.#unwritten > 0 && left() > 0) {
      this.#closePiece();
      this.#start();
      if (this.#writing) await within(left(), this.#writing);
      clearTimeout(this.#timer);
      if (this.#unwritten > 0) await new Promise((resolve) => setTimeout(resolve, CLOSE_RETRY_MS));
    }
    clearTimeout(this.#timer);
    // What the system still has to do with it is not to be disturbed.
    if (!this.#writing) this.#output.close();
    return this.#unwritten;
  }

  get #unwritten(): number {
    return this.#notes.length + this.#lines;
  }

  // --- writing ---

  #wakeIn(ms: number): void {
    if (this.#writing) return;
    this.#timer ??= setTimeout(() => {
      this.#closePiece();
      this.#start();
    }, ms);
  }

  #start(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing ??= this.#writeFull().finally(() => {
      this.#writing = undefined;
      if (this.#unwritten > 0) this.#wakeIn(this.#fault === undefined ? GATHER_MS : RETRY_MS);
    });
  }

  /** What comes meanwhile waits for the next time, unless there is a whole piece of it: to write often is what costs. */
  async #writeFull(): Promise<void> {
    try {
      if (!this.#begun?.written) await this.#look();
      for (let piece = this.#next(); piece; piece = this.#next()) await this.#writeOne(piece);
      this.#judge({ fault: undefined, isFull: false });
    } catch (error) {
      this.#judge({ fault: fileFault(error) });
    }
  }

  #next(): Piece | undefined {
    return this.#begun ??= this.#full.shift();
  }

  async #look(): Promise<void> {
    const now = performance.now();
    if (now - this.#lookedAt < LOOK_MS) return;
    this.#lookedAt = now;
    await this.#output.look();
  }

  /** Of a piece that was written in part, the rest follows: a line stands there once, and whole. */
  async #writeOne(piece: Piece): Promise<void> {
    const { bytes, length, lines } = piece;
    if (piece.written === 0) await this.#output.makeRoom(length);
    while (piece.written < length) {
      const count = await this.#output.write(bytes.subarray(piece.written, length));
      piece.written += count;
      this.#bytes -= count;
    }
    this.#begun = undefined;
    this.#lines -= lines;
    if (bytes.length === PIECE_BYTES) this.#spare = bytes;
  }

  // --- lines ---

  /** Makes lines of all notes. */
  #seal(): void {
    let [text, lines] = ["", 0];
    for (const note of this.#notes) {
      const line = this.#options.seal(note);
      if (!this.#fits(text.length + line.length)) {
        if (lines > 0) this.#add(text, lines);
        this.#closeOpen();
        [text, lines] = ["", 0];
      }
      text += line;
      lines++;
    }
    this.#notes = [];
    if (lines > 0) this.#add(text, lines);
  }

  /** Into the piece that is filled; a file takes whole pieces. */
  #fits(chars: number): boolean {
    const { length } = this.#open ?? NO_PIECE;
    const most = length + chars * MAX_BYTES_PER_CHAR;
    return length + chars <= this.#options.maxBytes && most <= PIECE_BYTES;
  }

  #add(text: string, lines: number): void {
    const piece = this.#open ??= this.#newPiece(text.length * MAX_BYTES_PER_CHAR);
    const { written } = this.#encoder.encodeInto(text, piece.bytes.subarray(piece.length));
    piece.length += written;
    piece.lines += lines;
    this.#bytes += written;
    this.#lines += lines;
  }

  #newPiece(bytes: number): Piece {
    const memory = bytes > PIECE_BYTES ? new Uint8Array(bytes) : this.#spare ?? new Uint8Array(PIECE_BYTES);
    if (memory === this.#spare) this.#spare = undefined;
    return { lines: 0, bytes: memory, length: 0, written: 0 };
  }

  /** All that is there is to be written. */
  #closePiece(): void {
    this.#lookedAt = -Infinity;
    this.#seal();
    this.#closeOpen();
  }

  #closeOpen(): void {
    if (this.#open) this.#full.push(this.#open);
    this.#open = undefined;
  }

  #judge(seen: { readonly fault?: string | undefined; readonly isFull?: boolean }): void {
    if ("fault" in seen) this.#fault = seen.fault;
    if (seen.isFull !== undefined) this.#isFull = seen.isFull;
    const trouble = this.#fault ?? (this.#isFull ? "it is written more slowly than it grows" : undefined);
    const before = this.#trouble;
    this.#trouble = trouble;
    if (trouble === before) return;
    if (trouble === undefined) this.#options.onRecovered();
    else this.#options.onTrouble(trouble);
  }
}
