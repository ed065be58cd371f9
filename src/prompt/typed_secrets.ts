/** What of a line that is typed is a secret: it is shown to nobody, and the line is not called back. */
import { isSecretName, REDACTED, redactText } from "../base/redact.ts";
import { readWords } from "./words.ts";

/** From the first character to behind the last one. */
type Range = readonly [start: number, end: number];

/** Behind the word that asks for it: it is refused there, and must not stay. */
const TOKEN_IN_LINE = /\bbearer\s+(?!clear\b|--)(?=\S)/i;

/** What is none, and might be taken for one behind another word. */
const OPTIONS = /--(?:session|server|restart)(?:\s+|=)\S+/g;

/** What names the value behind it in a word. */
const NAME = /^([\w.$-]+)\s*[=:]/;

/** By the names of values, and by the shapes of the log. */
export function hasSecret(line: string): boolean {
  return secretIn(line) !== undefined;
}

/** A star in the place of each column, from the first secret of a line to the end of the word that its last one is in. */
export function masked(line: string): string {
  const [start, end] = secretIn(line) ?? [0, 0];
  return line.slice(0, start) + stars(line.slice(start, end)) + line.slice(end);
}

function secretIn(line: string): Range | undefined {
  const said = withoutOptions(line);
  const token = TOKEN_IN_LINE.exec(said);
  const ranges = [
    ...token ? [[token.index + token[0].length, line.length] as const] : [],
    ...namedIn(said),
    ...shapedIn(said),
  ];
  if (ranges.length === 0) return undefined;
  return [Math.min(...ranges.map(([start]) => start)), Math.max(...ranges.map(([, end]) => end))];
}

/** As long as the line. */
function withoutOptions(line: string): string {
  const dashes = line.search(/\s--(?:\s|$)/);
  const [front, behind] = dashes < 0 ? [line, ""] : [line.slice(0, dashes), line.slice(dashes)];
  return front.replace(OPTIONS, (option) => " ".repeat(option.length)) + behind;
}

/** Values whose names are those of secrets, whatever is in them: each to the end of its word. */
function namedIn(line: string): Range[] {
  return readWords(line).words.flatMap(({ text, start, end }): Range[] => {
    const [all = "", name = ""] = NAME.exec(text) ?? [];
    if (!isSecretName(name, text.slice(all.length))) return [];
    const from = start + line.slice(start, end).search(/[=:]/) + 1;
    return from < end ? [[from, end]] : [];
  });
}

/** What the log would hide, to the end of its word: there a blank or a quote may end it before. */
function shapedIn(line: string): Range[] {
  const shown = redactText(line);
  if (shown === line) return [];
  let start = 0;
  while (line[start] === shown[start]) start++;
  // What takes its place may begin as it does itself.
  for (let length = REDACTED.length; length > 0; length--) {
    const begun = REDACTED.slice(0, length);
    if (line.slice(0, start).endsWith(begun)) start -= length;
  }
  let end = line.length;
  for (let left = shown.length; end > start && left > start && line[end - 1] === shown[left - 1]; left--) {
    end--;
  }
  const { words } = readWords(line);
  return [[start, words.find((word) => word.end >= end)?.end ?? line.length]];
}

/** Characters that terminals draw on two columns, as East Asian ones and most pictures, and those that take none. */
const WIDE =
  /[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3040-\ua4c6\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6b\uff01-\uff60\uffe0-\uffe6\u{1b000}-\u{1b001}\u{1f200}-\u{1f251}\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const NONE = /[\p{M}\p{Cf}]/u;

function stars(text: string): string {
  return Array.from(text, (character) => NONE.test(character) ? "" : WIDE.test(character) ? "**" : "*").join(
    "",
  );
}
