/** The stderr of a child. */
import { privateKeyLines } from "../../base/redact.ts";
import { Utf8Text } from "../../wire/utf8.ts";

/** The lines that a crash is logged with. */
const KEPT_LINES = 20;
/** A longer line is cut: it is for people to read. */
const LINE_CHARS = 8 * 1024;

/** Tells stderr line by line, blank lines left out, and keeps the last lines. */
export class ChildStderr {
  /** Settles when the pipe is closed, or cancelled. */
  readonly ended: Promise<void>;
  readonly lastLines: string[] = [];
  readonly #pipe: ReadableStreamDefaultReader<Uint8Array>;
  readonly #tell: (line: string) => void;
  readonly #withoutKeys = privateKeyLines();
  #line = "";
  #cut = false;

  constructor(pipe: ReadableStream<Uint8Array>, tell: (line: string) => void) {
    this.#pipe = pipe.getReader();
    this.#tell = tell;
    this.ended = this.#read();
  }

  /** Lets go of a pipe that somebody holds open. */
  async cancel(): Promise<void> {
    await this.#pipe.cancel();
  }

  async #read(): Promise<void> {
    const text = new Utf8Text();
    while (true) {
      const { value, done } = await this.#pipe.read();
      if (done) break;
      this.#push(text.push(value));
    }
    this.#push(text.end());
    this.#finish();
  }

  #push(text: string): void {
    const [rest = "", ...lines] = text.split("\n");
    this.#grow(rest);
    for (const line of lines) {
      this.#finish();
      this.#grow(line);
    }
  }

  #grow(text: string): void {
    const room = LINE_CHARS - this.#line.length;
    this.#line += text.slice(0, room);
    this.#cut ||= text.length > room;
  }

  #finish(): void {
    const line = this.#withoutKeys(this.#line.trimEnd() + (this.#cut ? "…" : ""));
    this.#line = "";
    this.#cut = false;
    if (line === "") return;
    if (this.lastLines.push(line) > KEPT_LINES) this.lastLines.shift();
    this.#tell(line);
  }
}
