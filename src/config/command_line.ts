import { ConfigError } from "../core/errors.ts";
import { splitWindowsLine } from "./windows_line.ts";

/** What a command line comes to: words that can be executed as they are, or a line that only a shell can run. */
type CommandLine =
  | { kind: "words"; words: readonly string[] }
  | { kind: "shell" };

const OUTER_BLANKS = /^[ \t\n]+|[ \t\n]+$/g;
// A backslash before a newline joins two lines, so between words it is no more than a blank.
const BLANKS = /(?:[ \t]|\\\n)*/y;
const PIECE =
  /(?<plain>[^ \t\n'"\\|&;<>()$`*?[{]+)|\\(?<escaped>[^])|'(?<single>[^']*)'|"(?<double>(?:[^"\\$`]|\\[^])*)"/y;
const OPEN_DOUBLE_QUOTE = /"(?:[^"\\$`]|\\[^])*\\?$/y;
const ASSIGNMENT = /^[A-Za-z_][A-Za-z0-9_]*\+?=/;

/** Reserved words and built-ins: as the first word they mean something to a shell and name no program. */
const SHELL_WORDS = new Set(
  ("! } [[ . : break case cd command continue do done elif else esac eval exec exit export fi for function hash if local " +
    "read readonly return select set shift source then time times trap type ulimit umask unset until wait while")
    .split(" "),
);

/**
 * Splits a command line as a POSIX shell splits words, and on Windows as programs do there. A line with anything in it that a shell would act on (pipes,
 * redirections, expansions, globs, assignments, comments, built-ins) is left whole for one.
 *
 * It is written here because npm's `shell-quote` gives other words than a shell does for `x#y`, for a quote that is
 * never closed and for backticks.
 */
export function splitCommandLine(line: string, os: typeof Deno.build.os = Deno.build.os): CommandLine {
  return os === "windows" ? windowsLine(line) : posixLine(line);
}

function windowsLine(line: string): CommandLine {
  const words = splitWindowsLine(line);
  return words === undefined ? { kind: "shell" } : { kind: "words", words };
}

function posixLine(line: string): CommandLine {
  const text = line.replace(OUTER_BLANKS, "");
  const words: string[] = [];
  for (let at = skipBlanks(text, 0); at < text.length; at = skipBlanks(text, at)) {
    const word = readWord(text, at);
    if (word === undefined || (words.length === 0 && meansShell(word))) {
      return { kind: "shell" };
    }
    words.push(word.value);
    at = word.end;
  }
  return { kind: "words", words };
}

interface Word {
  value: string;
  raw: string;
  end: number;
}

function skipBlanks(text: string, at: number): number {
  BLANKS.lastIndex = at;
  BLANKS.test(text);
  return BLANKS.lastIndex;
}

/** Reads the word that starts here, or answers undefined at the first thing in it that needs a shell. */
function readWord(text: string, start: number): Word | undefined {
  if (text[start] === "#" || text[start] === "~") return undefined;
  let value = "";
  let at = start;
  while (at < text.length && text[at] !== " " && text[at] !== "\t") {
    PIECE.lastIndex = at;
    const piece = PIECE.exec(text);
    if (piece === null) return refuseOpenQuote(text, at);
    value += pieceValue(piece.groups ?? {});
    at = PIECE.lastIndex;
  }
  return { value, raw: text.slice(start, at), end: at };
}

function pieceValue(
  { plain, escaped, single, double }: Record<string, string | undefined>,
): string {
  if (escaped === "\n") return "";
  return plain ?? escaped ?? single ?? unescapeDouble(double ?? "");
}

function unescapeDouble(text: string): string {
  return text.replace(/\\([$`"\\\n])/g, (_, escaped: string) => escaped === "\n" ? "" : escaped);
}

/** Whatever no piece matches is for a shell, but for a quote that not even a shell could close. */
function refuseOpenQuote(text: string, at: number): undefined {
  OPEN_DOUBLE_QUOTE.lastIndex = at;
  if (text[at] !== "'" && !OPEN_DOUBLE_QUOTE.test(text)) return undefined;
  throw new ConfigError(
    `--stdio: the quote ${text[at]} at character ${
      at + 1
    } is never closed; expected a command line with closed quotes`,
  );
}

function meansShell(first: Word): boolean {
  return ASSIGNMENT.test(first.raw) || SHELL_WORDS.has(first.value);
}
