/** Makes archives that are the same to the byte whenever the files are. */
import { gzipSync, type ZlibOptions } from "node:zlib";
import { joinedBytes } from "../../src/base/joined_bytes.ts";

export interface ArchivedFile {
  /** Without folders, and at most 100 characters of ASCII. */
  readonly name: string;
  readonly content: Uint8Array;
  readonly executable: boolean;
}

interface TarballOptions extends Pick<ZlibOptions, "level"> {
  /** The date of each file. */
  readonly modified: Date;
}

const BLOCK = 512;
const CHECKSUM = { at: 148, length: 8 };

/** A tar.gz in the format that every `tar` since 1988 reads; nobody owns the files but root. */
export function tarball(files: readonly ArchivedFile[], { modified, level }: TarballOptions): Uint8Array {
  const blocks = files.flatMap((file) => [headerOf(file, modified), padded(file.content)]);
  const end = new Uint8Array(2 * BLOCK);
  return gzipSync(joinedBytes(...blocks, end), level === undefined ? {} : { level });
}

function headerOf({ name, content, executable }: ArchivedFile, modified: Date): Uint8Array {
  const fields = [
    text(name, 100),
    octal(executable ? 0o755 : 0o644, 8),
    octal(0, 8), // owner
    octal(0, 8), // group
    octal(content.length, 12),
    octal(modified.getTime() / 1000, 12),
    " ".repeat(CHECKSUM.length), // counts as spaces in its own sum
    text("0", 1), // a regular file
    text("", 100), // what a link would point to
    "ustar\x0000",
    text("root", 32),
    text("root", 32),
  ];
  const header = new Uint8Array(BLOCK);
  header.set(new TextEncoder().encode(fields.join("")));
  const sum = header.reduce((sum, byte) => sum + byte, 0);
  header.set(new TextEncoder().encode(octal(sum, 7) + " "), CHECKSUM.at);
  return header;
}

function text(value: string, length: number): string {
  if (value.length > length) throw new RangeError(`"${value}" has more than ${length} characters`);
  return value.padEnd(length, "\0");
}

function octal(value: number, length: number): string {
  return value.toString(8).padStart(length - 1, "0") + "\0";
}

function padded(content: Uint8Array): Uint8Array {
  const whole = new Uint8Array(Math.ceil(content.length / BLOCK) * BLOCK);
  whole.set(content);
  return whole;
}
