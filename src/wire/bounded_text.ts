import type { TooLargeError } from "../core/errors.ts";
import { Utf8Text } from "./utf8.ts";

/** The whole stream as text, without the byte order mark that it may begin with. Throws the error that `tooLarge` makes as soon as it exceeds `maxBytes`. */
export async function readText(
  body: ReadableStream<Uint8Array> | null,
  { maxBytes, tooLarge }: { maxBytes: number; tooLarge: () => TooLargeError },
): Promise<string> {
  if (!body) return "";
  const stream = new Utf8Text();
  let text = "";
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > maxBytes) throw tooLarge();
    text += stream.push(chunk);
  }
  return text + stream.end();
}
