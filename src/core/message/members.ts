/** Where the members of objects stand in JSON, found without parsing their values. */
import { closes, endOfString, opens, QUOTE } from "./message_limits.ts";
import type { Path } from "./path.ts";

const [COMMA, OPEN_BRACE, CLOSE_BRACE] = [0x2c, 0x7b, 0x7d];

/** A member whose name, with its quotes, and value begin and end there. */
interface Member {
  readonly nameStart: number;
  readonly nameEnd: number;
  readonly valueStart: number;
}

/** Hears of each member of the object that begins at `start`, and says where its value ends. */
export function eachMember(json: string, start: number, visit: (member: Member) => number): number {
  let at = skipSpace(json, start + 1);
  while (json.charCodeAt(at) === QUOTE) {
    const nameEnd = endOfString(json, at + 1) + 1;
    const valueStart = startOfValue(json, nameEnd);
    at = skipSpace(json, visit({ nameStart: at, nameEnd, valueStart }));
    if (json.charCodeAt(at) === COMMA) at = skipSpace(json, at + 1);
  }
  return at + 1;
}

/** How the value is spelled that JSON.parse finds at this path. */
export function spelledAt(json: string, path: Path): string | undefined {
  let start = skipSpace(json, 0);
  let end = json.length;
  for (const key of path) {
    if (!isObjectAt(json, start)) return undefined;
    let found: number | undefined;
    eachMember(json, start, ({ nameStart, nameEnd, valueStart }) => {
      const valueEnd = endOfValue(json, valueStart);
      if (nameAt(json, nameStart, nameEnd) === key) [found, end] = [valueStart, valueEnd];
      return valueEnd;
    });
    if (found === undefined) return undefined;
    start = found;
  }
  return json.slice(start, end);
}

export function nameAt(json: string, start: number, end: number): string {
  const quoted = json.slice(start, end);
  return quoted.includes("\\") ? JSON.parse(quoted) : quoted.slice(1, -1);
}

/** Of the value behind a name that ends there. */
export function startOfValue(json: string, nameEnd: number): number {
  return skipSpace(json, skipSpace(json, nameEnd) + 1);
}

/** Of the object that begins there. */
export function isEmptyAt(json: string, start: number): boolean {
  return json.charCodeAt(skipSpace(json, start + 1)) === CLOSE_BRACE;
}

export function isObjectAt(json: string, start: number): boolean {
  return json.charCodeAt(start) === OPEN_BRACE;
}

export function endOfValue(json: string, start: number): number {
  const code = json.charCodeAt(start);
  if (code === QUOTE) return endOfString(json, start + 1) + 1;
  return opens(code) ? endOfNested(json, start) : endOfScalar(json, start);
}

/** Outside of strings, brackets of valid JSON stand in pairs: counting them is enough. */
function endOfNested(json: string, start: number): number {
  let depth = 0;
  for (let at = start; at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (code === QUOTE) at = endOfString(json, at + 1);
    else if (opens(code)) depth++;
    else if (closes(code) && --depth === 0) return at + 1;
  }
  return json.length;
}

function endOfScalar(json: string, start: number): number {
  let at = start;
  for (; at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (code === COMMA || code === CLOSE_BRACE || code <= 0x20) break;
  }
  return at;
}

/** Outside of strings there is nothing else up to a blank than the white space that JSON knows. */
function skipSpace(json: string, start: number): number {
  let at = start;
  while (json.charCodeAt(at) <= 0x20) at++;
  return at;
}
