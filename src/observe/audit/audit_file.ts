/** The file of an audit log: one gateway alone writes it, behind the last line that is there. */
import { optionName } from "../../base/option_name.ts";
import { ConfigError } from "../../core/errors.ts";
import { fileFault, logPaths, RotatingFile, type RotationLimits } from "../rotating_file.ts";
import { BEGINNING, type Link, readLine, sha256 } from "./chain.ts";

/** What a gateway that was killed has left of a line. */
interface Torn {
  readonly bytes: number;
  /** Of its text, as it is read. */
  readonly sha256: string;
}

/** Where a chain goes on. */
export interface Found {
  readonly last: Link;
  /** How the gateway before ended; undefined where there is no line. */
  readonly before: "in order" | "without an end" | undefined;
  readonly torn?: Torn;
}

interface OpenedAudit {
  readonly file: RotatingFile;
  readonly found: Found;
  /** Lets another gateway have it. */
  readonly release: () => void;
}

type Kind = "file" | "pipe" | "device";

const PRIVATE = 0o600;
const OF_OTHERS = 0o066;
/** Said by a gateway that ends in order, as its last line. */
export const CLOSED = "audit.closed";
const NOTHING: Found = { last: BEGINNING, before: undefined };
/** No line is as long. */
const MAX_LINE_BYTES = 2 ** 20;
const NEWLINE = 10;

/** Throws ConfigError where it cannot be had, or holds something else. */
export async function openAudit(path: string, limits: RotationLimits): Promise<OpenedAudit> {
  try {
    const kind = kindOf(path);
    // A file that holds something else gets no lock beside it either.
    if (kind === "file") await refuseOther(path);
    const lock = await lockOf(path, kind);
    try {
      const found = lock ? findLast(path) : NOTHING;
      const file = RotatingFile.open(path, limits);
      return { file, found, release: () => lock?.close() };
    } catch (error) {
      lock?.close();
      throw error;
    }
  } catch (cause) {
    throw new ConfigError(`${optionName("auditLog")} ${JSON.stringify(path)}: ${fileFault(cause)}`, {
      cause,
    });
  }
}

async function refuseOther(path: string): Promise<void> {
  try {
    findLast(path);
  } catch (error) {
    // Its gateway is in the midst of a line.
    throw await isHeld(path) ? heldError() : error;
  }
}

function heldError(): Error {
  return new Error("another gateway writes to it; name another file for this one");
}

/** Whether a gateway writes to it. */
export async function isHeld(path: string): Promise<boolean> {
  try {
    using file = await Deno.open(lockPath(path));
    return !await file.tryLock(false);
  } catch {
    // Without a lock nobody has it.
    return false;
  }
}

/** The lock is a file beside it, which stays where the log is renamed. A device has none, and may be shared. */
async function lockOf(path: string, kind: Kind): Promise<Deno.FsFile | undefined> {
  if (kind === "pipe") throw new Error("it is a pipe, expected a file");
  if (kind === "device") return undefined;
  const file = await Deno.open(lockPath(path), { create: true, write: true, mode: PRIVATE });
  if (await file.tryLock(true)) return file;
  file.close();
  throw heldError();
}

function lockPath(path: string): string {
  return `${path}.lock`;
}

function kindOf(path: string): Kind {
  try {
    const { isFile, isDirectory, isFifo, isSocket, mode } = Deno.statSync(path);
    if (isDirectory) throw new Deno.errors.IsADirectory();
    if (isFile) refuseShared(mode);
    return isFile ? "file" : isFifo || isSocket ? "pipe" : "device";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "file";
    throw error;
  }
}

/** What others may write proves nothing, and who did what is not for them to read. Windows does not tell. */
function refuseShared(mode: number | null): void {
  if (mode === null || (mode & OF_OTHERS) === 0) return;
  const octal = (mode & 0o777).toString(8).padStart(4, "0");
  throw new Error(`others than its owner may use it (mode ${octal}): chmod 600 it`);
}

/** Also in the file before, where the newest has nothing yet. */
function findLast(path: string): Found {
  let torn: Torn | undefined;
  for (const one of logPaths(path, 1)) {
    const end = endOf(one);
    torn ??= end?.torn;
    if (end?.line !== undefined) return { ...foundIn(end.line), ...torn && { torn } };
  }
  return { ...NOTHING, ...torn && { torn } };
}

function foundIn(line: string): Found {
  const read = readLine(line);
  if (!read) throw new Error("its last line is none of an audit log; name another file");
  if (!read.intact) {
    throw new Error(
      "its last line is not as it was written (see keystone audit verify); move it away to begin a new chain",
    );
  }
  const { seq, hash, event } = read;
  return { last: { seq, hash }, before: event === CLOSED ? "in order" : "without an end" };
}

interface End {
  /** The last one that is whole. */
  readonly line: string | undefined;
  readonly torn: Torn | undefined;
}

/** Undefined where there is no file, or nothing in it. */
function endOf(path: string): End | undefined {
  const bytes = tailOf(path);
  if (!bytes || bytes.length === 0) return undefined;
  const end = bytes.lastIndexOf(NEWLINE);
  const rest = bytes.subarray(end + 1);
  const begin = end <= 0 ? 0 : bytes.lastIndexOf(NEWLINE, end - 1) + 1;
  return {
    line: end < 0 ? undefined : textOf(bytes.subarray(begin, end)),
    torn: rest.length === 0 ? undefined : { bytes: rest.length, sha256: sha256(textOf(rest)) },
  };
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

function tailOf(path: string): Uint8Array | undefined {
  try {
    using file = Deno.openSync(path);
    const { size } = file.statSync();
    file.seekSync(Math.max(0, size - 2 * MAX_LINE_BYTES), Deno.SeekMode.Start);
    const bytes = new Uint8Array(Math.min(size, 2 * MAX_LINE_BYTES));
    let length = 0;
    for (let count; (count = file.readSync(bytes.subarray(length))) !== null && count > 0;) length += count;
    return bytes.subarray(0, length);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
