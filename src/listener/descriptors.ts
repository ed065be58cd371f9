/** How many connections a process may have: each of them, and each pipe and file, takes a file descriptor. */

/** More than one process of ours answers well, and less than what containers allow by default. */
const MOST = 10_000;
/** Where the limit cannot be asked for; the runtime raises it to what the system allows. */
const ASSUMED_LIMIT = 4_096;
/** The runtime's own, files, and connections to a remote server. */
const OURS = 100;
/** Three pipes, and what the process is watched by. */
const PER_CHILD = 5;
const FEWEST = 16;

/** What is left below the limit when all children run. */
export function connectionsFor({ maxChildren }: { maxChildren: number }, limit = descriptorLimit()): number {
  return Math.min(MOST, Math.max(FEWEST, limit - OURS - PER_CHILD * maxChildren, Math.floor(limit / 4)));
}

/** The soft limit on open files (getrlimit(2), RLIMIT_NOFILE). */
export function descriptorLimit(): number {
  try {
    const text = Deno.readTextFileSync("/proc/self/limits");
    const soft = /^Max open files +(\d+|unlimited)/m.exec(text)?.[1];
    if (soft === "unlimited") return Infinity;
    return soft === undefined ? ASSUMED_LIMIT : Number(soft);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound) && !(error instanceof Deno.errors.PermissionDenied)) {
      throw error;
    }
    return ASSUMED_LIMIT;
  }
}
