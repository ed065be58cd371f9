/** What ends a running gateway: signals, the launcher closing our stdin or ending, and nobody being connected. */
import { fstatSync } from "node:fs";
import { kill } from "node:process";
import { durationText } from "../base/duration.ts";

const SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT", "SIGBREAK"]
  : ["SIGINT", "SIGTERM", "SIGHUP"];

/** Within this time a second signal is the first one again: terminals send it to us and to our launcher, which hands it on. */
const SAME_SIGNAL_MS = 500;

/** No event tells that a process which is not a child of ours has ended. */
const PARENT_POLL_MS = 1_000;

interface StopRequestOptions {
  /** The end of a piped stdin counts as a request to stop; without this, stdin is left alone. */
  readonly watchStdin: boolean;
  /** The end of the process that launched us counts, too. */
  readonly watchParent: boolean;
  /** What SIGHUP is for, where it is not to stop. */
  readonly onHangup?: (() => void) | undefined;
  /** And so does a time without anybody connected; `since` says when that began, and undefined while somebody is. */
  readonly idle?: { readonly ms: number; readonly since: () => number | undefined } | undefined;
}

interface StopRequests {
  /** Settles with the reason at the first request. */
  readonly first: Promise<string>;
  /** Settles when a second signal says that waiting is over. */
  readonly second: Promise<void>;
}

/** Listens until the process ends: a late signal that nobody listens to would end it with a code of its own. */
export function stopRequests({ watchStdin, watchParent, onHangup, idle }: StopRequestOptions): StopRequests {
  const first = Promise.withResolvers<string>();
  const second = Promise.withResolvers<void>();
  let firstAt: number | undefined;
  if (onHangup) Deno.addSignalListener("SIGHUP", onHangup);
  for (const signal of SIGNALS) {
    if (signal === "SIGHUP" && onHangup) continue;
    Deno.addSignalListener(signal, () => {
      firstAt ??= performance.now();
      first.resolve(signal);
      if (performance.now() - firstAt > SAME_SIGNAL_MS) second.resolve();
    });
  }
  if (watchStdin && isPipe()) void stdinClosed().then(() => first.resolve("stdin was closed"));
  if (watchParent) void parentEnded().then(() => first.resolve("the parent process ended"));
  if (idle) {
    const reason = `nobody has been connected for ${durationText(idle.ms)}`;
    void deserted(idle).then(() => first.resolve(reason));
  }
  return { first: first.promise, second: second.promise };
}

/** As supergateway: a launcher that closes our stdin is done with us. A terminal or /dev/null says nothing. */
function isPipe(): boolean {
  try {
    const stat = fstatSync(0);
    return stat.isFIFO() || stat.isSocket();
  } catch {
    // No stdin at all: nobody can close it.
    return false;
  }
}

async function stdinClosed(): Promise<void> {
  try {
    for await (const _ of Deno.stdin.readable);
  } catch {
    // A stdin that cannot be read is as good as closed.
  }
}

/** An orphan gets another parent; where it does not, as on Windows, the old one can be looked for. */
async function parentEnded(): Promise<void> {
  const parent = Deno.ppid;
  const left = () => Deno.ppid !== parent || (Deno.build.os === "windows" && !isRunning(parent));
  while (!left()) await sleep(PARENT_POLL_MS);
}

function isRunning(pid: number): boolean {
  try {
    // Signal 0 asks and does nothing.
    return kill(pid, 0);
  } catch (error) {
    // One that may not be asked is there.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** While somebody is connected nothing can be over before the whole time has passed again. */
async function deserted({ ms, since }: NonNullable<StopRequestOptions["idle"]>): Promise<void> {
  while (true) {
    const leftMs = (since() ?? performance.now()) + ms - performance.now();
    if (leftMs <= 0) return;
    await sleep(Math.ceil(leftMs));
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
