/**
 * Ends the children of a gateway that was killed: against SIGKILL nobody can do that for himself. A small shell process
 * beside the gateway is told of each process group, hears of the end of the gateway as the end of its stdin, and stops
 * what is left then as `process_group.ts` would have done.
 */
import { closeSync, constants, openSync, writeSync } from "node:fs";
import { background, type Sink } from "../../core/events.ts";
import { within } from "../../base/waiting.ts";
import { signalGroup, STDIN_GRACE_MS } from "./process_group.ts";

/** How a process list shows it: `/bin/sh -c eval "$WATCH" keystone-orphan-watch …`. */
export const WATCHER_NAME = "keystone-orphan-watch";

/** How often the watcher looks whether a group is gone, once the gateway is. */
const TICK_MS = 100;
/** It has nothing to do at a stop in good order, but may be starved, or stopped by somebody. */
const END_WAIT_MS = 5_000;

/**
 * POSIX sh, for dash, bash, ksh, mksh, yash and busybox. `$1` are the ticks from the end of stdin to SIGTERM, `$2` those
 * to SIGKILL, `$3` is where /proc is; what follows are the groups that are there already.
 * - That another process has a leader's number now is told by the time when that began; nobody gets the number of a
 *   group while a member of it lives.
 * - `kill` is the shell's own or none: one of procps takes the group 1234 for "all processes". The one of busybox knows
 *   no `--`, that of dash does nothing without it.
 * - On Linux nothing but `sleep` is a process: a machine may have no room for another one. A shell that cannot start it
 *   exits, and kills at once.
 * - The first line says that the gateway has found its stdin: what opens a file here takes the place of that for a moment.
 */
const SCRIPT = `
trap '' HUP INT QUIT TERM PIPE
sigterm=$1 sigkill=$2 proc=$3 path=$PATH groups= options=--
shift 3
PATH=/nowhere
command -v kill || exit 1
kill -s 0 -- $$ || options=
PATH=$path

began() {
  began=
  if [ -r "$proc/self/stat" ]; then
    [ -r "$proc/$1/stat" ] || return
    stat=
    while read -r line; do stat="$stat $line"; done <"$proc/$1/stat"
    set -- \${stat##*")"}
    began=\${20-}
  else
    began=$(ps -o lstart= -p "$1" | tr -s ' ' _)
  fi
}

remember() {
  began "$1"
  groups="$groups $1:$began"
}

forget() {
  rest=
  for group in $groups; do
    case $group in "$1":*) ;; *) rest="$rest $group" ;; esac
  done
  groups=$rest
}

signal() {
  kill -s "$1" $options "-\${2%%:*}"
}

look() {
  rest=
  for group in $groups; do
    signal 0 "$group" || continue
    began "\${group%%:*}"
    case $began in '' | "\${group#*:}") rest="$rest $group" ;; esac
  done
  groups=$rest
}

signal_all() {
  look
  for group in $groups; do signal "$1" "$group"; done
}

await() {
  ticks=$1
  while look; [ -n "$groups" ] && [ "$ticks" -gt 0 ]; do
    ticks=$((ticks - 1))
    sleep 0.1 || sleep 1 || return
  done
}

read -r found
for pid do remember "$pid"; done
while read -r what pid; do
  case $pid in '' | 0 | 1 | *[!0-9]*) continue ;; esac
  case $what in
    +) remember "$pid" ;;
    -) forget "$pid" ;;
  esac
done
trap 'signal_all KILL; exit 0' EXIT
await "$sigterm"
signal_all TERM
await "$sigkill"
`;

interface WatcherTimes {
  /** From the end of the gateway, and with it of the children's stdin, to SIGTERM. */
  readonly stdinGraceMs: number;
  /** From SIGTERM to SIGKILL. */
  readonly stopTimeoutMs: number;
}

interface OrphanWatchOptions {
  /** From SIGTERM to SIGKILL. */
  readonly stopTimeoutMs: number;
  readonly emit: Sink;
}

/** One watcher for all children, started with the first of them. */
export class OrphanWatch implements AsyncDisposable {
  readonly #options: OrphanWatchOptions;
  readonly #groups = new Set<number>();
  #watcher: Watcher | undefined;
  /** Whether there has been a child since the last watcher was replaced. */
  #fresh = false;
  /** Whether it is known that there is no watcher. */
  #told = false;

  constructor(options: OrphanWatchOptions) {
    this.#options = options;
  }

  /** The pid of the watcher, while there is one. */
  get watcher(): number | undefined {
    return this.#watcher?.pid;
  }

  /** To be called before a child is started, so that nothing but `add` is left to do afterwards. */
  prepare(): void {
    // The runtime puts its children in a job, which Windows ends together with us.
    if (Deno.build.os === "windows") return;
    this.#watcher ??= this.#start();
  }

  /** The child leads a group of its own. */
  add(pid: number): void {
    this.#groups.add(pid);
    this.#fresh = true;
    this.#watcher?.tell(`+ ${pid}`);
  }

