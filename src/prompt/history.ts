/** Which lines are not to be called back. */
import { redactText } from "../base/redact.ts";

/** Behind the word that asks for it: it is refused there, and must not stay. */
const TOKEN_IN_LINE = /\bbearer\s+(?!clear\b|--)\S/;

/** What is none, and might be taken for one behind another word. */
const OPTIONS = /--(?:session|server|restart)(?:\s+|=)\S+/g;

/** By the same names and shapes as in the log. */
export function hasSecret(line: string): boolean {
  const dashes = line.search(/\s--(?:\s|$)/);
  const [front, behind] = dashes < 0 ? [line, ""] : [line.slice(0, dashes), line.slice(dashes)];
  const said = front.replace(OPTIONS, "") + behind;
  return TOKEN_IN_LINE.test(said) || redactText(said) !== said;
}
