/** Which lines are not to be called back. */
import { redactText } from "../base/redact.ts";

/** Behind the word that asks for it: it is refused there, and must not stay. */
const TOKEN_IN_LINE = /\bbearer\s+(?!clear\b|--)\S/;

/** By the same names and shapes as in the log. */
export function hasSecret(line: string): boolean {
  return TOKEN_IN_LINE.test(line) || redactText(line) !== line;
}
