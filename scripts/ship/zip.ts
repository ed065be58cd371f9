/** Makes a zip that is the same to the byte whenever the files are. */
import { crc32, deflateRawSync } from "node:zlib";
import { joinedBytes } from "../../src/base/joined_bytes.ts";
import type { ArchivedFile } from "./tarball.ts";

interface ZipOptions {
  /** The date of each file; those of zip begin in 1980. */
  readonly modified: Date;
}

/** Little-endian numbers of two and four bytes, in the order of APPNOTE.TXT, chapter 4.3. */
type Field = { readonly bytes: 2 | 4; readonly value: number };
const short = (value: number): Field => ({ bytes: 2, value });
const long = (value: number): Field => ({ bytes: 4, value });

const VERSION = 20; // the first that knows deflate
const DEFLATED = 8;

interface Entry {
  readonly name: Uint8Array;
  readonly packed: Uint8Array;
  /** What the local header and the directory both say of the file. */
  readonly description: readonly Field[];
}

export function zip(files: readonly ArchivedFile[], { modified }: ZipOptions): Uint8Array<ArrayBuffer> {
  const entries = files.map((file) => entryOf(file, modified));
  const locals = entries.map(local);
  const offsets = locals.map((_, index) => sum(locals.slice(0, index)));
  const directory = entries.map((entry, index) => listed(entry, offsets[index] ?? 0));
  return joinedBytes(...locals, ...directory, end(entries.length, sum(directory), sum(locals)));
}

function entryOf({ name, content }: ArchivedFile, modified: Date): Entry {
  const packed = deflateRawSync(content);
  const encoded = new TextEncoder().encode(name);
  return {
    name: encoded,
    packed,
    description: [
      ...[short(VERSION), short(0), short(DEFLATED), ...dosTime(modified)],
      ...[long(crc32(content)), long(packed.length), long(content.length), short(encoded.length), short(0)],
    ],
  };
}

function local({ name, packed, description }: Entry): Uint8Array {
  return joinedBytes(encode([long(0x04034b50), ...description]), name, packed);
}

function listed({ name, description }: Entry, offset: number): Uint8Array {
  // No comment, on the first disk, neither text nor attributes.
  const place = [short(0), short(0), short(0), long(0), long(offset)];
  return joinedBytes(encode([long(0x02014b50), short(VERSION), ...description, ...place]), name);
}

function end(count: number, size: number, offset: number): Uint8Array {
  const disks = [short(0), short(0)];
  return encode([
    ...[long(0x06054b50), ...disks, short(count), short(count)],
    ...[long(size), long(offset), short(0)],
  ]);
}

function dosTime(date: Date): Field[] {
  const time = date.getUTCHours() << 11 | date.getUTCMinutes() << 5 | date.getUTCSeconds() >> 1;
  const day = date.getUTCFullYear() - 1980 << 9 | date.getUTCMonth() + 1 << 5 | date.getUTCDate();
  return [short(time), short(day)];
}

function encode(fields: readonly Field[]): Uint8Array {
  const bytes = fields.flatMap(({ bytes, value }) =>
    Array.from({ length: bytes }, (_, index) => value >>> 8 * index & 0xff)
  );
  return Uint8Array.from(bytes);
}

function sum(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}
