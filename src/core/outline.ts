/** Whose message a text is, found without parsing what is nested in it: for texts that are not to be parsed. */
import { isId, type RequestId } from "./jsonrpc.ts";
import { closes, endOfString, isBatch, opens, QUOTE } from "./message_limits.ts";

/** The members of a message that say whose it is. */
export interface Outline {
  id: RequestId | undefined;
  /** Whether it has one: answers have none. */
  method: boolean;
}

const WHITE_SPACE = /\s*/y;
const NUMBER = /-?\d[^\s,}\]]{0,40}/y;

/** Of the message, or of the messages of a batch, but no more than `most`. */
export function outlinesOf(text: string, most: number): Outline[] {
  const level = isBatch(text) ? 2 : 1;
  const outlines: Outline[] = [];
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (opens(code)) {
      if (++depth !== level) continue;
      if (outlines.length === most) break;
      outlines.push({ id: undefined, method: false });
    } else if (closes(code)) depth--;
    else if (code === QUOTE) {
      const end = endOfString(text, at + 1);
      const outline = depth === level ? outlines.at(-1) : undefined;
      if (outline) note(outline, text, { start: at, end });
      at = end;
    }
  }
  return outlines;
}

/** Notes the member that begins with this string, should it be a key. */
function note(outline: Outline, text: string, { start, end }: { start: number; end: number }): void {
  const colon = afterSpace(text, end + 1);
  if (text[colon] !== ":") return;
  const key = text.slice(start, end + 1);
  if (key === '"method"') outline.method = true;
  if (key === '"id"') outline.id = scalarAt(text, afterSpace(text, colon + 1));
}

function scalarAt(text: string, start: number): RequestId | undefined {
  NUMBER.lastIndex = start;
  const scalar = text[start] === '"'
    ? text.slice(start, endOfString(text, start + 1) + 1)
    : NUMBER.exec(text)?.[0];
  try {
    const value: unknown = JSON.parse(scalar ?? "");
    return isId(value) ? value : undefined;
  } catch {
    return undefined; // No JSON at all.
  }
}

function afterSpace(text: string, start: number): number {
  WHITE_SPACE.lastIndex = start;
  WHITE_SPACE.test(text);
  return WHITE_SPACE.lastIndex;
}
