/** What is written on a terminal: by readline, which can be muted, and beside it. */
import { Writable } from "node:stream";

export interface Terminal {
  /** Does not wait for who reads. */
  readonly write: (text: string) => void;
  /** Of a row; undefined where it is not known. */
  readonly columns: () => number | undefined;
}

const USUAL_COLUMNS = 80;

export class Screen extends Writable {
  /** While it is, nothing appears of what is typed. */
  muted = false;
  readonly #terminal: Terminal;

  constructor(terminal: Terminal) {
    super({ decodeStrings: false });
    this.#terminal = terminal;
  }

  /** Readline asks whenever it draws. */
  get columns(): number {
    // A terminal that says 0 does not know.
    return this.#terminal.columns() || USUAL_COLUMNS;
  }

  /** Also while it is muted. */
  tell(text: string): void {
    this.#terminal.write(text);
  }

  /** Lines in the place of the one that is typed, whose cursor is so many rows below its first one. */
  insert(text: string, rows: number): void {
    const up = rows > 0 ? `\x1b[${rows}A` : "";
    // Readline goes up by as many rows before it draws the line anew.
    this.tell(`${up}\r\x1b[J${text}${"\n".repeat(rows)}`);
  }

  override _write(chunk: unknown, _encoding: string, done: () => void): void {
    if (!this.muted && typeof chunk === "string") this.tell(chunk);
    done();
  }
}
