/**
 * A command line as Windows takes it: programs split it by themselves, all by the rules of Microsoft's C runtime, and
 * what cmd.exe would act on goes through that.
 */
import { ConfigError } from "../core/errors.ts";

/** Blanks, a piece of a word outside quotes, backslashes before a quote, and what cmd.exe acts on there. */
const BLANK = /[ \t]/;
const ACTED_ON = /[|&<>^\r\n]/;
/** Expanded inside of quotes, too; `%20b%20` is none, and stays as it is. */
const VARIABLE = /%[a-z_][\w().]*(?::[^%]*)?%/i;
const BACKSLASHES = /\\*/y;

/** Commands of cmd.exe, for which there is no program. */
const BUILT_IN =
  /^@|^\(|^(assoc|break|call|cd|chdir|cls|color|copy|date|del|dir|echo|endlocal|erase|for|ftype|goto|if|md|mkdir|mklink|move|path|pause|popd|prompt|pushd|rd|rem|ren|rename|rmdir|set|setlocal|shift|start|time|title|type|ver|verify|vol)(?:[./\\:(]|\.\.|\/\w+)?$/i;

/** The words, or undefined for a line that only cmd.exe can run. Throws ConfigError for a quote that is never closed. */
export function splitWindowsLine(line: string): readonly string[] | undefined {
  const text = line.trim();
  if (VARIABLE.test(text)) return undefined;
  const words: string[] = [];
  for (let at = 0; at < text.length; at = afterBlanks(text, at)) {
    const word = readWord(text, at, words.length === 0);
    if (word === undefined || (words.length === 0 && BUILT_IN.test(word.value))) return undefined;
    words.push(word.value);
    at = word.end;
  }
  return words;
}

interface Word {
  readonly value: string;
  readonly end: number;
}

/** A backslash is a character, but before a quote; in the name of a program it is one even there. */
function readWord(text: string, start: number, isProgram: boolean): Word | undefined {
  let value = "";
  let at = start;
  let quotedSince: number | undefined;
  while (at < text.length && (quotedSince !== undefined || !BLANK.test(text[at]!))) {
    const slashes = isProgram ? 0 : backslashesAt(text, at);
    const beforeQuote = text[at + slashes] === '"';
    value += "\\".repeat(beforeQuote ? Math.floor(slashes / 2) : slashes);
    at += slashes;
    const character = text[at] ?? "";
    if (slashes > 0 && !beforeQuote) continue;
    if (character === '"' && slashes % 2 === 0) {
      // Two of them inside of quotes are one that is meant.
      if (quotedSince !== undefined && text[at + 1] === '"') value += text[++at];
      else quotedSince = quotedSince === undefined ? at : undefined;
    } else if (quotedSince === undefined && ACTED_ON.test(character)) {
      return undefined;
    } else {
      value += character;
    }
    at++;
  }
  if (quotedSince !== undefined) throw openQuote(quotedSince);
  return { value, end: at };
}

function afterBlanks(text: string, at: number): number {
  while (at < text.length && BLANK.test(text[at]!)) at++;
  return at;
}

function backslashesAt(text: string, at: number): number {
  BACKSLASHES.lastIndex = at;
  return BACKSLASHES.exec(text)?.[0].length ?? 0;
}

function openQuote(at: number): ConfigError {
  return new ConfigError(
    `--stdio: the quote " at character ${at + 1} is never closed; expected a command line with closed quotes`,
  );
}
