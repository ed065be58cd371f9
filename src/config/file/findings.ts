/** What is found while a configuration file is read: each thing with its name and where it is. */
import type { Document, Path } from "../document/document.ts";
import type { FilePosition } from "../layers.ts";
import { type Problem, problemLine, shorten } from "../problem.ts";
import { type ConfigPatch, isByPatch } from "./patch.ts";

export class Findings {
  readonly problems: Problem[] = [];
  readonly warnings: string[] = [];
  readonly #file: string;
  readonly #document: Document;
  readonly #patch: ConfigPatch;

  constructor(file: string, document: Document, patch: ConfigPatch = {}) {
    this.#patch = patch;
    this.#file = file;
    this.#document = document;
  }

  /** Undefined for what stands in no file. */
  at(path: Path): FilePosition | undefined {
    if (isByPatch(path, this.#patch, this.#document)) return undefined;
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
    const at = this.at(path);
    this.warnings.push(problemLine({ ...at && { at }, text: `${nameOfPath(path)}: ${text}` }));
  }

  #tell(path: Path, shown: string, text: string): void {
    const name = nameOfPath(path);
    const at = this.at(path);
    this.problems.push({ ...at && { at }, text: name === "" ? text : `${name}${shown}: ${text}` });
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
