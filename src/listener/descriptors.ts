/** How many connections a process may have: each of them, and each pipe and file, takes a file descriptor. */
import { optionName } from "../base/option_name.ts";
import { BusyError } from "../core/errors.ts";

/** More than one process of ours answers well, and less than what containers allow by default. */
const MOST = 10_000;
/** Where the limit cannot be asked for; the runtime raises it to what the system allows. */
const ASSUMED_LIMIT = 4_096;
/** The runtime's own, files, and connections to a remote server. */
const OURS = 100;
/** Three pipes, and what the process is watched by. */
const PER_CHILD = 5;
const FEWEST = 16;
const EXPECTED = [Deno.errors.NotFound, Deno.errors.NotCapable, Deno.errors.PermissionDenied];

/** EMFILE and ENFILE (accept(2)). */
export function isOutOfDescriptors(error: unknown): boolean {
  return error instanceof Error && /os error (23|24)\)|EMFILE|ENFILE/.test(error.message);
}

/** Rejects with BusyError where there is no file descriptor left: that is no fault, and passes. */
export async function orBusy<T>(opening: Promise<T>): Promise<T> {
  try {
    return await opening;
  } catch (cause) {
    if (!isOutOfDescriptors(cause)) throw cause;
    throw new BusyError("Too many connections: no file descriptor is left", { cause });
  }
}

interface Needs {
  readonly maxChildren: number;
}

/** How many there may be where nobody says so. */
export function connectionsFor(needs: Needs, limit = descriptorLimit()): number {
  return Math.min(MOST, roomBelow(limit, needs));
}

/** A warning where more are allowed than will find a descriptor. */
export function tooManyFor(
  maxConnections: number,
  needs: Needs,
  limit = descriptorLimit(),
): string | undefined {
  const room = roomBelow(limit, needs);
  if (maxConnections <= room) return undefined;
  return `${
    optionName("maxConnections")
  } ${maxConnections} is more than the limit of open files leaves, which is ${room} of ${limit}: ` +
    "who comes beyond that may find no file descriptor left; raise the limit, as by ulimit -n";
}

/** What is left when all children run. */
function roomBelow(limit: number, { maxChildren }: Needs): number {
  return Math.max(FEWEST, limit - OURS - PER_CHILD * maxChildren, Math.floor(limit / 4));
}

/** The soft limit on open files (getrlimit(2), RLIMIT_NOFILE), which the runtime has raised as far as it may. */
export function descriptorLimit(): number {
  const soft = fromProc() ?? fromShell();
  if (soft === "unlimited") return Infinity;
  return Number(soft) || ASSUMED_LIMIT;
}

function fromProc(): string | undefined {
  try {
    const text = Deno.readTextFileSync("/proc/self/limits");
    return /^Max open files +(\d+|unlimited)/m.exec(text)?.[1];
  } catch (error) {
    // Elsewhere than on Linux there is no such file, and a binary may not read it.
    if (!EXPECTED.some((kind) => error instanceof kind)) throw error;
    return undefined;
  }
}

/** A child has the limit of its parent. */
function fromShell(): string | undefined {
  if (Deno.build.os === "windows") return undefined;
  try {
    const { stdout } = new Deno.Command("/bin/sh", { args: ["-c", "ulimit -n"], stderr: "null" })
      .outputSync();
    return new TextDecoder().decode(stdout).trim();
  } catch (error) {
    if (!EXPECTED.some((kind) => error instanceof kind)) throw error;
    return undefined;
  }
}
