/**
 * Writes the lines of an audit log, in order and whole, however often that fails: nothing is dropped. What was not
 * written yet is held; while that is too much, or the file cannot be written, there is trouble, and who lets in new work
 * asks for it.
 */
import { within } from "../../base/waiting.ts";
import { fileFault } from "../rotating_file.ts";

/** What lines are written to. */
export interface AuditOutput {
  /** Before anything is written that was gathered: looks whether the file is still the one that is meant. */
  look(): Promise<void>;
  /** So many bytes are to stand in one file. */
  makeRoom(bytes: number): Promise<void>;
  /** Writes some of it, and says how many bytes. */
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
}

/** Lines that are written together. */
interface Piece {
  readonly lines: number;
  left: Uint8Array;
  /** Some of it stands in the file. */
  isTorn: boolean;
}

interface AuditWriterOptions {
  /** Of what is written at once, so that a file does not grow far beyond its size. */
  readonly maxBytes: number;
  /** Makes a line of what was pushed: called once for each, in order, when it is about to be written. */
  readonly seal: (said: string) => string;
  /** Called when there is trouble, or another one than before, and when it is over. */
  readonly onTrouble: (reason: string) => void;
  readonly onRecovered: () => void;
}

/** A line is written so long after it was made at the latest, and shares a call of the system with others. */
const GATHER_MS = 100;
/** What waits beyond it is written at once. */
const MANY_CHARS = 256 * 1024;
const PIECE_CHARS = 256 * 1024;
/** More is not held for a slow disk while others still add to it: from then on nobody new is served. */
export const MAX_WAITING_CHARS = 32 * 2 ** 20;
const RETRY_MS = 500;
/** How long the end waits for a disk that does not take what is left, and how often it is tried. */
const [CLOSE_MS, CLOSE_RETRY_MS] = [2_000, 50];

export class AuditWriter {
  readonly #output: AuditOutput;
  readonly #options: AuditWriterOptions;
  readonly #encoder = new TextEncoder();
  /** What was pushed, of which the first ones are taken already: to move the others with each piece would take long. */
  #waiting: string[] = [];
  #taken = 0;
  /** The line of the next one, which did not fit into a piece any more. */
  #sealed: string | undefined;
  #chars = 0;
  #begun: Piece | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> | undefined;
  #fault: string | undefined;
  #isFull = false;
  #trouble: string | undefined;

  constructor(output: AuditOutput, options: AuditWriterOptions) {
    this.#output = output;
    this.#options = options;
  }

  /** Why nothing new may happen, or undefined. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  push(said: string): void {
    this.#waiting.push(said);
    this.#chars += said.length;
    if (this.#chars < MANY_CHARS) return this.#wakeIn(GATHER_MS);
    if (this.#chars > MAX_WAITING_CHARS && !this.#isFull) this.#judge({ isFull: true });
    if (this.#fault === undefined) this.#start();
  }

  /** Writes what is left; comes to the number of lines that could not be written. Nothing is to be pushed after it. */
  async close(): Promise<number> {
    clearTimeout(this.#timer);
    const deadline = performance.now() + CLOSE_MS;
    const left = () => Math.max(0, deadline - performance.now());
    while (this.#unwritten > 0 && left() > 0) {
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
    return this.#waiting.length - this.#taken + (this.#begun?.lines ?? 0);
  }

  #wakeIn(ms: number): void {
    if (this.#writing) return;
    this.#timer ??= setTimeout(() => this.#start(), ms);
  }

  #start(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
      if (this.#unwritten > 0) this.#wakeIn(this.#fault === undefined ? GATHER_MS : RETRY_MS);
    });
  }

  async #writeAll(): Promise<void> {
    try {
      if (!this.#begun?.isTorn) await this.#output.look();
      while (this.#unwritten > 0) await this.#writeOne(this.#begun ??= this.#nextPiece());
      this.#judge({ fault: undefined, isFull: false });
    } catch (error) {
      this.#judge({ fault: fileFault(error) });
    }
  }

  /** Of a piece that was written in part, the rest follows: a line stands there once, and whole. */
  async #writeOne(piece: Piece): Promise<void> {
    if (!piece.isTorn) await this.#output.makeRoom(piece.left.length);
    while (piece.left.length > 0) {
      const count = await this.#output.write(piece.left);
      piece.left = piece.left.subarray(count);
      piece.isTorn = true;
    }
    this.#begun = undefined;
  }

  #nextPiece(): Piece {
    const room = Math.min(PIECE_CHARS, this.#options.maxBytes);
    const [waiting, from] = [this.#waiting, this.#taken];
    let [to, chars, text] = [from, 0, ""];
    for (; to < waiting.length; to++) {
      const said = waiting[to]!;
      const line = this.#sealed ?? this.#options.seal(said);
      this.#sealed = to > from && text.length + line.length > room ? line : undefined;
      if (this.#sealed !== undefined) break;
      chars += said.length;
      text += line;
    }
    const left = this.#encoder.encode(text);
    this.#taken = to;
    if (to > waiting.length / 2) [this.#waiting, this.#taken] = [waiting.slice(to), 0];
    this.#chars -= chars;
    return { lines: to - from, left, isTorn: false };
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
