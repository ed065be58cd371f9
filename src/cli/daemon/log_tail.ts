/** The end of a log that goes on in a new file now and then. */
import { joinedBytes } from "../../base/joined_bytes.ts";
import { logPaths } from "../../observe/rotating_file.ts";

const CHUNK_BYTES = 64 * 1024;
/** How often to look whether there is more: watching misses what a file system of the network does. */
const POLL_MS = 200;
const NEWLINE = 10;
/** As many as may be kept (`logKeep`). */
const MAX_FILES = 1_000;

/** A place in a log. */
interface LogPosition extends Disposable {
  readonly file: Deno.FsFile;
  /** As it was when it was opened. */
  readonly size: number;
  readonly inode: number | null;
}

/** Opens what is written now, behind its end; undefined where there is none. */
export async function openEnd(path: string): Promise<LogPosition | undefined> {
  const position = await openAt(path);
  await position?.file.seek(position.size, Deno.SeekMode.Start);
  return position;
}

/** The last lines before that place, of all files together, oldest first. */
export async function lastLines(path: string, before: LogPosition, lines: number): Promise<Uint8Array> {
  const newest = await openAt(path);
  newest?.[Symbol.dispose]();
  // It was put aside just now.
  const [, ...older] = logPaths(path, newest?.inode === before.inode ? MAX_FILES : MAX_FILES + 1);
  let bytes = await endOf(before, lines);
  await before.file.seek(before.size, Deno.SeekMode.Start);
  for (const one of older) {
    const missing = lines - countLines(bytes);
    using position = missing > 0 ? await openAt(one) : undefined;
    if (!position) break;
    if (position.inode !== before.inode) bytes = joinedBytes(await endOf(position, missing), bytes);
  }
  return bytes;
}

/** Writes what comes from now on, over as many files as it takes, until the signal fires. */
export async function follow(
  path: string,
  position: LogPosition,
  { write, signal }: { write: (bytes: Uint8Array) => Promise<void>; signal: AbortSignal },
): Promise<void> {
  let at: LogPosition | undefined = position;
  while (!signal.aborted) {
    await copyRest(at.file, write);
    const next: LogPosition | undefined = await nextFile(path, at);
    if (next) {
      // What was written between the last look and the renaming.
      await copyRest(at.file, write);
      at[Symbol.dispose]();
      at = next;
    } else await sleep(POLL_MS, signal);
  }
  at[Symbol.dispose]();
}

async function openAt(path: string): Promise<LogPosition | undefined> {
  try {
    const file = await Deno.open(path);
    const { ino: inode, size } = await file.stat();
    return { file, inode, size, [Symbol.dispose]: () => file.close() };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** The file that was begun after this one; undefined while this one is the newest. */
async function nextFile(
  path: string,
  { file, inode }: Pick<LogPosition, "file" | "inode">,
): Promise<LogPosition | undefined> {
  const newest = await inodeOf(path);
  if (newest === undefined || (newest === inode && inode !== null)) return undefined;
  if (inode === null) return await shrunk(path, file) ? await openAt(path) : undefined;
  const next = await openAt(await pathAfter(path, inode));
  // Files may have been put aside meanwhile, and each name have another one: it is looked again then.
  if (!next || await inodeOf(await pathAfter(path, inode)) === next.inode) return next;
  next[Symbol.dispose]();
  return await nextFile(path, { file, inode });
}

/** Where the file stands now that was begun after this one. */
async function pathAfter(path: string, inode: number): Promise<string> {
  let after = path;
  for (const older of logPaths(path, MAX_FILES).slice(1)) {
    const one = await inodeOf(older);
    // One that is gone already was followed by the oldest that is left.
    if (one === inode || one === undefined) break;
    after = older;
  }
  return after;
}

async function inodeOf(path: string): Promise<number | null | undefined> {
  try {
    return (await Deno.stat(path)).ino;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Where files have no number a new one is known by being shorter than what was read. */
async function shrunk(path: string, file: Deno.FsFile): Promise<boolean> {
  const read = await file.seek(0, Deno.SeekMode.Current);
  return (await Deno.stat(path)).size < read;
}

async function copyRest(file: Deno.FsFile, write: (bytes: Uint8Array) => Promise<void>): Promise<void> {
  const chunk = new Uint8Array(CHUNK_BYTES);
  for (let count = await file.read(chunk); count !== null; count = await file.read(chunk)) {
    await write(chunk.slice(0, count));
  }
}

/** The last lines of one file, read from its end. */
async function endOf({ file, size }: LogPosition, lines: number): Promise<Uint8Array<ArrayBuffer>> {
  let start = size;
  let bytes = new Uint8Array();
  while (start > 0 && countLines(bytes) <= lines) {
    const length = Math.min(CHUNK_BYTES, start);
    start -= length;
    bytes = joinedBytes(await readAt(file, start, length), bytes);
  }
  return bytes.slice(startOfLast(bytes, lines));
}

async function readAt(file: Deno.FsFile, start: number, length: number): Promise<Uint8Array> {
  await file.seek(start, Deno.SeekMode.Start);
  const bytes = new Uint8Array(length);
  let at = 0;
  for (let count: number | null = 1; at < length && count; at += count ?? 0) {
    count = await file.read(bytes.subarray(at));
  }
  return bytes.subarray(0, at);
}

/** The last one may have no end yet. */
function startOfLast(bytes: Uint8Array, lines: number): number {
  let at = bytes.at(-1) === NEWLINE ? bytes.length - 1 : bytes.length;
  for (let left = lines; left > 0 && at >= 0; left--) at = at === 0 ? -1 : bytes.lastIndexOf(NEWLINE, at - 1);
  return at + 1;
}

function countLines(bytes: Uint8Array): number {
  let count = bytes.length > 0 && bytes.at(-1) !== NEWLINE ? 1 : 0;
  for (const byte of bytes) if (byte === NEWLINE) count++;
  return count;
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = () => {
    clearTimeout(timer);
    signal.removeEventListener("abort", done);
    resolve();
  };
  const timer = setTimeout(done, ms);
  signal.addEventListener("abort", done);
  return promise;
}
