import { type Envelope, textOf } from "../core/channel.ts";

/** A message as one line of text, for the framings in which a line end is a border. */
export function lineOf(envelope: Envelope): string {
  const text = textOf(envelope);
  // Text from HTTP may be pretty-printed: legal JSON, but not one line.
  return text.includes("\n") || text.includes("\r") ? JSON.stringify(envelope.message) : text;
}
