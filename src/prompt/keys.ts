/** What is typed on a terminal, with what is pasted in one piece. */
import process from "node:process";
import type { Readable as InputStream } from "node:stream";

// By names that the bundle loads with this module, and not at each start.
const { Readable } = process.getBuiltinModule("node:stream");
const { StringDecoder } = process.getBuiltinModule("node:string_decoder");

/** As much of a terminal's input as readline wants. */
export interface KeyInput extends InputStream {
  setRawMode?(on: boolean): unknown;
}

/** Nobody types so much at a time. */
const PASTED_CHARS = 16;

/** Characters that mean nothing but themselves; any other one alone. */
const PIECE = /\P{Cc}+|\p{Cc}/gu;

/** For readline, whose work for each key grows with the line: a token of some thousand characters would take seconds. */
export class Keys extends Readable {
  readonly #input: KeyInput;
  readonly #paste: (text: string) => void;
  readonly #decoder = new StringDecoder("utf8");

  /** `paste` gets what is to be put in where the cursor is. */
  constructor(input: KeyInput, paste: (text: string) => void) {
    super();
    this.#input = input;
    this.#paste = paste;
    input
      .on("data", (chunk: Uint8Array) => this.#hear(this.#decoder.write(chunk)))
      .on("end", () => this.emit("end"))
      .on("error", (error) => this.emit("error", error));
  }

  setRawMode(on: boolean): void {
    this.#input.setRawMode?.(on);
  }

  override pause(): this {
    this.#input.pause();
    return super.pause();
  }

  override resume(): this {
    this.#input.resume();
    return super.resume();
  }

  /** What comes is told at once, in its order. */
  override _read(): void {}

  #hear(text: string): void {
    // Behind an escape characters are a key's name.
    if (text.length <= PASTED_CHARS || text.includes("\x1b")) return this.#press(text);
    for (const [piece] of text.matchAll(PIECE)) {
      if (piece.length > 1) this.#paste(piece);
      else this.#press(piece);
    }
  }

  #press(keys: string): void {
    this.emit("data", new TextEncoder().encode(keys));
  }
}
