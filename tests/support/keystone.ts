/** Starts the real gateway as a user would, in a process of its own, on a free port. */
import { fileURLToPath as fromFileUrl } from "node:url";
import { DEADLINE_MS, inTime } from "../contract/deadline.ts";
import { DEV_CONFIG, ROOT } from "../../scripts/run_deno.ts";
import { WATCHER_NAME } from "../../src/backends/process/orphan_watch.ts";

/** Published servers, pinned, started without a package manager in between. */
export const EVERYTHING = published("@modelcontextprotocol/server-everything@2026.8.31", "stdio");
export const MEMORY = published("@modelcontextprotocol/server-memory@2026.8.31");
export const filesystem = (folder: string) =>
  published("@modelcontextprotocol/server-filesystem@2026.8.31", folder);

/** The project's own fixtures. */
export const SCRIPTED = fixture("scripted_server.ts");
export const CONFORMANCE = withPackages(fixture("conformance_server.ts"));
/** Of 2026-07-28 alone, and of that and all before. */
export const MODERN = withPackages(fixture("modern_server.ts"));
export const DUAL = [...MODERN, "--legacy", "serve"];
export const PAGED = withPackages(fixture("paged_server.ts"));
export const MODERN_SHARED = withPackages(fixture("modern_shared_server.ts"));
export const SMALL_LEGACY = withPackages(fixture("small_legacy_server.ts"));
export const SMALL_MODERN = withPackages(fixture("small_modern_server.ts"));
export const SMALL_DUAL = [...SMALL_MODERN, "--dual"];
const LEAPING_CLOCK = fromFileUrl(new URL("../fixtures/leaping_clock.ts", import.meta.url));

function published(name: string, ...args: string[]): string[] {
  return [Deno.execPath(), "run", "-A", "--no-lock", "--no-config", `npm:${name}`, ...args];
}

function fixture(name: string): string[] {
  return [Deno.execPath(), "run", "-A", fromFileUrl(new URL(`../fixtures/${name}`, import.meta.url))];
}

/** For a program of ours that imports what tests alone have. */
export function withPackages([deno = "", run = "", ...rest]: readonly string[]): string[] {
  return [deno, run, "--config", `${ROOT}/${DEV_CONFIG}`, ...rest];
}

export interface Keystone extends AsyncDisposable {
  readonly pid: number;
  /** Where the wires are, as the banner says. */
  readonly mcp: string;
  readonly sse: string;
  readonly ws: string;
  readonly port: number;
  readonly stdout: string;
  /** Everything on stderr so far. */
  stderr(): string;
  /** Settles when stderr matches; rejects when the process ends first. */
  logged(pattern: RegExp): Promise<string>;
  /** Processes below the gateway, grandchildren included. */
  children(): Promise<number[]>;
  signal(signal: Deno.Signal): void;
  /** With `leapMs`: so much time passes at once. */
  leap(): Promise<void>;
  /** Settles when the process has ended. */
  readonly status: Promise<Deno.CommandStatus>;
  /** SIGTERM, then the exit status. */
  stop(): Promise<Deno.CommandStatus>;
}

export interface StartOptions {
  /** What stands after `--`. */
  server?: readonly string[];
  env?: Record<string, string>;
  /** Where it is started. */
  cwd?: string;
  /** Whether a free port is asked for by a flag; so it is by default. */
  freePort?: false;
  /** The program before the flags; main.ts by default. */
  entry?: readonly string[];
  /** How much time passes at each `leap`. */
  leapMs?: number;
  /** What starts Deno, where something must be set before it. */
  launcher?: readonly string[];
}

/** Most tests count what is started for their own clients. */
const UNTRIED = "--no-try-at-start";

/** Most tests of who is let in try what is wrong again and again. */
const FORBEARING = ["--authAttempts", "100000"];

/** A leap is not to end connections on which something is under way: none of them is slow. */
const PATIENCE = ["--headerTimeout", "--idleTimeout", "--bodyTimeout", "--stallTimeout"].flatMap((flag) => [
  flag,
  "596h",
]);

export function commandLine(flags: readonly string[], options: StartOptions = {}): string[] {
  const { entry = [fromFileUrl(new URL("../../main.ts", import.meta.url))], server, leapMs } = options;
  const [preload, patience] = leapMs === undefined ? [[], []] : [["--preload", LEAPING_CLOCK], PATIENCE];
  const asked = flags.some((flag) => /^--(no-)?(tryAtStart|try-at-start)/.test(flag));
  const untried = !asked && (server || flags.includes("--stdio")) ? [UNTRIED] : [];
  const tries = flags.includes("--auth") && !flags.includes("--authAttempts") ? FORBEARING : [];
  const command = server ? ["--", ...server] : [];
  return ["run", "-A", ...preload, ...entry, ...untried, ...tries, ...patience, ...flags, ...command];
}

/** Whoever runs the tests may have a configuration of his own. */
const NO_USER_FILES = { XDG_CONFIG_HOME: "/dev/null" };

export function environment({ env, leapMs }: StartOptions): Record<string, string> {
  return { NO_COLOR: "1", ...NO_USER_FILES, ...env, ...leapMs === undefined ? {} : { LEAP_MS: `${leapMs}` } };
}

function folderOf({ cwd }: StartOptions): { cwd?: string } {
  return cwd === undefined ? {} : { cwd };
}

/** Has a gateway leap; settles when it has. */
export function leaper(pid: number, logged: (pattern: RegExp) => Promise<unknown>): () => Promise<void> {
  let leaps = 0;
  return async () => {
    signal(pid, "SIGURG");
    await logged(new RegExp(`^Leap ${++leaps}$`, "m"));
  };
}

