/**
 * Patterns for names: `*` is anything, also with slashes in it, `?` one character, `[a-z]` and `[!a-z]` one of or none of,
 * `{a,b}` either, and `\` takes its meaning from the next one. A name comes from outside and may be long: the time to match
 * it grows with the length of name times pattern, and never exponentially, as that of a regular expression may.
 */

const STAR = Symbol("star");
type Token = typeof STAR | ((letter: string) => boolean);

/** Of `{a,b}`, so that nobody's pattern becomes thousands. */
const MAX_ALTERNATIVES = 100;

export class GlobError extends Error {
  override name = "GlobError";
}

/** Throws GlobError for a pattern that cannot be read. */
export function glob(pattern: string): (name: string) => boolean {
  const alternatives = alternativesOf([...pattern]).map(tokensOf);
  return (name) => {
    const letters = [...name];
    return alternatives.some((tokens) => matches(tokens, letters));
  };
}

/** Several patterns in one text, joined by commas that stand by themselves; throws GlobError. */
export function patternsIn(text: string): string[] {
  return partsOf([...text]).map((part) => part.join("").trim());
}

/** Only the last star is ever tried again: what an earlier one could take more, the last one can as well. */
function matches(tokens: readonly Token[], letters: readonly string[]): boolean {
  let [at, token, star, from] = [0, 0, -1, 0];
  while (at < letters.length) {
    const wanted = tokens[token];
    if (wanted === STAR) [star, from] = [token++, at];
    else if (wanted?.(letters[at]!)) [at, token] = [at + 1, token + 1];
    else if (star >= 0) [token, at] = [star + 1, ++from];
    else return false;
  }
  return tokens.slice(token).every((rest) => rest === STAR);
}

function tokensOf(pattern: readonly string[]): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < pattern.length; at++) {
    const letter = pattern[at]!;
    if (letter === "*") tokens.push(STAR);
    else if (letter === "?") tokens.push(() => true);
    else if (letter === "[") {
      const end = endOfClass(pattern, at);
      tokens.push(classOf(pattern.slice(at + 1, end)));
      at = end;
    } else tokens.push(same(letter === "\\" ? escaped(pattern, ++at) : letter));
  }
  return tokens;
}

function same(wanted: string): Token {
  return (letter) => letter === wanted;
}

function escaped(pattern: readonly string[], at: number): string {
  const letter = pattern[at];
  if (letter === undefined) throw new GlobError("nothing stands behind the last \\");
  return letter;
}

/** A bracket that comes first stands for itself. */
function endOfClass(pattern: readonly string[], start: number): number {
  const first = start + (pattern[start + 1] === "!" ? 2 : 1);
  const end = pattern.indexOf("]", first + 1);
  if (end < 0) throw new GlobError("a [ has no ] behind it");
  return end;
}

function classOf(content: readonly string[]): Token {
  const none = content[0] === "!";
  const letters = none ? content.slice(1) : content;
  const ranges: (readonly [string, string])[] = [];
  for (let at = 0; at < letters.length; at++) {
    const [from, dash, to] = letters.slice(at, at + 3);
    if (dash === "-" && to !== undefined) at += 2;
    ranges.push([from!, dash === "-" && to !== undefined ? to : from!]);
  }
  return (letter) => ranges.some(([from, to]) => from <= letter && letter <= to) !== none;
}

/** Without braces, each alternative by itself. */
function alternativesOf(pattern: readonly string[]): string[][] {
  const open = indexOutside(pattern, "{", 0);
  if (open < 0) return [[...pattern]];
  const close = endOfBraces(pattern, open);
  const [before, after] = [pattern.slice(0, open), pattern.slice(close + 1)];
  const found = partsOf(pattern.slice(open + 1, close)).flatMap((part) =>
    alternativesOf([...before, ...part, ...after])
  );
  if (found.length > MAX_ALTERNATIVES) {
    throw new GlobError(`it has more than ${MAX_ALTERNATIVES} alternatives`);
  }
  return found;
}

function endOfBraces(pattern: readonly string[], open: number): number {
  let depth = 0;
  for (let at = open; at < pattern.length; at = endOfUnit(pattern, at) + 1) {
    if (pattern[at] === "{") depth++;
    else if (pattern[at] === "}" && --depth === 0) return at;
  }
  throw new GlobError("a { has no } behind it");
}

/** What commas part that are in no braces. */
function partsOf(content: readonly string[]): string[][] {
  const parts: string[][] = [[]];
  let depth = 0;
  for (let at = 0; at < content.length; at++) {
    const letter = content[at];
    if (letter === "{") depth++;
    if (letter === "}" && depth > 0) depth--;
    const end = endOfUnit(content, at);
    if (letter === "," && depth === 0) parts.push([]);
    else parts.at(-1)!.push(...content.slice(at, end + 1));
    at = end;
  }
  return parts;
}

/** Where a letter stands by itself: not behind a backslash, and not in a class. */
function indexOutside(pattern: readonly string[], wanted: string, start: number): number {
  for (let at = start; at < pattern.length; at = endOfUnit(pattern, at) + 1) {
    if (pattern[at] === wanted) return at;
  }
  return -1;
}

/** The last letter of what begins here: a class, a letter with its backslash, or one by itself. */
function endOfUnit(pattern: readonly string[], at: number): number {
  if (pattern[at] === "[") return endOfClass(pattern, at);
  return pattern[at] === "\\" ? Math.min(at + 1, pattern.length - 1) : at;
}
