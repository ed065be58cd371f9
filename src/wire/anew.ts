/** What a message is to say in place of what it said, each number as it was spelled: no more is written anew than must be. */
import { type Envelope, SpelledEnvelope } from "../core/channel.ts";
import type { JsonRpcMessage } from "../core/message/jsonrpc.ts";
import { Kept } from "../core/message/kept.ts";
import { parseKept } from "../core/message/parse.ts";
import { putAt } from "../core/message/path.ts";
import { type Edit, splice } from "./splice.ts";

/** JSON of what is made of a message. `make` is called with a copy as well, which is good for nothing else. */
export function jsonOf<M extends JsonRpcMessage>(
  { text }: Envelope,
  message: M,
  make: (message: M) => unknown,
): string {
  if (text === undefined) return JSON.stringify(make(message));
  const kept = new Kept(text);
  // Of the same text, so it is of the same kind.
  return kept.restore(JSON.stringify(make(parseKept(kept) as M)));
}

/** Another message in place of this one. */
export function anew<M extends JsonRpcMessage, N extends JsonRpcMessage>(
  envelope: Envelope,
  message: M,
  make: (message: M) => N,
): Envelope {
  const made = make(message);
  return envelope.text === undefined
    ? { message: made }
    : new SpelledEnvelope(made, jsonOf(envelope, message, make));
}

/** The same message, written anew: in what routes it every reader finds what we have found. */
export function rewritten(envelope: Envelope, message: JsonRpcMessage): Envelope {
  return anew(envelope, message, (same) => same);
}

/** The text with these edits, as it came elsewhere if that is certain. */
export function editedText(text: string, edits: readonly Edit[]): string {
  return splice(text, edits) ?? writtenAnew(text, edits);
}

function writtenAnew(text: string, edits: readonly Edit[]): string {
  const kept = new Kept(text);
  const message = parseKept(kept);
  for (const { path, value } of edits) if (value !== undefined) putAt(message, path, value);
  return kept.restore(JSON.stringify(message));
}
