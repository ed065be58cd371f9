/** The words of a line, as in a shell: quotes keep blanks, and a backslash takes its meaning from the next character. */
import { PromptError } from "./prompt_error.ts";

/** Throws PromptError for a quote without an end. */
export function wordsOf(line: string): string[] {
  const words: string[] = [];
  const part = /\s+|'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)|([^\s'"\\]+)|(.)/gsy;
  let word: string | undefined;
  for (const [text, single, double, escaped, plain, stray] of line.matchAll(part)) {
    if (stray !== undefined) throw unended(stray);
    const said = single ?? double?.replace(/\\(.)/gs, "$1") ?? escaped ?? plain;
    if (said !== undefined) word = (word ?? "") + said;
    else if (word !== undefined && text.trim() === "") {
      words.push(word);
      word = undefined;
    }
  }
  if (word !== undefined) words.push(word);
  return words;
}

function unended(stray: string): PromptError {
  const why = stray === "\\" ? "nothing stands behind the last \\" : `the quote ${stray} has no end`;
  return new PromptError(`The line is not complete: ${why}`);
}
