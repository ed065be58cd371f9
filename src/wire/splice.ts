/**
 * Exchanges one value inside JSON text and leaves every other character as it came: numbers beyond 2^53 keep their
 * digits, and a large message is not serialised again.
 */
import { spellsLetters } from "./letter_escape.ts";

interface Span {
  readonly start: number;
  readonly end: number;
}

/** After a key: a number, or a string without escapes. */
const SCALAR = /\s*:\s*("[^"\\]*"|[-\d][^\s,}\]]*)/y;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const [OPEN_BRACE, CLOSE_BRACE] = [0x7b, 0x7d];
const [OPEN_BRACKET, CLOSE_BRACKET] = [0x5b, 0x5d];

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * The text with another value where this path of keys leads, or undefined when that place is not certain. `text` must
 * be what JSON.parse has found a number or a string at this path in.
 */
export function splice(text: string, path: readonly string[], value: string | number): string | undefined {
  const span = onlySpanOf(text, path) ?? spanOf(text, path);
  if (typeof span !== "object") return undefined;
  return text.slice(0, span.start) + JSON.stringify(value) + text.slice(span.end);
}

/** True when it is certain that no reader can find anything where this path of keys leads. */
export function leadsNowhere(text: string, path: readonly string[]): boolean {
  const unnamed = !text.includes(`"${path.at(-1)}"`) && !spellsLetters(text);
  return unnamed || spanOf(text, path) === "nothing";
}

/**
 * Spares a look at the whole text. There is a value at the path, so the last key must be written somewhere; without
 * `\u` it can be written in one way only, and when that way is found once, it is this key.
 */
function onlySpanOf(text: string, path: readonly string[]): Span | undefined {
  const quoted = `"${path.at(-1)}"`;
  const at = text.indexOf(quoted);
  if (at === -1 || text.includes(quoted, at + 1) || spellsLetters(text)) return undefined;
  SCALAR.lastIndex = at + quoted.length;
  const scalar = SCALAR.exec(text)?.[1];
  return scalar === undefined
    ? undefined
    : { start: SCALAR.lastIndex - scalar.length, end: SCALAR.lastIndex };
}

/** Looks at bytes: to read a text of some size character by character takes ten times as long. */
function spanOf(text: string, path: readonly string[]): Span | "nothing" | "unsure" {
  const bytes = encoder.encode(text);
  let span: Span = { start: skipSpace(bytes, 0), end: bytes.length };
  for (const key of path) {
    const member = memberOf(bytes, span.start, key);
    if (typeof member === "string") return member;
    span = member;
  }
  // Nothing but ASCII: each character is a byte.
  if (bytes.length === text.length) return span;
  const start = lengthOf(bytes.subarray(0, span.start));
  return { start, end: start + lengthOf(bytes.subarray(span.start, span.end)) };
}

/** Where the value of a key stands in the object that begins at `start`. */
function memberOf(bytes: Uint8Array, start: number, key: string): Span | "nothing" | "unsure" {
  if (bytes[start] !== OPEN_BRACE) return "nothing";
  const names = new Set<string>();
  let found: Span | "nothing" = "nothing";
  let at = skipSpace(bytes, start + 1);
  while (bytes[at] === QUOTE) {
    const nameEnd = endOfString(bytes, at);
    const name = decoder.decode(bytes.subarray(at + 1, nameEnd - 1));
    // An escape may spell another key of the object, and of two equal keys each reader takes the one it likes.
    if (name.includes("\\") || names.has(name)) return "unsure";
    names.add(name);
    const valueStart = skipSpace(bytes, skipSpace(bytes, nameEnd) + 1);
    const end = endOfValue(bytes, valueStart);
    if (name === key) found = { start: valueStart, end };
    at = skipSpace(bytes, end);
    if (bytes[at] === COMMA) at = skipSpace(bytes, at + 1);
  }
  return found;
}

function endOfValue(bytes: Uint8Array, start: number): number {
  const first = bytes[start];
  if (first === QUOTE) return endOfString(bytes, start);
  if (first === OPEN_BRACE || first === OPEN_BRACKET) return endOfNested(bytes, start);
  let end = start;
  while (end < bytes.length && !endsScalar(bytes[end])) end++;
  return end;
}

/** Outside of strings, brackets of valid JSON stand in pairs: counting them is enough. */
function endOfNested(bytes: Uint8Array, start: number): number {
  let depth = 0;
  for (let at = start; at < bytes.length;) {
    const code = bytes[at];
    if (code === QUOTE) {
      at = endOfString(bytes, at);
      continue;
    }
    at++;
    if (code === OPEN_BRACE || code === OPEN_BRACKET) depth++;
    else if ((code === CLOSE_BRACE || code === CLOSE_BRACKET) && --depth === 0) return at;
  }
  return bytes.length;
}

function endOfString(bytes: Uint8Array, start: number): number {
  let at = start + 1;
  // What follows a backslash ends no string.
  while (at < bytes.length && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
  return at + 1;
}

function endsScalar(code: number | undefined): boolean {
  return code === COMMA || code === CLOSE_BRACE || code === CLOSE_BRACKET || isSpace(code);
}

function skipSpace(bytes: Uint8Array, start: number): number {
  let at = start;
  while (isSpace(bytes[at])) at++;
  return at;
}

/** The four characters that JSON knows as white space. */
function isSpace(code: number | undefined): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

/** How long these bytes of UTF-8 are as a string: four of them are a pair of surrogates. */
function lengthOf(bytes: Uint8Array): number {
  let length = bytes.length;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    if ((byte & 0xc0) === 0x80) length--;
    else if (byte >= 0xf0) length++;
  }
  return length;
}
