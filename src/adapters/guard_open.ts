/** A backend that opens servers only while a guard allows it: for servers that are not supervised. */
import type { Backend, Launch } from "../core/backend.ts";
import { around, heard } from "../core/around.ts";
import type { Channel } from "../core/channel.ts";
import { BusyError, serverFailure } from "../core/errors.ts";
import type { CrashGuard } from "./crash_guard.ts";

/** `open` rejects with BackendError while the server has failed; a launch that is spared is none of the guard's business. */
export function guardOpen(
  backend: Backend,
  guard: CrashGuard,
  isSpared: (launch: Launch) => boolean = () => false,
): Backend {
  return {
    name: backend.name,
    async open(launch, signal) {
      if (isSpared(launch)) return await backend.open(launch, signal);
      guard.admit();
      const since = performance.now();
      const ended = (error: unknown) => {
        const livedMs = performance.now() - since;
        if (error instanceof BusyError || signal.aborted) return;
        guard.ended({ reason: serverFailure(error), provoked: false, livedMs });
      };
      try {
        return provingUse(await backend.open(launch, signal), { guard, ended });
      } catch (error) {
        ended(error);
        throw error;
      }
    },
    [Symbol.asyncDispose]: () => backend[Symbol.asyncDispose](),
  };
}

interface Watch {
  readonly guard: CrashGuard;
  readonly ended: (error: unknown) => void;
}

/** The same channel; its first message is the proof that opening it was of use. */
function provingUse(channel: Channel, { guard, ended }: Watch): Channel {
  let proved = false;
  const incoming = heard(channel.incoming, {
    hear(envelope) {
      if (!proved) guard.proved();
      proved = true;
      return envelope;
    },
    over(failure) {
      if (failure && !proved) ended(failure.error);
    },
  });
  return around(channel, { incoming });
}
