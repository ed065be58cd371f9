/** What others say, as it may stand in a line of a log or in an error message: of bounded length, and text alone. */

/** Of a value that an error message echoes. */
const ECHOED_CHARS = 100;

/** What a terminal or a reader takes for more than text: controls, ANSI, other line ends, bidi marks, the invisible. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** On one line, with an escape in place of what is not to be seen; inside of JSON it stays the same JSON. */
export function escaped(text: string): string {
  return text.replace(UNSAFE, (character) => SHORT[character] ?? codeUnits(character));
}

function codeUnits(character: string): string {
  return character.split("").map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`).join("");
}

/** The beginning of a text, and a sign that there was more. */
export function cut(text: string, maxChars: number): string {
  return text.length > maxChars ? `${text.slice(0, maxChars)}…` : text;
}

/** A text that an error message echoes without quotes, where the message is worded as others word it. */
export function echoed(text: string): string {
  return escaped(cut(text, ECHOED_CHARS));
}

/** A value that an error message echoes: cut, escaped, a text in quotes. */
export function quoted(value: unknown): string {
  if (typeof value === "string") return escaped(JSON.stringify(cut(value, ECHOED_CHARS)));
  const plain = typeof value === "object" && value !== null ? "an object" : String(value);
  return escaped(cut(plain, ECHOED_CHARS));
}
