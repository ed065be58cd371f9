/**
 * Exchanges values inside JSON text and leaves every other character as it came: numbers beyond 2^53 keep their digits,
 * and a large message is not serialised again.
 */
import type { RequestId } from "../core/message/jsonrpc.ts";
import type { Path } from "../core/message/path.ts";
import { COMMA, JsonBytes, OPEN_BRACE, QUOTE, UNSURE } from "./json_bytes.ts";
import { endOfSoleKey } from "./sole_key.ts";

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

/** Spares a look at the whole text. There is a value at the path, so the last key must be written somewhere. */
function withOnlyValue(text: string, { path, value, sizes }: Edit): string | undefined {
  if (sizes || value === undefined) return undefined;
  const keyEnd = endOfSoleKey(text, path.at(-1) ?? "");
  if (keyEnd === undefined) return undefined;
  SCALAR.lastIndex = keyEnd;
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

/** Looks for the places, and makes the edits there. */
class Search {
  readonly #text: string;
  readonly #places: readonly PlacedEdit[];
  /** As they stand in the text, once they are found. */
  readonly #inOrder: PlacedEdit[] = [];
  readonly #json: JsonBytes;

  constructor(text: string, edits: readonly Edit[]) {
    this.#text = text;
    this.#places = edits.map((edit) => new PlacedEdit(edit));
    this.#json = new JsonBytes(text);
  }

  /** The text with all edits made; undefined when a reader might find something else at one of the places. */
  result(): string | undefined {
    const json = this.#json;
    const start = json.skipSpace(0);
    const nowhere = json.bytes[start] !== OPEN_BRACE;
    if (!nowhere && this.#endOfSearched(start, this.#places, 0) === UNSURE) return undefined;
    for (const { edit, end } of this.#places) {
      if (edit.value !== undefined && end === UNSURE) return undefined;
    }
    return this.#edited();
  }

  /** It is of no use any more. */
  free(): void {
    this.#json.free();
  }

  #edited(): string {
    const json = this.#json;
    let result = "";
    let at = 0;
    let byte = 0;
    for (const { edit, start, end } of this.#inOrder) {
      if (edit.value === undefined) continue;
      const valueAt = at + json.charsIn(byte, start);
      result += this.#text.slice(at, valueAt) + written(edit.value);
      at = valueAt + json.charsIn(start, end);
      byte = end;
    }
    return result + this.#text.slice(at);
  }

  /** Where an object ends that lies so many keys deep on these paths. */
  #endOfSearched(start: number, places: readonly PlacedEdit[], depth: number): number {
    const json = this.#json;
    const { bytes } = json;
    let size = 0;
    let at = json.skipSpace(start + 1);
    for (; bytes[at] === QUOTE; size++) {
      const nameEnd = json.endOfName(at);
      // An escape may spell a key once more; whoever does not know that reads another one.
      if (nameEnd === UNSURE) return UNSURE;
      const place = this.#placeNamed({ start: at + 1, end: nameEnd - 1 }, places, depth);
      const valueStart = json.skipSpace(json.skipSpace(nameEnd) + 1);
      const end = place ? this.#endOfFound(valueStart, place, depth) : json.endOfValue(valueStart);
      if (end === UNSURE) return UNSURE;
      at = json.skipSpace(end);
      if (bytes[at] === COMMA) at = json.skipSpace(at + 1);
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
    const { bytes } = this.#json;
    for (let at = 0; at < key.length; at++) if (bytes[start + at] !== key.charCodeAt(at)) return false;
    return true;
  }

  /** Where the value ends that the next key of a path leads to. */
  #endOfFound(start: number, place: PlacedEdit, depth: number): number {
    const json = this.#json;
    if (place.found > depth) return UNSURE;
    place.found++;
    if (place.found < place.edit.path.length) {
      const leadsOn = json.bytes[start] === OPEN_BRACE;
      return leadsOn ? this.#endOfSearched(start, [place], depth + 1) : json.endOfValue(start);
    }
    place.start = start;
    this.#inOrder.push(place);
    return place.end = json.endOfValue(start);
  }
}

function written(value: RequestId): string {
  return typeof value === "string" ? JSON.stringify(value) : `${value}`;
}
