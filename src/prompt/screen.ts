/** What is written on a terminal: by readline, of which not all may be seen, and beside it. */
import process from "node:process";

export interface Terminal {
  /** Does not wait for who reads. */
  readonly write: (text: string) => void;
  /** Of a row; undefined where it is not known. */
  readonly columns: () => number | undefined;
}

// By a name that the bundle loads with this module, and not at each start.
const { Writable } = process.getBuiltinModule("node:stream");

const USUAL_COLUMNS = 80;

export class Screen extends Writable {
  readonly #terminal: Terminal;
  readonly #seen: (chunk: string) => string;

  /** `seen` gives what appears of something that readline writes. */
  constructor(terminal: Terminal, seen: (chunk: string) => string) {
    super({ decodeStrings: false });
    this.#terminal = terminal;
    this.#seen = seen;
  }

  /** Readline asks whenever it draws. */
  get columns(): number {
    // A terminal that says 0 does not know.
    return this.#terminal.columns() || USUAL_COLUMNS;
  }

  /** All of it appears. */
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
    if (typeof chunk === "string") this.tell(this.#seen(chunk));
    done();
  }
}