/** Runs to the end, for command lines that must not start anything. */
export async function runKeystone(flags: readonly string[], options: StartOptions = {}) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: commandLine(flags, options),
    stdin: "null",
    env: { NO_COLOR: "1", ...NO_USER_FILES, ...options.env },
    ...folderOf(options),
  }).output();
  return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

/** Settles when the banner is complete. Throws with stderr when the gateway does not start. */
export async function startKeystone(
  flags: readonly string[],
  options: StartOptions = {},
): Promise<Keystone> {
  const [program = "", ...args] = [...options.launcher ?? [], Deno.execPath()];
  const child = new Deno.Command(program, {
    args: [
      ...args,
      ...commandLine([...options.freePort === false ? [] : ["--port", "0"], ...flags], options),
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: environment(options),
    ...folderOf(options),
  }).spawn();
  const log = new TextLog(child.stderr);
  const out = new TextLog(child.stdout);
  // The banner ends with the client configuration, and in JSON it is one line.
  const stdout = await out.matching(/^\{.*\}\n|\n}\n/).catch(() => {
    throw new Error(`Keystone did not start:\n${log.text}`);
  });
  const url = (label: string) =>
    stdout.match(new RegExp(`${label}(?: +|","type":"\\w+","url":")([^\\s"]+)`))?.[1] ?? "";
  const [mcp, sse, ws] = [url("Streamable HTTP"), url("SSE"), url("WebSocket")];
  const stop = async () => {
    signal(child.pid, "SIGTERM");
    const status = await child.status;
    await Promise.all([log.ended, out.ended]);
    return status;
  };
  return {
    pid: child.pid,
    mcp,
    sse,
    ws,
    port: Number(
      new URL(stdout.match(/Listens on +(\S+)/) ? `http://${url("Listens on")}` : mcp || sse || ws).port,
    ),
    stdout,
    stderr: () => log.text,
    logged: (pattern) => log.matching(pattern),
    children: () => descendants(child.pid),
    signal: (name) => signal(child.pid, name),
    leap: leaper(child.pid, (pattern) => log.matching(pattern)),
    status: child.status,
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
    },
  };
}

function signal(pid: number, name: Deno.Signal): void {
  try {
    Deno.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound) && !(error instanceof TypeError)) throw error;
  }
}

/** Every process below this one, but for the watchers of gateways and what those run. */
export async function descendants(pid: number): Promise<number[]> {
  const rows = await processRows();
  const below = (parent: number): number[] =>
    rows.filter(({ ppid, watches }) => ppid === parent && !watches).flatMap((row) => [
      row.pid,
      ...below(row.pid),
    ]);
  return below(pid);
}

/** The process that ends the children of this gateway when it is killed. */
export async function watchersOf(gateway: number): Promise<number[]> {
  const rows = await processRows();
  return rows.filter(({ ppid, watches }) => ppid === gateway && watches).map(({ pid }) => pid);
}

interface ProcessRow {
  readonly pid: number;
  readonly ppid: number;
  readonly args: string;
  readonly watches: boolean;
}

async function processRows(): Promise<ProcessRow[]> {
  const { stdout } = await new Deno.Command("ps", { args: ["-eo", "pid=,ppid=,stat=,args="] }).output();
  const rows = new TextDecoder().decode(stdout).trim().split("\n")
    .map((row) => row.trim().split(/\s+/))
    // A zombie has ended; only its parent has not looked yet.
    .filter(([, , stat]) => !stat?.startsWith("Z"))
    .map(([pid, ppid, , ...words]) => {
      const args = words.join(" ");
      return { pid: Number(pid), ppid: Number(ppid), args, watches: words.includes(WATCHER_NAME) };
    });
  const byPid = new Map(rows.map((row) => [row.pid, row]));
  return rows.filter((row) => !isUndecided(row, byPid.get(row.ppid)));
}

/**
 * Between fork and exec a process is nobody yet: a child, or a watcher. It has the arguments of its parent or, in the midst
 * of exec, none: `ps` writes its name in brackets then.
 */
function isUndecided({ args }: ProcessRow, parent: ProcessRow | undefined): boolean {
  return /^\[.*\]$/.test(args) || (args === parent?.args && args.startsWith(Deno.execPath()));
}

/** Asks again and again until the answer is right: for what has no event, such as the process table. */
export async function eventually<T>(ask: () => Promise<T>, right: (value: T) => boolean): Promise<T> {
  const deadline = performance.now() + DEADLINE_MS;
  while (true) {
    const value = await ask();
    if (right(value)) return value;
    if (performance.now() > deadline) throw new Error(`It never became right: ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Has a gateway leap again and again until the promise settles: for what there is no sign of before the leap. */
export async function leapUntil<T>(gateway: Pick<Keystone, "leap">, promise: Promise<T>): Promise<T> {
  let over = false;
  const settled = promise.finally(() => over = true);
  while (!over) {
    await gateway.leap();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return await settled;
}

/** The text of a stream as it grows. */
export class TextLog {
  text = "";
  readonly ended: Promise<void>;
  #changed = Promise.withResolvers<void>();
  #over = false;

  constructor(stream: ReadableStream<Uint8Array>) {
    this.ended = this.#read(stream);
  }

  async matching(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.text)) {
      if (this.#over) throw new Error(`The output ended without ${pattern}:\n${this.text}`);
      await inTime(this.#changed.promise, `${pattern} in\n${this.text}\n`);
    }
    return this.text;
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      this.text += text;
      this.#tell();
    }
    this.#over = true;
    this.#tell();
  }

  #tell(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}
