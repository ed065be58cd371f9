/** A terminal in memory: what is to be seen on it after all that was written. */

import { inTime } from "../contract/deadline.ts";

/** What readline and the log write: text, line ends, and these sequences. */
// deno-lint-ignore no-control-regex -- these are what a terminal is told
const PIECE = /\x1b\[(\d*)([A-HJK])|[\r\n\x07]|[^\x1b\r\n\x07]/gu;

export class MemoryTerminal {
  readonly #columns: number;
  /** All that was written, as it came. */
  written = "";
  #rows: string[][] = [[]];
  #row = 0;
  #column = 0;
  #changed = Promise.withResolvers<void>();

  constructor(columns = 80) {
    this.#columns = columns;
  }

  readonly columns = () => this.#columns;

  readonly write = (text: string): void => {
    this.written += text;
    for (const [piece, count, sequence] of text.matchAll(PIECE)) this.#take(piece, sequence, count);
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  };

  /** Row by row, without what is blank at their ends. */
  get rows(): string[] {
    return this.#rows.map((row) => Array.from(row, (character) => character ?? " ").join("").trimEnd());
  }

  /** Settles with the rows when they match, joined by line ends. */
  async showing(pattern: RegExp): Promise<string[]> {
    while (!pattern.test(this.rows.join("\n"))) {
      await inTime(this.#changed.promise, `${pattern} in\n${this.rows.join("\n")}\n`);
    }
    return this.rows;
  }

  #take(piece: string, sequence: string | undefined, digits: string | undefined): void {
    if (sequence !== undefined) {
      return this.#move(sequence, Number(digits || (/[JK]/.test(sequence) ? 0 : 1)));
    }
    if (piece === "\r") this.#column = 0;
    else if (piece === "\n") this.#to(this.#row + 1, 0);
    else if (piece !== "\x07") this.#put(piece);
  }

  /** A row that is full goes on in the next one with the next character, and not before. */
  #put(character: string): void {
    if (this.#column === this.#columns) this.#to(this.#row + 1, 0);
    const row = this.#rows[this.#row] ?? [];
    row[this.#column++] = character;
  }

  #to(row: number, column: number): void {
    this.#row = Math.max(row, 0);
    this.#column = Math.min(Math.max(column, 0), this.#columns - 1);
    while (this.#rows.length <= this.#row) this.#rows.push([]);
  }

  #move(sequence: string, count: number): void {
    const moves: Record<string, () => void> = {
      A: () => this.#to(this.#row - count, this.#column),
      B: () => this.#to(this.#row + count, this.#column),
      C: () => this.#to(this.#row, this.#column + count),
      D: () => this.#to(this.#row, this.#column - count),
      G: () => this.#to(this.#row, count - 1),
      J: () => this.#clearDown(),
      K: () => this.#rows[this.#row]?.splice(this.#column),
    };
    const move = moves[sequence];
    if (!move) throw new Error(`The terminal does not know CSI ${sequence}`);
    move();
  }

  #clearDown(): void {
    this.#rows[this.#row]?.splice(this.#column);
    this.#rows.splice(this.#row + 1);
  }
}
