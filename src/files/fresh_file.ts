/** What stands in a file now: a change counts within a second, and whoever asks costs nothing but now and then a look. */
import { messageOf } from "../core/errors.ts";
import { readSecretFile } from "./secret_file.ts";
import type { FileText } from "./small_file.ts";

/** How long what was seen counts. */
const LOOK_MS = 500;

interface FreshFileOptions<T> {
  /** Of its text; undefined where there is no such file. Throws an Error that says what is wrong with it. */
  readonly parse: (text: string | undefined) => T;
  /** Hears once of each change that cannot be read; what was read before goes on to count. */
  readonly onTrouble: (reason: string) => void;
  /** At first it has to be there; one that is removed later is as one with nothing in it. False by default. */
  readonly required?: boolean;
  /** Who else may use it; nobody by default. */
  readonly read?: (path: string) => FileText;
  /** Hears of each change that was read. */
  readonly onChange?: (before: T, now: T) => void;
}

/** A file of secrets that others may change meanwhile. */
export class FreshFile<T> {
  readonly path: string;
  readonly #options: FreshFileOptions<T>;
  #value: T;
  #seen: string;
  /** By `Date.now()`, which costs a tenth of the monotonic clock: each request asks. */
  #lookedAt = Date.now();

  /** Throws the Error of `parse`, and one that says why the file cannot be read. */
  constructor(path: string, options: FreshFileOptions<T>) {
    this.path = path;
    this.#options = options;
    this.#seen = signatureOf(path);
    const text = textOf(path, options.read);
    if (text === undefined && options.required) throw new Error("there is no such file");
    this.#value = options.parse(text);
  }

  get current(): T {
    const now = Date.now();
    // A clock that was set, in whichever direction, is a reason to look.
    if (Math.abs(now - this.#lookedAt) < LOOK_MS) return this.#value;
    this.#lookedAt = now;
    const signature = signatureOf(this.path);
    if (signature !== this.#seen) this.#read(signature);
    return this.#value;
  }

  #read(signature: string): void {
    this.#seen = signature;
    const before = this.#value;
    try {
      const { parse, read, required } = this.#options;
      this.#value = parse(textOf(this.path, read) ?? (required ? "" : undefined));
    } catch (error) {
      return this.#options.onTrouble(messageOf(error));
    }
    this.#options.onChange?.(before, this.#value);
  }
}

/** Undefined where there is none. Throws an Error that says why it cannot be read. */
function textOf(path: string, readFile: (path: string) => FileText = readSecretFile): string | undefined {
  if (signatureOf(path) === "") return undefined;
  const read = readFile(path);
  if ("text" in read) return read.text;
  throw new Error(read.fault);
}

/** Another one for each change: editors and our own commands put a new file in the place of the old one. */
export function signatureOf(path: string): string {
  try {
    const { ino, size, mtime, mode } = Deno.statSync(path);
    return `${ino} ${size} ${mtime?.getTime()} ${mode}`;
  } catch (error) {
    return error instanceof Deno.errors.NotFound ? "" : messageOf(error);
  }
}
