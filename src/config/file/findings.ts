/** What is found while a configuration file is read: each thing with its name and where it is. */
import type { Document, Path } from "../document/document.ts";
import type { FilePosition } from "../layers.ts";
import { type Problem, shorten } from "../problem.ts";

export class Findings {
  readonly problems: Problem[] = [];
  readonly warnings: string[] = [];
  readonly #file: string;
  readonly #document: Document;

  constructor(file: string, document: Document) {
    this.#file = file;
    this.#document = document;
  }

  at(path: Path): FilePosition {
    return { file: this.#file, ...this.#document.positionOf(path) };
  }

  /** `value` is shown where it is given, unless it is a text, or has one in it: those may be secrets. */
  problem(path: Path, text: string, value?: unknown): void {
    const isShown = typeof value === "number" || typeof value === "boolean" || value === null;
    this.#tell(path, isShown ? ` ${value}` : "", text);
  }

  /** For a text that is known to be none. */
  problemWith(path: Path, value: unknown, text: string): void {
    this.#tell(path, ` ${shorten(value)}`, text);
  }

  warning(path: Path, text: string): void {
    const { file, line, column } = this.at(path);
    this.warnings.push(`${file}:${line}:${column}: ${nameOfPath(path)}: ${text}`);
  }

  #tell(path: Path, shown: string, text: string): void {
    const name = nameOfPath(path);
    this.problems.push({ at: this.at(path), text: name === "" ? text : `${name}${shown}: ${text}` });
  }
}

/** As one would write it in TOML; the place in a list stands in brackets. */
export function nameOfPath(path: Path): string {
  return path.map((step) => typeof step === "number" ? `[${step}]` : `.${nameOfKey(step)}`).join("").replace(
    /^\./,
    "",
  );
}

function nameOfKey(key: string): string {
  return /^[\w-]+$/.test(key) ? key : JSON.stringify(key);
}
