/** What is said of a line that cannot be understood or done. */
import { echoed } from "../base/outside.ts";
import { similarName } from "../base/similar.ts";

/** Its message is for who has written the line: one line for each problem. */
export class PromptError extends Error {
  override name = "PromptError";
}

/** Enough of a name to find it: what follows a sign may be a value. */
export function shownName(name: string): string {
  return echoed(name.replace(/(?<=.)[=:\s].*$/s, ""));
}

/** For a word that is none of those that there are. */
export function unknownWord(what: string, word: string, known: readonly string[]): PromptError {
  const similar = similarName(word, known);
  const hint = similar === undefined ? `expected any of ${known.join(", ")}` : `did you mean ${similar}?`;
  return new PromptError(`${shownName(word)}: unknown ${what}, ${hint}`);
}
