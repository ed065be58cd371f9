/** What a log or a report tells of values from outside: without secrets, and no more than there is room for. */
import { cut, escaped } from "./outside.ts";
import { isSecretName, REDACTED, redactText } from "./redact.ts";

export interface TellingLimits {
  /** The longest text. */
  readonly maxChars: number;
  /** All texts, names and numbers of one value together. */
  readonly maxTotal: number;
}

const MAX_DEPTH = 32;
const NAME_CHARS = 200;
/** What a number, a bracket or a literal takes, about. */
const NUMBER_CHARS = 8;
/** What stands around a text. */
const QUOTES_CHARS = 4;
/** Read beyond what is shown, so that a secret at the cut is recognised; of what is redacted as much is dropped again. */
const MARGIN = 1024;

/** A text without secrets, cut. What it costs depends on the limit and not on the text. */
export function safeText(text: string, maxChars: number): string {
  if (text.length <= maxChars + MARGIN) return cut(redactText(text), maxChars);
  const redacted = redactText(text.slice(0, maxChars + MARGIN));
  return `${redacted.slice(0, Math.min(maxChars, Math.max(0, redacted.length - MARGIN)))}…`;
}

/** A copy without secrets, in texts that are JSON too, and without what there is no room for. */
export function safeValue(value: unknown, limits: TellingLimits): unknown {
  return new Teller(limits).tell(value, 0);
}

class Teller {
  readonly #maxChars: number;
  #left: number;

  constructor({ maxChars, maxTotal }: TellingLimits) {
    this.#maxChars = maxChars;
    this.#left = maxTotal;
  }

  tell(value: unknown, depth: number): unknown {
    if (typeof value === "string") return this.#text(value, depth);
    this.#spend(NUMBER_CHARS);
    if (typeof value !== "object" || value === null) return value;
    if (depth >= MAX_DEPTH || this.#left <= 0) return "…";
    return Array.isArray(value) ? this.#list(value, depth) : this.#fields(value, depth);
  }

  #spend(chars: number): void {
    this.#left -= chars;
  }

  #text(text: string, depth: number): string {
    const room = Math.min(this.#maxChars, Math.max(0, this.#left));
    const shown = this.#json(text, depth, room) ?? safeText(text, room);
    this.#spend(shown.length + QUOTES_CHARS);
    return shown;
  }

  /** JSON that is a text is told as JSON; what is no JSON, or is longer than what is told, as any text. */
  #json(text: string, depth: number, room: number): string | undefined {
    if (text.length > room || depth >= MAX_DEPTH || !/^\s*[[{"]/.test(text)) return undefined;
    const value = parsed(text);
    return value === undefined ? undefined : JSON.stringify(this.tell(value, depth + 1));
  }

  /** What follows the name of a secret is one: `["--token", "x"]` of a command line, `["Cookie", "x"]` of headers. */
  #list(list: readonly unknown[], depth: number): unknown[] {
    const items: unknown[] = [];
    for (const [index, item] of list.entries()) {
      if (this.#left <= 0) return [...items, `… ${list.length - index} more`];
      items.push(followsName(list, index) ? this.#hide(item) : this.tell(item, depth + 1));
    }
    return items;
  }

  #fields(fields: object, depth: number): Record<string, unknown> {
    const shown: [string, unknown][] = [];
    const named = nameOf(fields);
    for (const name in fields) {
      if (!Object.hasOwn(fields, name)) continue;
      if (this.#left <= 0) {
        shown.push(["…", "…"]);
        break;
      }
      const value: unknown = Reflect.get(fields, name);
      const secret = isSecretName(name, value) ||
        (name === "value" && named !== undefined && isSecretName(named));
      this.#spend(name.length);
      shown.push([safeText(name, NAME_CHARS), secret ? this.#hide(value) : this.tell(value, depth + 1)]);
    }
    return Object.fromEntries(shown);
  }

  /** There is no secret in yes, no or nothing. */
  #hide(value: unknown): unknown {
    this.#spend(REDACTED.length);
    return typeof value === "boolean" || value === null || value === undefined ? value : REDACTED;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // Some other text.
  }
}

function followsName(list: readonly unknown[], index: number): boolean {
  const [name, value] = [list[index - 1], list[index]];
  if (typeof name !== "string" || typeof value !== "string" || !isSecretName(name)) return false;
  return name.startsWith("-") ? !value.startsWith("-") : index === 1 && list.length === 2;
}

/** `{ name: "API_KEY", value: "x" }`, and `key` in place of `name`. */
function nameOf(fields: object): string | undefined {
  if (!("value" in fields)) return undefined;
  const name = "name" in fields ? fields.name : "key" in fields ? fields.key : undefined;
  return typeof name === "string" ? name : undefined;
}

/** A URL, which is left as it is unless it names a file; or an absolute path of two parts or more, of any system. */
const PATH =
  /(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{1,30}:\/\/[^\s"'`<>]*|(?<![\w.~%+/\\-])(?:~|[a-z]:)?(?:[/\\]+[^\s"'`:;,()<>|*?/\\]+(?: [^\s"'`:;,()<>|*?/\\]{1,64}(?=[/\\])){0,3}){2,}[/\\]*/gi;

/** Folders and users of this machine are no stranger's business: of an absolute path its last part is left. */
export function withoutFolders(text: string): string {
  return text.replace(PATH, (path) => {
    if (/^(?!file:)[^/\\]{2,}:\/\//i.test(path)) return path;
    const bare = path.replace(/[/\\]+$/, "");
    return `…/${bare.slice(Math.max(bare.lastIndexOf("/"), bare.lastIndexOf("\\")) + 1)}`;
  });
}

/** The beginning of a text on one line, without secrets: for a message that says what somebody else said. */
export function excerpt(text: string, maxChars: number): string {
  return escaped(cut(safeText(text, maxChars * 4).replace(/\s+/g, " ").trim(), maxChars));
}
