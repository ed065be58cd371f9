/** What ends a running gateway: signals, and the launcher closing our stdin. */
import { fstatSync } from "node:fs";

const SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT", "SIGBREAK"]
  : ["SIGINT", "SIGTERM", "SIGHUP"];

/** Within this time a second signal is the first one again: terminals send it to us and to our launcher, which hands it on. */
const SAME_SIGNAL_MS = 500;

export interface StopRequests {
  /** Settles with the reason at the first request. */
  readonly first: Promise<string>;
  /** Settles when a second signal says that waiting is over. */
  readonly second: Promise<void>;
}

/**
 * Listens until the process ends: a late signal that nobody listens to would end it with a code of its own.
 * With `watchStdin` the end of a piped stdin counts as a request to stop; without, stdin is left alone.
 */
export function stopRequests({ watchStdin }: { watchStdin: boolean }): StopRequests {
  const first = Promise.withResolvers<string>();
  const second = Promise.withResolvers<void>();
  let firstAt: number | undefined;
  for (const signal of SIGNALS) {
    Deno.addSignalListener(signal, () => {
      firstAt ??= performance.now();
      first.resolve(signal);
      if (performance.now() - firstAt > SAME_SIGNAL_MS) second.resolve();
    });
  }
  if (watchStdin && isPipe()) void stdinClosed().then(() => first.resolve("stdin was closed"));
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
