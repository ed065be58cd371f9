/** The bytes of a text in one piece, byte by byte, and cut in two at each byte. */
export function chunkings(text: string): Uint8Array<ArrayBuffer>[][] {
  const bytes = new TextEncoder().encode(text);
  const cuts = Array.from(bytes, (_, at) => [bytes.subarray(0, at), bytes.subarray(at)]);
  const all = [[bytes], Array.from(bytes, (byte) => Uint8Array.of(byte)), ...cuts];
  return all.map((chunks) => chunks.filter(({ length }) => length > 0));
}
