/** A backend whose servers are opened only while a guard lets them be: for servers that nobody supervises. */
import type { Backend } from "../core/backend.ts";
import type { Channel, Envelope } from "../core/channel.ts";
import { LimitError } from "../core/errors.ts";
import type { CrashGuard } from "./crash_guard.ts";
import { messageOf } from "./server_link.ts";

/** `open` rejects with BackendError while the server has failed. */
export function guardOpen(backend: Backend, guard: CrashGuard): Backend {
  return {
    name: backend.name,
    async open(launch, signal) {
      guard.admit();
      const since = performance.now();
      const ended = (error: unknown) => {
        const livedMs = performance.now() - since;
        if (error instanceof LimitError || signal.aborted) return;
        guard.ended({ reason: messageOf(error), provoked: false, livedMs });
      };
      try {
        return watched(await backend.open(launch, signal), { guard, ended });
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
function watched(channel: Channel, { guard, ended }: Watch): Channel {
  async function* incoming(): AsyncGenerator<Envelope> {
    let proved = false;
    try {
      for await (const envelope of channel.incoming) {
        if (!proved) guard.proved();
        proved = true;
        yield envelope;
      }
    } catch (error) {
      if (!proved) ended(error);
      throw error;
    }
  }
  return {
    incoming: incoming(),
    send: (envelope) => channel.send(envelope),
    close: (reason) => channel.close(reason),
    [Symbol.asyncDispose]: () => channel[Symbol.asyncDispose](),
  };
}
