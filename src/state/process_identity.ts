/**
 * Which process has a pid: numbers are used again, so the time of its start tells it from another one. A zombie counts
 * as gone.
 */
import { kill } from "node:process";

/** Where a start time came from stands in front of it: only two of one source can be compared. */
const SOURCES: Readonly<Record<string, (pid: number) => string | undefined>> = { proc: fromProc, ps: fromPs };

/** Field 22 of /proc/PID/stat (proc_pid_stat(5)), counted from the state, which follows the name of the program. */
const START_FIELD = 19;

/** Undefined for a process that is gone, or where no source says when one began. */
export function startOf(pid: number): string | undefined {
  for (const [source, ask] of Object.entries(SOURCES)) {
    const began = ask(pid);
    if (began !== undefined) return `${source} ${began}`;
  }
  return undefined;
}

/** Whether this process runs, and is the one that began then. What nobody knows the start of counts by its number. */
export function isSameProcess(pid: number, start: string | undefined): boolean {
  if (!exists(pid)) return false;
  const [source = "", ...rest] = start?.split(" ") ?? [];
  const ask = SOURCES[source];
  if (!ask || start === undefined) return true;
  const began = ask(pid);
  // It may have gone meanwhile; where the source has nothing of ourselves either, it has nothing to say.
  if (began === undefined) return ask(Deno.pid) === undefined;
  return began === rest.join(" ");
}

/** Also of another user's. */
function exists(pid: number): boolean {
  try {
    return kill(pid, 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** Ticks since the machine has started count with the name of that start. */
function fromProc(pid: number): string | undefined {
  if (Deno.build.os !== "linux") return undefined;
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    const fields = stat.slice(stat.lastIndexOf(")") + 1).trim().split(" ");
    const ticks = fields[START_FIELD];
    if (ticks === undefined || isOver(fields[0])) return undefined;
    return `${Deno.readTextFileSync("/proc/sys/kernel/random/boot_id").trim()} ${ticks}`;
  } catch (error) {
    // A binary may not read there.
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

function fromPs(pid: number): string | undefined {
  if (Deno.build.os === "windows") return undefined;
  try {
    const { stdout } = new Deno.Command("ps", {
      args: ["-o", "stat=,lstart=", "-p", `${pid}`],
      env: { LC_ALL: "C", TZ: "UTC" },
      stderr: "null",
    }).outputSync();
    const [state, ...began] = new TextDecoder().decode(stdout).trim().split(/\s+/);
    return began.length === 0 || isOver(state) ? undefined : began.join(" ");
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

/** Zombie and dead. */
function isOver(state: string | undefined): boolean {
  return state === undefined || /^[ZX]/i.test(state);
}

function isAbsence(error: unknown): boolean {
  return [Deno.errors.NotFound, Deno.errors.NotCapable, Deno.errors.PermissionDenied].some((kind) =>
    error instanceof kind
  ) || (error instanceof Error && /os error 3\)/.test(error.message)); // ESRCH: it ended while it was read
}
