/**
 * Exchanges values inside JSON text and leaves every other character as it came: numbers beyond 2^53 keep their digits,
 * and a large message is not serialised again.
 */
import type { RequestId } from "../core/message/jsonrpc.ts";
import type { Path } from "../core/message/path.ts";
import { freeMemory } from "./free_memory.ts";
import { spellsLetters } from "./letter_escape.ts";

/** A value that is to stand where a path of keys leads. */
export interface Edit {
  readonly path: Path;
  /** Undefined leaves what stands there, if anything does. */
  readonly value: RequestId | undefined;
  /**
   * How many members JSON.parse has found in each object on the path, from the outermost on. A text with others, two
   * with equal keys say, is not certain: each reader takes the one it likes.
   */
  readonly sizes?: readonly number[];
}

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
/** Up to this size one text after the other is written to the same memory. */
const SCRATCH_BYTES = 1024 * 1024;
/** So far one character after the other is faster than the call of an encoder. */
const SHORT_CHARS = 256;
const MAX_ASCII = 0x7f;
/** From here on a search is worth its call: strings are mostly short, and some are files. */
const LONG_STRING_BYTES = 64;
/** `{` and `[`, `}` and `]` differ in this bit. */
const SHAPE_BIT = 0x20;
/** In place of an end. */
const UNSURE = -1;

const encoder = new TextEncoder();
const scratch = new Uint8Array(SCRATCH_BYTES);

/**
 * The text with other values where these paths lead, or undefined when one of the places is not certain. `text` must be
 * what JSON.parse has found a number or a string in wherever there is a value; no two paths begin with the same key.
 */
export function splice(text: string, edits: readonly Edit[]): string | undefined {
  const [edit] = edits;
  const simply = edit && edits.length === 1 ? withOnlyValue(text, edit) : undefined;
  if (simply !== undefined) return simply;
  const search = new Search(text, edits);
  const result = search.result();
  search.free();
  return result;
}

/**
 * Spares a look at the whole text. There is a value at the path, so the last key must be written somewhere; without
 * `\u` it can be written in one way only, and when that way is found once, it is this key.
 */
function withOnlyValue(text: string, { path, value, sizes }: Edit): string | undefined {
  if (sizes || value === undefined) return undefined;
  const quoted = `"${path.at(-1)}"`;
  const at = text.indexOf(quoted);
  if (at === -1 || text.includes(quoted, at + 1) || spellsLetters(text)) return undefined;
  SCALAR.lastIndex = at + quoted.length;
  const scalar = SCALAR.exec(text)?.[1];
  if (scalar === undefined) return undefined;
  const end = SCALAR.lastIndex;
  return text.slice(0, end - scalar.length) + written(value) + text.slice(end);
}

/** An edit, and where it is to be made as far as that is known. */
class PlacedEdit {
  readonly edit: Edit;
  /** How many keys of the path were found. */
  found = 0;
  start = UNSURE;
  end = UNSURE;

  constructor(edit: Edit) {
    this.edit = edit;
  }
}

/** Looks for the places in bytes: to read a text of some size character by character takes longer. */
class Search {
  readonly #text: string;
  readonly #places: readonly PlacedEdit[];
  /** As they stand in the text, once they are found. */
  readonly #inOrder: PlacedEdit[] = [];
  readonly #bytes: Uint8Array<ArrayBuffer>;
  /** Nothing but ASCII: each character is a byte. */
  readonly #ascii: boolean;

  constructor(text: string, edits: readonly Edit[]) {
    this.#text = text;
    this.#places = edits.map((edit) => new PlacedEdit(edit));
    this.#bytes = bytesOf(text);
    this.#ascii = this.#bytes.length === text.length;
  }