  /** The group is gone. */
  delete(pid: number): void {
    this.#groups.delete(pid);
    this.#watcher?.tell(`- ${pid}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const watcher = this.#watcher;
    this.#watcher = undefined;
    await watcher?.end();
  }

  #start(): Watcher | undefined {
    const { stopTimeoutMs, emit } = this.#options;
    try {
      const watcher = new Watcher({ stdinGraceMs: STDIN_GRACE_MS, stopTimeoutMs }, { groups: this.#groups });
      background(this.#replace(watcher), "watcher of children", emit);
      return watcher;
    } catch (error) {
      this.#tell(error instanceof Error ? error.message : String(error), false);
      return undefined;
    }
  }

  /** One that somebody has ended is replaced, but once for each child: it may be the shell that is broken. */
  async #replace(watcher: Watcher): Promise<void> {
    const reason = await watcher.ended;
    if (this.#watcher !== watcher) return;
    this.#watcher = undefined;
    const replaced = this.#fresh;
    this.#fresh = false;
    this.#tell(reason, replaced);
    if (replaced) this.prepare();
  }

  /** Until it is known that there is none: it is tried with each child. */
  #tell(reason: string, replaced: boolean): void {
    if (this.#told) return;
    this.#told = !replaced;
    const consequence = replaced
      ? "another one takes its place"
      : "if Keystone is killed, children that do not end with their stdin are left behind";
    this.#options.emit({ type: "warning", text: `No watcher for children (${reason}): ${consequence}` });
  }
}

interface WatcherOptions {
  /** What it knows from the start: this process may be killed before it can tell of anything. */
  readonly groups?: Iterable<number>;
  /** Stand for /proc and PATH. */
  readonly proc?: string;
  readonly path?: string;
}

/** Is told of groups by the lines `+ <pid>` and `- <pid>`; the end of this process, or `end`, sets it to work. */
export class Watcher {
  /** Settles with how it ended. */
  readonly ended: Promise<string>;
  readonly #process: Deno.ChildProcess;
  readonly #input: WatcherInput;

  /** Throws when there is no shell, or no room for another process. */
  constructor(times: WatcherTimes, options: WatcherOptions = {}) {
    const { groups = [], proc = "/proc", path = `/usr/bin:/bin:${Deno.env.get("PATH") ?? ""}` } = options;
    const ticks = (ms: number) => `${Math.ceil(ms / TICK_MS)}`;
    const own = [WATCHER_NAME, ticks(times.stdinGraceMs), ticks(times.stopTimeoutMs), proc];
    const known = [...groups].map((pid) => `${pid}`);
    this.#process = new Deno.Command("/bin/sh", {
      args: ["-c", 'eval "$WATCH"', ...own, ...known],
      // What else the gateway's environment holds is none of its business.
      clearEnv: true,
      env: { WATCH: SCRIPT, PATH: path, LC_ALL: "C" },
      // Whoever kills the gateway's group does not reach it.
      detached: true,
      stdin: "piped",
      // Pipes of ours that it held would look as if we were still there.
      stdout: "null",
      stderr: "null",
    }).spawn();
    this.#input = inputOf(this.#process, proc);
    this.tell("");
    this.ended = this.#process.status.then(({ code, signal }) => `it ended with ${signal ?? `code ${code}`}`);
  }

  get pid(): number {
    return this.#process.pid;
  }

  tell(line: string): void {
    try {
      this.#input.write(`${line}\n`);
    } catch (error) {
      // It reads no more: one that has ended is replaced, and one that somebody has stopped has to end for that.
      if (isFull(error)) signalGroup(this.pid, "SIGKILL");
    }
  }

  async end(): Promise<void> {
    this.#input.end();
    if (!await within(END_WAIT_MS, this.ended)) signalGroup(this.pid, "SIGKILL");
    await this.ended;
  }
}

interface WatcherInput {
  write(line: string): void;
  end(): void;
}

/**
 * A stream of the runtime writes in a later turn of the event loop, which may not come any more. Linux lets us open the
 * pipe once more, as a file that takes a line at once, and says so where it is full.
 */
function inputOf({ pid, stdin }: Deno.ChildProcess, proc: string): WatcherInput {
  const ignore = (promise: Promise<void>) => void promise.catch(() => {});
  try {
    const file = openSync(`${proc}/${pid}/fd/0`, constants.O_WRONLY | constants.O_NONBLOCK);
    ignore(stdin.close());
    return { write: (line) => void writeSync(file, line), end: () => closeSync(file) };
  } catch {
    // No /proc: another system than Linux, or one that hides it from us.
    const writer = stdin.getWriter();
    const encoder = new TextEncoder();
    return { write: (line) => ignore(writer.write(encoder.encode(line))), end: () => ignore(writer.close()) };
  }
}

function isFull(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EAGAIN";
}
