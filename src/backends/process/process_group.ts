/** A child and everything it started, stopped as one: rule 3 in docs/architecture.md. */
import process from "node:process";
import { within } from "../../base/waiting.ts";

/** After its stdin is closed a well-behaved server ends by itself; npm wrappers need a moment to notice. */
export const STDIN_GRACE_MS = 1_000;
/** How often to look whether a group is empty: there is no event for the end of a grandchild. */
const POLL_MS = 20;
/** SIGKILL works at once, but the kernel may take a while to take the processes down. */
const KILL_WAIT_MS = 1_000;

interface ProcessGroupOptions {
  /** Settles when the leader has ended. */
  exited: Promise<unknown>;
  /** From SIGTERM to SIGKILL. */
  stopTimeoutMs: number;
}

export class ProcessGroup {
  readonly #pid: number;
  readonly #exited: Promise<unknown>;
  readonly #stopTimeoutMs: number;
  #stopping: Promise<void> | undefined;

  /** `pid` is a group leader: the child was started with `detached: true`. */
  constructor(pid: number, options: ProcessGroupOptions) {
    this.#pid = pid;
    this.#exited = options.exited;
    this.#stopTimeoutMs = options.stopTimeoutMs;
  }

  /** Waits for the end that a closed stdin brings, then SIGTERM, then SIGKILL. Settles when the group is gone. */
  stop(): Promise<void> {
    return this.#stopping ??= this.#stop();
  }

  /** SIGKILL to the whole group, at once. */
  kill(): void {
    signalGroup(this.#pid, "SIGKILL");
  }

  async #stop(): Promise<void> {
    await within(STDIN_GRACE_MS, this.#exited);
    for (const [signal, waitMs] of [["SIGTERM", this.#stopTimeoutMs], ["SIGKILL", KILL_WAIT_MS]] as const) {
      if (!isAlive(this.#pid)) return;
      signalGroup(this.#pid, signal);
      await this.#groupEnds(waitMs);
    }
  }

  async #groupEnds(withinMs: number): Promise<void> {
    const deadline = performance.now() + withinMs;
    // Of the leader's end there is news, and mostly it is the end of all.
    await within(withinMs, this.#exited);
    while (isAlive(this.#pid) && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}

const windows = Deno.build.os === "windows";

/** Does nothing where nobody is left, or where they are another user's. */
export function signalGroup(pid: number, signal: "SIGTERM" | "SIGKILL"): void {
  try {
    // Windows knows no groups and no SIGTERM: taskkill walks the tree.
    if (windows) {
      new Deno.Command("taskkill", { args: ["/PID", `${pid}`, "/T", "/F"], stdout: "null", stderr: "null" })
        .outputSync();
    } else Deno.kill(-pid, signal);
  } catch (error) {
    if (!isGone(error) && !isForeign(error)) throw error;
  }
}

/** Whether any member of the group is left, the leader included. */
function isAlive(pid: number): boolean {
  try {
    return process.kill(windows ? pid : -pid, 0);
  } catch (error) {
    if (isForeign(error)) return true;
    if (!isGone(error)) throw error;
    return false;
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound ||
    (error instanceof Error && "code" in error && error.code === "ESRCH");
}

/** It runs as another user, after `sudo` for instance: beyond our reach, save for its stdin. */
function isForeign(error: unknown): boolean {
  return error instanceof Deno.errors.PermissionDenied ||
    (error instanceof Error && "code" in error && error.code === "EPERM");
}
