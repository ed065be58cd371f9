/** A guard whose failed server is tried again by itself: clients that were refused may not come back. */
import { BusyError, serverFailure } from "../core/errors.ts";
import { background, type Sink } from "../core/events.ts";
import { pause } from "../base/retry.ts";
import { CrashGuard, type CrashGuardOptions } from "./crash_guard.ts";

export interface ProbeOptions extends CrashGuardOptions {
  /** Settles when the server is of use; throws what it failed with. */
  readonly probe: () => Promise<void>;
  /** Ends the probing. */
  readonly signal: AbortSignal;
  readonly emit: Sink;
}

export function probingGuard(options: ProbeOptions): CrashGuard {
  const { emit, onFailed } = options;
  let probing: Promise<void> | undefined;
  const guard: CrashGuard = new CrashGuard({
    ...options,
    onFailed(reason) {
      onFailed?.(reason);
      // One that failed again while we wait for the next try is not tried twice as often.
      if (probing) return;
      probing = probeUntilStarted(guard, options).finally(() => probing = undefined);
      background(probing, "probe of a failed server", emit);
    },
  });
  return guard;
}

async function probeUntilStarted(guard: CrashGuard, options: ProbeOptions): Promise<void> {
  const { probe, probeMs, signal } = options;
  while (guard.failure !== undefined) {
    try {
      await pause(probeMs, signal);
    } catch {
      return; // The gateway stops.
    }
    // A client may have found out meanwhile.
    if (guard.failure !== undefined) await tryOnce(guard, probe);
  }
}

async function tryOnce(guard: CrashGuard, probe: () => Promise<void>): Promise<void> {
  try {
    await probe();
    guard.started();
  } catch (error) {
    // A lack of room says nothing of the server.
    if (error instanceof BusyError) return;
    guard.ended({ reason: serverFailure(error), provoked: false, livedMs: 0 });
  }
}
