/** What of a line that is typed is a secret: it is shown to nobody, and the line is not called back. */
import { redactText } from "../base/redact.ts";

/** Behind the word that asks for it: it is refused there, and must not stay. */
const TOKEN_IN_LINE = /\bbearer\s+(?!clear\b|--)(?=\S)/;

/** What is none, and might be taken for one behind another word. */
const OPTIONS = /--(?:session|server|restart)(?:\s+|=)\S+/g;

/** By the same names and shapes as in the log. */
export function hasSecret(line: string): boolean {
  return secretIn(line) !== undefined;
}

/** As long as the line: a star for each character from its first secret to the end of its last one. */
export function masked(line: string): string {
  const [start, end] = secretIn(line) ?? [0, 0];
  return line.slice(0, start) + "*".repeat(end - start) + line.slice(end);
}

function secretIn(line: string): readonly [start: number, end: number] | undefined {
  const dashes = line.search(/\s--(?:\s|$)/);
  const [front, behind] = dashes < 0 ? [line, ""] : [line.slice(0, dashes), line.slice(dashes)];
  const said = front.replace(OPTIONS, (option) => " ".repeat(option.length)) + behind;
  const token = TOKEN_IN_LINE.exec(said);
  if (token) return [token.index + token[0].length, line.length];
  return difference(said, redactText(said));
}

/** From the first character that another text has not to behind the last one; undefined where they are alike. */
function difference(text: string, other: string): readonly [start: number, end: number] | undefined {
  if (text === other) return undefined;
  let start = 0;
  while (text[start] === other[start]) start++;
  let end = text.length;
  for (let left = other.length; end > start && left > start && text[end - 1] === other[left - 1]; left--) {
    end--;
  }
  return [start, end];
}
