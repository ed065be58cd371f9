/** What stands for something else in the texts of a configuration file: `${VARIABLE}`, and `{ file = "path" }`. */
import type { Path } from "../document/document.ts";
import type { FileText } from "../../files/small_file.ts";

export interface ExpandOptions {
  readonly variables: Readonly<Record<string, string>>;
  /** What an editor writes in its own files, and no environment has, such as `workspaceFolder`. */
  readonly ofEditors?: Readonly<Record<string, string>>;
  readonly readFile: (path: string) => FileText;
  /** Where a table is one, also with `file` as its only key. */
  readonly isTable: (path: Path) => boolean;
  /** What is left as it is. */
  readonly isSkipped?: (path: Path) => boolean;
}

interface Misfit {
  readonly path: Path;
  readonly text: string;
}

interface Expansion {
  readonly value: unknown;
  readonly problems: readonly Misfit[];
  /** Whether what stands there came from elsewhere, and is not to be shown therefore. */
  readonly isFromElsewhere: (path: Path) => boolean;
}

/** Expands every text, and no key. What came from a variable or a file is not expanded again. */
export function expand(value: unknown, options: ExpandOptions): Expansion {
  const expander = new Expander(options);
  const expanded = expander.inside(value, []);
  const { problems, fromElsewhere } = expander;
  return { value: expanded, problems, isFromElsewhere: (path) => fromElsewhere.has(JSON.stringify(path)) };
}

/**
 * The variables in one text. `$${NAME}` is `${NAME}` itself, and any other `$` is one. Throws Unknown for what is not
 * set, or is no variable.
 */
export function expandText(text: string, valueOf: (name: string) => string | undefined): string {
  return text.replace(/(\$?)\$\{([^}]*)(\}?)/g, (whole, escape: string, inside: string, end: string) => {
    if (escape !== "") return whole.slice(1);
    const [, name, fallback] = /^(?:env:)?([A-Za-z_]\w*)(?::-([^]*))?$/.exec(inside) ?? [];
    if (name === undefined || end === "") throw new Unknown(misspelt(inside));
    return substitute(name, fallback, valueOf(name));
  });
}

function substitute(name: string, fallback: string | undefined, value: string | undefined): string {
  if (fallback !== undefined) return value || fallback;
  if (value !== undefined) return value;
  throw new Unknown(`the variable ${name} is not set; set it, or write \${${name}:-default}`);
}

function misspelt(inside: string): string {
  const [, input] = /^input:([\w.-]{1,60})$/.exec(inside) ?? [];
  if (input === undefined) {
    return "expected ${NAME} or ${NAME:-default}; $${ stands for ${ itself";
  }
  const name = input.replace(/\W/g, "_").toUpperCase();
  return `nobody is asked for the input ${input}; write \${${name}} and set that variable, or name a file by { "file": "path" }`;
}

interface BracesOptions {
  readonly variables: Readonly<Record<string, string>>;
  /** Hears of each variable that is left as it is. */
  readonly unset: (name: string) => void;
}

/** Nothing but `${NAME}` and `${NAME:-default}`, and `$${NAME}` for itself: for texts that were not written for us alone. */
export function expandBraces(text: string, { variables, unset }: BracesOptions): string {
  const braces = /(\$?)\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}/g;
  return text.replace(braces, (whole, escape: string, name: string, fallback?: string) => {
    if (escape !== "") return whole.slice(1);
    const value = own(variables, name);
    if (fallback !== undefined) return value || fallback;
    if (value === undefined) unset(name);
    return value ?? whole;
  });
}

/** The message says what is meant by it, and nothing of any value. */
export class Unknown extends Error {}

class Expander {
  readonly problems: Misfit[] = [];
  readonly fromElsewhere = new Set<string>();
  readonly #options: ExpandOptions;

  constructor(options: ExpandOptions) {
    this.#options = options;
  }

  inside(value: unknown, path: Path): unknown {
    if (this.#options.isSkipped?.(path)) return value;
    if (typeof value === "string") return this.#text(value, path);
    if (Array.isArray(value)) return value.map((item, index) => this.inside(item, [...path, index]));
    if (typeof value !== "object" || value === null) return value;
    const file = fileNamedBy(value);
    if (file !== undefined && !this.#options.isTable(path)) return this.#file(file, path);
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, this.inside(item, [...path, key])]),
    );
  }

  #text(text: string, path: Path): string {
    const { variables, ofEditors = {} } = this.#options;
    try {
      const expanded = expandText(text, (name) => own(variables, name) ?? own(ofEditors, name));
      if (expanded !== text) this.fromElsewhere.add(JSON.stringify(path));
      return expanded;
    } catch (error) {
      if (!(error instanceof Unknown)) throw error;
      this.problems.push({ path, text: error.message });
      return text;
    }
  }

  /** The newline that editors put at the end is none of a secret. */
  #file(file: string, path: Path): string {
    this.fromElsewhere.add(JSON.stringify(path));
    const name = this.#text(file, [...path, "file"]);
    const read = this.#options.readFile(name);
    if ("text" in read) return read.text.replace(/\r?\n$/, "");
    this.problems.push({ path, text: `file ${JSON.stringify(file)}: ${read.fault}` });
    return "";
  }
}

function fileNamedBy(value: object): string | undefined {
  const [[key, file] = [], ...others] = Object.entries(value);
  return key === "file" && typeof file === "string" && others.length === 0 ? file : undefined;
}

function own(record: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
