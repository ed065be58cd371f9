/** How much structure a message may have, found out before it is parsed: to parse two million brackets takes seconds. */

import { cutOut } from "../../base/cut_out.ts";
import { optionName } from "../../base/option_name.ts";

export interface MessageLimits {
  /** Levels of objects and arrays in one another. */
  readonly maxDepth: number;
  /** Messages of one batch. */
  readonly maxBatch: number;
  /** Objects, arrays and strings, keys included: what parsing takes time for, whatever the size. */
  readonly maxParts: number;
  /** The option that raises `maxParts`. */
  readonly partsOption: string;
}

/** For texts that nobody has set limits for. */
export const USUAL_LIMITS: MessageLimits = {
  maxDepth: 512,
  maxBatch: 100,
  maxParts: 1_000_000,
  partsOption: "maxMessageParts",
};

export const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
/** `[` and `]` are `{` and `}` without this bit. */
const BRACE_BIT = 0x20;
const [OPEN_BRACE, CLOSE_BRACE] = [0x7b, 0x7d];
const COMMA = 0x2c;
/** So far the end of a string is walked to; a search for it takes longer to begin, and is then much faster. */
const WALKED_CHARS = 48;
/**
 * Short texts of digits weigh more. V8 keeps short strings in a table, and finds the place of these by their value alone:
 * whoever chooses them can have all of them meet in one place.
 */
const DIGITS_CHARS = 8;
const DIGITS_WEIGHT = 4;
const [DIGIT_0, DIGIT_9] = [0x30, 0x39];

/** What is not to be parsed, as a name for this text; undefined where nothing is wrong with it. */
export function excessIn(text: string, limits = USUAL_LIMITS): string | undefined {
  const { maxDepth, maxParts } = limits;
  // What is opened is closed: a shorter text cannot nest so deep, nor have so many parts.
  return text.length <= 2 * Math.min(maxDepth, maxParts) ? undefined : walk(text, limits);
}

export function tooManyMessages({ maxBatch }: MessageLimits): string {
  return `a batch of more than ${maxBatch} messages (${optionName("maxBatch")})`;
}

/** One pass over what stands outside of strings. Text that is not JSON is left to the parser, which stops where it breaks. */
function walk(text: string, limits: MessageLimits): string | undefined {
  const { maxDepth, maxParts, partsOption } = limits;
  const { length } = text;
  const maxMessages = isBatch(text) ? limits.maxBatch : Infinity;
  let depth = 0;
  let parts = 0;
  let messages = 0;
  for (let at = 0; at < length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const end = endOfString(text, at + 1);
      parts += weightOf(text, at + 1, end);
      at = end;
    } else if (opens(code)) {
      parts++;
      if (++depth > maxDepth) {
        return `a message that nests deeper than ${maxDepth} levels (${optionName("maxDepth")})`;
      }
      if (depth === 2 && ++messages > maxMessages) return tooManyMessages(limits);
    } else if (closes(code)) depth--;
    else continue;
    if (parts > maxParts) {
      return `a message of more than ${maxParts} objects, arrays and strings (${optionName(partsOption)})`;
    }
  }
  return undefined;
}

/** An object or an array. */
export function opens(code: number): boolean {
  return (code | BRACE_BIT) === OPEN_BRACE;
}

export function closes(code: number): boolean {
  return (code | BRACE_BIT) === CLOSE_BRACE;
}

/** Where the quote is that ends the string that begins at `start`, or the length of the text. */
export function endOfString(text: string, start: number): number {
  let at = start;
  while (at < text.length) {
    for (const leapAt = at + WALKED_CHARS; at < leapAt; at++) {
      const code = text.charCodeAt(at);
      if (code === QUOTE) return at;
      // What follows a backslash ends no string.
      if (code === BACKSLASH) at++;
    }
    const quote = text.indexOf('"', at);
    if (quote === -1) break;
    if (!isEscaped(text, quote, at)) return quote;
    at = quote + 1;
  }
  return text.length;
}

/** Whether the quote belongs to an escape, which begins at `from` or later. */
function isEscaped(text: string, quote: number, from: number): boolean {
  let at = quote;
  while (at > from && text.charCodeAt(at - 1) === BACKSLASH) at--;
  return (quote - at) % 2 === 1;
}

function weightOf(text: string, start: number, end: number): number {
  if (end - start >= DIGITS_CHARS || end === start) return 1;
  const first = text.charCodeAt(start);
  return first >= DIGIT_0 && first <= DIGIT_9 ? DIGITS_WEIGHT : 1;
}

export function isBatch(text: string): boolean {
  return text.charCodeAt(text.search(/\S/)) === OPEN_BRACKET;
}

/** The texts of the messages in the text of a batch, which is JSON. */
export function elementsOf(batch: string): string[] {
  const elements: string[] = [];
  let depth = 0;
  let from = 0;
  const add = (end: number) => elements.push(cutOut(batch.slice(from, end).trim(), batch.length));
  for (let at = 0; at < batch.length; at++) {
    const code = batch.charCodeAt(at);
    if (code === QUOTE) at = endOfString(batch, at + 1);
    else if (opens(code)) {
      if (++depth === 1) from = at + 1;
    } else if (closes(code)) {
      if (--depth === 0) add(at);
    } else if (code === COMMA && depth === 1) {
      add(at);
      from = at + 1;
    }
  }
  return elements;
}
