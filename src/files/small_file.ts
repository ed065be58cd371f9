/** What stands in a small file that somebody has named, or why it cannot be had. */

/** A configuration, a secret or the certificates of all authorities: whatever is larger is another file by mistake. */
const MAX_BYTES = 4 * 2 ** 20;

export type FileText = { readonly text: string } | { readonly fault: string };

export interface ReadOptions {
  /** Whether what is no text in UTF-8 is a fault; else it becomes replacement characters. */
  readonly isText: boolean;
}

/**
 * Files are read while requests wait, and anew with each reload: a pipe would hold them up until somebody writes, and
 * have nothing to say the second time; a device may have no end.
 */
export function readSmallFile(path: string, { isText }: ReadOptions = { isText: true }): FileText {
  try {
    const { isFile, isDirectory } = Deno.statSync(path);
    if (isDirectory) return { fault: "it is a folder" };
    if (!isFile) return { fault: "it is a pipe or a device, expected a file" };
    using file = Deno.openSync(path);
    const bytes = readAtMost(file, MAX_BYTES + 1);
    if (bytes.length > MAX_BYTES) return { fault: `the file is larger than ${MAX_BYTES} bytes` };
    return { text: new TextDecoder("utf-8", { fatal: isText }).decode(bytes) };
  } catch (error) {
    return { fault: faultOf(error, path) };
  }
}

/** It may grow meanwhile, and what the system writes itself has no size. */
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
  return "the file cannot be read";
}
