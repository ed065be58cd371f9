/** JSON as texts, of every kind that there is, and what two texts have in common that say the same. */
import { Random } from "./random.ts";

const NUMBERS = [
  ...["0", "-0", "7", "1.0", "0.10", "1e5", "1E+2", "-1.50e-7", "9007199254740993", "1915883588174806058"],
  ...["12345678901234567890.12345678901234567890", "1e400", "-1e999", "2e-400", "0.1000000000000000055"],
];
const STRINGS = [
  '""',
  '"a"',
  '"\\u0041\\n\\r\\t"',
  '"\\ud800"',
  '"\u{1F600}\u2028"',
  '"\\"}],{[\\\\"',
  '"1.0"',
  '"\\/"',
];
const KEYS = ["a", "", "1", "__proto__", "toString", "id", "progressToken", "\\u0069d\\n", "ключ", "}"];
const SPACES = ["", "", "", " ", "\n", "\r\n", "\r", "\t", "\n  "];

export class JsonTexts {
  readonly #random: Random;

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  value(depth = 4): string {
    const kind = this.#random.below(depth > 0 ? 5 : 3);
    if (kind === 0) return this.#number();
    if (kind === 1) return this.#random.pick(STRINGS);
    if (kind === 2) return this.#random.pick(["null", "true", "false", this.#number()]);
    return kind === 3 ? this.object(depth - 1) : this.#list(depth - 1);
  }

  object(depth = 3): string {
    const keys = KEYS.filter(() => this.#random.chance(0.3));
    return this.spaced(
      "{",
      ...keys.map((key) => `"${key}"${this.#space()}:${this.#space()}${this.value(depth)}`),
      "}",
    );
  }

  /** An id, or a progress token: numbers of them that come in a row are one as doubles. */
  name(): string {
    const digits = `${this.#random.pick(["", "-"])}${2 ** 53 + this.#random.below(1_000)}${
      this.#random.below(1_000)
    }1`;
    return this.#random.pick([
      `${this.#random.below(1_000_000)}`,
      `"${this.#random.below(1_000_000)}"`,
      digits,
    ]);
  }

  /** Members between two brackets, with white space wherever there may be some. */
  spaced(open: string, ...rest: string[]): string {
    const close = rest.pop() ?? "";
    return open + rest.map((part) => this.#space() + part + this.#space()).join(",") + this.#space() + close;
  }

  #list(depth: number): string {
    const count = this.#random.below(4);
    return this.spaced("[", ...Array.from({ length: count }, () => this.value(depth)), "]");
  }

  #number(): string {
    if (this.#random.chance(0.6)) return this.#random.pick(NUMBERS);
    const digits = () =>
      Array.from({ length: 1 + this.#random.below(24) }, () => this.#random.below(10)).join("");
    return `${this.#random.pick(["", "-"])}1${digits()}${
      this.#random.pick(["", `.${digits()}`, "e3", `.${digits()}E-9`])
    }`;
  }

  #space(): string {
    return this.#random.pick(SPACES);
  }
}

type Source = { readonly source?: string };
type Parse = (text: string, reviver: (key: string, value: unknown, context: Source) => unknown) => unknown;
// The types of the compiler do not know the third argument yet.
const parse = JSON.parse as Parse;

/** With each number as it is spelled, for JSON.stringify and nobody else. */
export function parseExactly(text: string): unknown {
  return parse(
    text,
    (_key, value, { source }) => typeof value === "number" ? JSON.rawJSON(source ?? "") : value,
  );
}

/** The same for two texts that differ in white space and escapes alone. */
export function canonical(text: string): string {
  return JSON.stringify(parseExactly(text));
}
