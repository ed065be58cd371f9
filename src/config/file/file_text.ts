/** The text of a small file, or why it cannot be had. */

/** A configuration, or a secret: whatever is larger is another file by mistake. */
const MAX_BYTES = 2 ** 20;

export type FileText = { readonly text: string } | { readonly fault: string };

/** Reads no more than a file may have, also from what has no size, such as a pipe. */
export function readSmallFile(path: string): FileText {
  try {
    using file = Deno.openSync(path);
    const bytes = readAtMost(file, MAX_BYTES + 1);
    if (bytes.length > MAX_BYTES) return { fault: `the file is larger than ${MAX_BYTES} bytes` };
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch (error) {
    return { fault: faultOf(error, path) };
  }
}

function readAtMost(file: Deno.FsFile, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let length = 0;
  while (length < size) {
    const read = file.readSync(bytes.subarray(length));
    if (read === null) break;
    length += read;
  }
  return bytes.subarray(0, length);
}

function faultOf(error: unknown, path: string): string {
  if (error instanceof Deno.errors.NotFound) return "there is no such file";
  if (error instanceof TypeError && path !== "" && !path.includes("\0")) {
    return "the file is no text in UTF-8";
  }
  if (error instanceof Deno.errors.IsADirectory) return "it is a folder";
  return "the file cannot be read";
}
