import type { LimitError } from "../core/errors.ts";

/** The whole stream as text. Throws the error that `tooLarge` makes as soon as it exceeds `maxBytes`. */
export async function readText(
  body: ReadableStream<Uint8Array> | null,
  { maxBytes, tooLarge }: { maxBytes: number; tooLarge: () => LimitError },
): Promise<string> {
  if (!body) return "";
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > maxBytes) throw tooLarge();
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
