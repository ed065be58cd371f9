/** The head of an HTTP/1.1 message: its first line and its fields (RFC 9112, sections 2 to 5). */
import { optionName } from "../base/option_name.ts";
import { RequestError } from "../core/errors.ts";
import type { ByteStream } from "./byte_stream.ts";

export interface Head {
  /** Request line or status line, without its end. */
  readonly line: string;
  /** In their order; names in lower case, values without the white space around them. */
  readonly fields: readonly (readonly [name: string, value: string])[];
}

export interface ReceivedHead {
  readonly head: Head;
  /** As it came, the empty line at its end included. */
  readonly bytes: Uint8Array;
  /** What came behind it. */
  readonly rest: Uint8Array;
}

const FIRST_READ_BYTES = 4 * 1024;
/** Arguments go on the stack. */
const CHARS_AT_ONCE = 4 * 1024;
const [CR, LF] = [0x0d, 0x0a];
/** As many as the runtime takes on the requests after the first. Its `Headers` compare each new name with all others. */
const MAX_FIELDS = 100;
/** A field line: a token, a colon at once, then anything that a field may hold (RFC 9110, section 5). */
const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):([^\0\r\n]*)$/;

/**
 * Reads up to the end of a head, from behind any empty lines (RFC 9112, section 2.2); undefined when the stream ends
 * before one has begun. Throws RequestError 431 for one of more than `maxBytes` or of too many fields, 400 for one that
 * is none, and what the stream throws.
 */
export async function readHead(stream: ByteStream, maxBytes: number): Promise<ReceivedHead | undefined> {
  let bytes = new Uint8Array(Math.min(FIRST_READ_BYTES, maxBytes));
  let size = 0;
  let start = 0;
  while (true) {
    const count = await stream.read(bytes.subarray(size));
    if (count === null) {
      if (size === start) return undefined;
      throw new RequestError("Bad Request: the connection ended within the head");
    }
    size += count;
    if (start >= size - count) start = startOfHead(bytes.subarray(0, size), start);
    const end = endOfHead(bytes.subarray(0, size), Math.max(start, size - count - 2));
    if (end !== undefined) {
      const head = bytes.subarray(start, end);
      return { head: parseHead(head), bytes: head, rest: bytes.subarray(end, size) };
    }
    if (size >= maxBytes) {
      const why = `Request Header Fields Too Large: the limit is ${maxBytes} bytes (${
        optionName("maxHeaderSize")
      })`;
      throw new RequestError(why, { status: 431 });
    }
    if (size === bytes.length) bytes = enlarged(bytes, Math.min(2 * size, maxBytes));
  }
}

/** The other way round. */
export function encodeHead({ line, fields }: Head): Uint8Array {
  const text = `${[line, ...fields.map(([name, value]) => `${name}: ${value}`)].join("\r\n")}\r\n\r\n`;
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** The value of a field, several of them joined as RFC 9110 (section 5.2) has it; undefined where there is none. */
export function fieldOf({ fields }: Head, name: string): string | undefined {
  const values = fields.filter(([field]) => field === name).map(([, value]) => value);
  return values.length === 0 ? undefined : values.join(", ");
}

/** The members of a field that is a list, in lower case: `Connection`, `Upgrade`. */
export function membersOf(head: Head, name: string): string[] {
  const members = fieldOf(head, name)?.split(",").map((member) => member.trim().toLowerCase());
  return members?.filter((member) => member !== "") ?? [];
}

function startOfHead(bytes: Uint8Array, from: number): number {
  let at = from;
  while (bytes[at] === CR || bytes[at] === LF) at++;
  return at;
}

/** Behind the first empty line whose beginning is not before `from`. */
function endOfHead(bytes: Uint8Array, from: number): number | undefined {
  for (let at = bytes.indexOf(LF, from); at !== -1; at = bytes.indexOf(LF, at + 1)) {
    if (bytes[at + 1] === LF) return at + 2;
    if (bytes[at + 1] === CR && bytes[at + 2] === LF) return at + 3;
  }
  return undefined;
}

function parseHead(bytes: Uint8Array): Head {
  const [line = "", ...lines] = latin1Text(bytes).replace(/(?:\r?\n){2}$/, "").split(/\r?\n/);
  if (lines.length > MAX_FIELDS) {
    const why = `Request Header Fields Too Large: ${lines.length} fields, and the limit is ${MAX_FIELDS}`;
    throw new RequestError(why, { status: 431 });
  }
  return { line, fields: lines.map(parseField) };
}

/** Each byte is a character (RFC 9110, section 5.5); what the platform calls latin1 is windows-1252. */
function latin1Text(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += CHARS_AT_ONCE) {
    text += String.fromCharCode(...bytes.subarray(at, at + CHARS_AT_ONCE));
  }
  return text;
}

function parseField(line: string): readonly [string, string] {
  const [, name, value = ""] = FIELD.exec(line) ?? [];
  if (name === undefined) throw new RequestError("Bad Request: a header field is malformed");
  return [name.toLowerCase(), withoutSpace(value)];
}

/** No pattern: to find the end of a value with one, V8 begins anew at each space within it. */
function withoutSpace(value: string): string {
  let [start, end] = [0, value.length];
  while (start < end && isSpace(value[start])) start++;
  while (end > start && isSpace(value[end - 1])) end--;
  return value.slice(start, end);
}

function isSpace(character: string | undefined): boolean {
  return character === " " || character === "\t";
}

function enlarged(bytes: Uint8Array, size: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(size);
  larger.set(bytes);
  return larger;
}
