/** Processes that the benchmark starts, and ends by their own id. */
import { statIfPresent } from "../source_files.ts";

const STOP_GRACE_MS = 3_000; // a gateway ends its children first
const LOG_TAIL = 300;

export interface StartOptions {
  /** The core that it and its children run on; undefined leaves that to the system. */
  readonly core: number | undefined;
  /** Where what it prints goes. */
  readonly log: string;
}

/** A gateway, or whatever else serves. */
export class Started implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #log: string;
  #ended: Deno.CommandStatus | undefined;

  constructor(command: readonly string[], { core, log }: StartOptions) {
    const pin = core === undefined ? [] : ["taskset", "--cpu-list", String(core)];
    // The shell replaces itself, so that the id of the process is that of the gateway.
    const shell = ["sh", "-c", 'log=$1; shift; exec "$@" >"$log" 2>&1', "sh", log];
    const [program = "", ...args] = [...pin, ...shell, ...command];
    this.#child = new Deno.Command(program, { args, stdin: "null", stdout: "null", stderr: "null" }).spawn();
    this.#child.status.then((status) => this.#ended = status);
    this.#log = log;
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Throws once the process has ended, with the last that it said. */
  async checkAlive(): Promise<void> {
    if (!this.#ended) return;
    const text = await statIfPresent(this.#log) ? await Deno.readTextFile(this.#log) : "";
    throw new Error(`It ended with code ${this.#ended.code}: ${text.trim().slice(-LOG_TAIL)}`);
  }

  /** Resident memory of the process, without its children, in kB. */
  async memory(): Promise<number> {
    const path = `/proc/${this.pid}/status`;
    if (!await statIfPresent(path)) throw new Error("No /proc to read the memory from");
    const size = (await Deno.readTextFile(path)).match(/^VmRSS:\s*(\d+) kB$/m)?.[1];
    if (size === undefined) throw new Error("The process has no memory any more");
    return Number(size);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const timer = setTimeout(() => this.#kill("SIGKILL"), STOP_GRACE_MS);
    this.#kill("SIGTERM");
    await this.#child.status;
    clearTimeout(timer);
  }

  #kill(signal: Deno.Signal): void {
    try {
      this.#child.kill(signal);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // it has ended by itself
    }
  }
}

/** A port of the loopback that nobody listens on. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
