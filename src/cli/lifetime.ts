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
  /** Lets go of signals and stdin. */
  release(): void;
}

export function stopRequests(): StopRequests {
  const first = Promise.withResolvers<string>();
  const second = Promise.withResolvers<void>();
  let firstAt: number | undefined;
  const listeners = SIGNALS.map((signal) => {
    const listener = () => {
      firstAt ??= performance.now();
      first.resolve(signal);
      if (performance.now() - firstAt > SAME_SIGNAL_MS) second.resolve();
    };
    Deno.addSignalListener(signal, listener);
    return () => Deno.removeSignalListener(signal, listener);
  });
  const stdin = isPipe() ? watchStdin(() => first.resolve("stdin was closed")) : undefined;
  return {
    first: first.promise,
    second: second.promise,
    release() {
      for (const remove of listeners) remove();
      stdin?.release();
    },
  };
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

function watchStdin(onClosed: () => void): { release(): void } {
  const reader = Deno.stdin.readable.getReader();
  const drain = async () => {
    while (!(await reader.read()).done);
  };
  let released = false;
  drain().catch(() => {}).finally(() => released || onClosed());
  return {
    release() {
      released = true;
      void reader.cancel().catch(() => {});
    },
  };
}
