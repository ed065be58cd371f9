/**
 * JSON text as bytes, for who looks for a place in it: to read a text of some size character by character takes longer.
 * The text must be what JSON.parse takes.
 */
import { freeMemory } from "./free_memory.ts";

export const QUOTE = 0x22;
export const COMMA = 0x2c;
export const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const BACKSLASH = 0x5c;
const [OPEN_BRACKET, CLOSE_BRACKET] = [0x5b, 0x5d];
/** Up to this size one text after the other is written to the same memory. */
const SCRATCH_BYTES = 1024 * 1024;
/** So far one character after the other is faster than the call of an encoder. */
const SHORT_CHARS = 256;
const MAX_ASCII = 0x7f;
/** From here on a search is worth its call: strings are mostly short, and some are files. */
const LONG_STRING_BYTES = 64;
/** `{` and `[`, `}` and `]` differ in this bit. */
const SHAPE_BIT = 0x20;
/** In place of an end, where it is not certain. */
export const UNSURE = -1;

const encoder = new TextEncoder();
const scratch = new Uint8Array(SCRATCH_BYTES);

export class JsonBytes {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #text: string;
  /** Nothing but ASCII: each character is a byte. */
  readonly #ascii: boolean;

  /** Good until the next one is made, which may have the same memory. */
  constructor(text: string) {
    this.#text = text;
    this.bytes = bytesOf(text);
    this.#ascii = this.bytes.length === text.length;
  }

  /** It is of no use any more. */
  free(): void {
    if (this.bytes.buffer !== scratch.buffer) freeMemory(this.bytes);
  }

  /** How many characters of the text these bytes are. */
  charsIn(start: number, end: number): number {
    return this.#ascii ? end - start : lengthOf(this.bytes.subarray(start, end));
  }

  endOfValue(start: number): number {
    const bytes = this.bytes;
    const first = bytes[start];
    if (first === QUOTE) return this.#endOfString(start);
    if (first === OPEN_BRACE || first === OPEN_BRACKET) return this.#endOfNested(start);
    let end = start;
    while (end < bytes.length && !endsScalar(bytes[end])) end++;
    return end;
  }

  /** Outside of strings, brackets of valid JSON stand in pairs: counting them is enough. */
  #endOfNested(start: number): number {
    const bytes = this.bytes;
    let depth = 0;
    for (let at = start; at < bytes.length;) {
      const code = bytes[at] ?? 0;
      if (code === QUOTE) {
        at = this.#endOfString(at);
        continue;
      }
      at++;
      if (code < OPEN_BRACKET) continue;
      const bracket = code & ~SHAPE_BIT;
      if (bracket === OPEN_BRACKET) depth++;
      else if (bracket === CLOSE_BRACKET && --depth === 0) return at;
    }
    return bytes.length;
  }

  #endOfString(start: number): number {
    const bytes = this.bytes;
    const near = start + LONG_STRING_BYTES;
    let at = start + 1;
    for (let code = bytes[at]; code !== QUOTE; code = bytes[at]) {
      if (at >= near) return this.#endOfLongString(at);
      // What follows a backslash ends no string.
      at += code === BACKSLASH ? 2 : 1;
    }
    return at + 1;
  }

  /** `from` is inside of the string, and behind no backslash. */
  #endOfLongString(from: number): number {
    const { length } = this.bytes;
    for (let at = from; at < length;) {
      const quote = this.#ascii ? this.#text.indexOf('"', at) : this.bytes.indexOf(QUOTE, at);
      if (quote === -1) return length;
      let backslashes = 0;
      while (quote - backslashes > at && this.bytes[quote - backslashes - 1] === BACKSLASH) backslashes++;
      at = quote + 1;
      if (backslashes % 2 === 0) return at;
    }
    return length;
  }

  /** Of a string without escapes; UNSURE where it has one. */
  endOfName(start: number): number {
    const bytes = this.bytes;
    for (let at = start + 1; at < bytes.length; at++) {
      if (bytes[at] === QUOTE) return at + 1;
      if (bytes[at] === BACKSLASH) return UNSURE;
    }
    return UNSURE;
  }

  skipSpace(start: number): number {
    let at = start;
    while (isSpace(this.bytes[at])) at++;
    return at;
  }
}

/** Good until the next text. */
function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const short = text.length <= SHORT_CHARS ? asciiOf(text) : undefined;
  if (short) return short;
  if (text.length <= SCRATCH_BYTES) {
    const { read, written } = encoder.encodeInto(text, scratch);
    if (read === text.length) return scratch.subarray(0, written);
  }
  return encoder.encode(text);
}

/** Undefined where a character is more than one byte. */
function asciiOf(text: string): Uint8Array<ArrayBuffer> | undefined {
  const { length } = text;
  for (let at = 0; at < length; at++) {
    const code = text.charCodeAt(at);
    if (code > MAX_ASCII) return undefined;
    scratch[at] = code;
  }
  return scratch.subarray(0, length);
}

function endsScalar(code: number | undefined): boolean {
  return code === COMMA || code === CLOSE_BRACE || code === CLOSE_BRACKET || isSpace(code);
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
