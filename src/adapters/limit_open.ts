/** A backend that has no more servers open than there are places. */
import type { Backend } from "../core/backend.ts";
import type { Channel } from "../core/channel.ts";
import { LimitError } from "../core/errors.ts";
import type { Room } from "../core/room.ts";

/** The sessions whose servers hold a place. */
export class Holders {
  readonly #names = new Map<string, symbol>();

  has(session: string): boolean {
    return this.#names.has(session);
  }

  /** Returns what ends it, whatever the session is called by then. */
  add(session: string): () => void {
    const holder = Symbol(session);
    this.#names.set(session, holder);
    return () => {
      for (const [name, known] of this.#names) if (known === holder) this.#names.delete(name);
    };
  }

  /** A server that was opened ahead got its session. */
  rename(label: string, session: string): void {
    const holder = this.#names.get(label);
    if (!holder) return;
    this.#names.delete(label);
    this.#names.set(session, holder);
  }
}

export interface LimitOpenOptions {
  readonly room: Room;
  readonly holders: Holders;
  /** Whether `open` waits for a place; without, it takes one that nobody else wants or none. */
  readonly waits: boolean;
}

/** `open` rejects with LimitError when there is no place for the server. */
export function limitOpen(backend: Backend, { room, holders, waits }: LimitOpenOptions): Backend {
  return {
    name: backend.name,
    async open(launch, signal) {
      if (waits) await room.take(() => signal);
      else if (!room.tryTake()) throw new LimitError("There is no room for another child");
      try {
        const channel = await backend.open(launch, signal);
        const release = holders.add(launch.session);
        return leaving(channel, () => {
          release();
          room.leave();
        });
      } catch (error) {
        room.leave();
        throw error;
      }
    },
    [Symbol.asyncDispose]: () => backend[Symbol.asyncDispose](),
  };
}

/** The same channel; calls `leave` once, when its dispose has freed everything. */
function leaving(channel: Channel, leave: () => void): Channel {
  let disposing: Promise<void> | undefined;
  return {
    incoming: channel.incoming,
    send: (envelope) => channel.send(envelope),
    close: (reason) => channel.close(reason),
    [Symbol.asyncDispose]: () => disposing ??= channel[Symbol.asyncDispose]().finally(leave),
  };
}