  /** The text with all edits made; undefined when a reader might find something else at one of the places. */
  result(): string | undefined {
    const start = this.#skipSpace(0);
    const nowhere = this.#bytes[start] !== OPEN_BRACE;
    if (!nowhere && this.#endOfSearched(start, this.#places, 0) === UNSURE) return undefined;
    for (const { edit, end } of this.#places) {
      if (edit.value !== undefined && end === UNSURE) return undefined;
    }
    return this.#edited();
  }

  /** It is of no use any more. */
  free(): void {
    if (this.#bytes.buffer !== scratch.buffer) freeMemory(this.#bytes);
  }

  #edited(): string {
    let result = "";
    let at = 0;
    let byte = 0;
    for (const { edit, start, end } of this.#inOrder) {
      if (edit.value === undefined) continue;
      const valueAt = at + this.#charsIn(byte, start);
      result += this.#text.slice(at, valueAt) + written(edit.value);
      at = valueAt + this.#charsIn(start, end);
      byte = end;
    }
    return result + this.#text.slice(at);
  }

  /** Where an object ends that lies so many keys deep on these paths. */
  #endOfSearched(start: number, places: readonly PlacedEdit[], depth: number): number {
    const bytes = this.#bytes;
    let size = 0;
    let at = this.#skipSpace(start + 1);
    for (; bytes[at] === QUOTE; size++) {
      const nameEnd = this.#endOfName(at);
      // An escape may spell a key once more; whoever does not know that reads another one.
      if (nameEnd === UNSURE) return UNSURE;
      const place = this.#placeNamed({ start: at + 1, end: nameEnd - 1 }, places, depth);
      const valueStart = this.#skipSpace(this.#skipSpace(nameEnd) + 1);
      const end = place ? this.#endOfFound(valueStart, place, depth) : this.#endOfValue(valueStart);
      if (end === UNSURE) return UNSURE;
      at = this.#skipSpace(end);
      if (bytes[at] === COMMA) at = this.#skipSpace(at + 1);
    }
    for (const { edit: { sizes } } of places) if (sizes && sizes[depth] !== size) return UNSURE;
    return at + 1;
  }

  #placeNamed(name: Span, places: readonly PlacedEdit[], depth: number): PlacedEdit | undefined {
    for (const place of places) if (this.#isNamed(name, place.edit.path[depth])) return place;
    return undefined;
  }

  #isNamed({ start, end }: Span, key: string | undefined): boolean {
    if (key?.length !== end - start) return false;
    for (let at = 0; at < key.length; at++) if (this.#bytes[start + at] !== key.charCodeAt(at)) return false;
    return true;
  }

  /** Where the value ends that the next key of a path leads to. */
  #endOfFound(start: number, place: PlacedEdit, depth: number): number {
    if (place.found > depth) return UNSURE;
    place.found++;
    if (place.found < place.edit.path.length) {
      const leadsOn = this.#bytes[start] === OPEN_BRACE;
      return leadsOn ? this.#endOfSearched(start, [place], depth + 1) : this.#endOfValue(start);
    }
    place.start = start;
    this.#inOrder.push(place);
    return place.end = this.#endOfValue(start);
  }

  #endOfValue(start: number): number {
    const bytes = this.#bytes;
    const first = bytes[start];
    if (first === QUOTE) return this.#endOfString(start);
    if (first === OPEN_BRACE || first === OPEN_BRACKET) return this.#endOfNested(start);
    let end = start;
    while (end < bytes.length && !endsScalar(bytes[end])) end++;
    return end;
  }

  /** Outside of strings, brackets of valid JSON stand in pairs: counting them is enough. */
  #endOfNested(start: number): number {
    const bytes = this.#bytes;
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
    const bytes = this.#bytes;
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
    const { length } = this.#bytes;
    for (let at = from; at < length;) {
      const quote = this.#ascii ? this.#text.indexOf('"', at) : this.#bytes.indexOf(QUOTE, at);
      if (quote === -1) return length;
      let backslashes = 0;
      while (quote - backslashes > at && this.#bytes[quote - backslashes - 1] === BACKSLASH) backslashes++;
      at = quote + 1;
      if (backslashes % 2 === 0) return at;
    }
    return length;
  }

  /** Of a string without escapes. */
  #endOfName(start: number): number {
    const bytes = this.#bytes;
    for (let at = start + 1; at < bytes.length; at++) {
      if (bytes[at] === QUOTE) return at + 1;
      if (bytes[at] === BACKSLASH) return UNSURE;
    }
    return UNSURE;
  }

  #skipSpace(start: number): number {
    let at = start;
    while (isSpace(this.#bytes[at])) at++;
    return at;
  }

  #charsIn(start: number, end: number): number {
    return this.#ascii ? end - start : lengthOf(this.#bytes.subarray(start, end));
  }
}

function written(value: RequestId): string {
  return typeof value === "string" ? JSON.stringify(value) : `${value}`;
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
