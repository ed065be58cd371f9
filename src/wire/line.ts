import { type Envelope, textOf } from "../core/channel.ts";
import { freeMemory } from "./free_memory.ts";
import { utf8Decoder } from "./utf8.ts";

const [LINE_FEED, CARRIAGE_RETURN, SPACE] = [0x0a, 0x0d, 0x20];

const encoder = new TextEncoder();
const decoder = utf8Decoder();

/** A message as one line of text, for the framings in which a line end is a border. */
export function lineOf(envelope: Envelope): string {
  const text = textOf(envelope);
  return text.includes("\n") || text.includes("\r") ? onOneLine(text) : text;
}

/**
 * Pretty-printed JSON with spaces for its line ends: within a string there are none but as escapes (RFC 8259, section 7).
 * In bytes, since to put a text together from a million pieces takes several times as long.
 */
function onOneLine(json: string): string {
  const bytes = encoder.encode(json);
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] === LINE_FEED || bytes[at] === CARRIAGE_RETURN) bytes[at] = SPACE;
  }
  const line = decoder.decode(bytes);
  freeMemory(bytes);
  return line;
}
