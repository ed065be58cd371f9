/** The words of a line, as in a shell: quotes keep blanks, and a backslash takes its meaning from the next character. */
import { PromptError } from "./prompt_error.ts";

interface Word {
  /** Without its quotes. */
  readonly text: string;
  /** Where it stands in the line. */
  readonly start: number;
  readonly end: number;
}

interface Reading {
  readonly words: readonly Word[];
  /** A quote without an end, or a backslash with nothing behind it: the last word goes on to the end of the line. */
  readonly unended?: string;
}

/** Throws PromptError for a quote without an end. */
export function wordsOf(line: string): string[] {
  const { words, unended } = readWords(line);
  if (unended !== undefined) {
    const why = unended === "\\" ? "nothing stands behind the last \\" : `the quote ${unended} has no end`;
    throw new PromptError(`The line is not complete: ${why}`);
  }
  return words.map(({ text }) => text);
}

/** Of a line that may not be complete yet. */
export function readWords(line: string): Reading {
  const words: Word[] = [];
  const part = /\s+|'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)|([^\s'"\\]+)|(.)/gsy;
  let word: Word | undefined;
  for (const { index, 0: all, 1: single, 2: double, 3: escaped, 4: plain, 5: stray } of line.matchAll(part)) {
    const { text = "", start = index } = word ?? {};
    if (stray !== undefined) {
      words.push({ text: text + line.slice(index + 1), start, end: line.length });
      return { words, unended: stray };
    }
    const said = single ?? double?.replace(/\\(.)/gs, "$1") ?? escaped ?? plain;
    if (said !== undefined) word = { text: text + said, start, end: index + all.length };
    else if (word) {
      words.push(word);
      word = undefined;
    }
  }
  if (word) words.push(word);
  return { words };
}
