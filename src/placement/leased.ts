/** Servers in places of their own, which are free again when the server is. */
import type { Backend } from "../core/backend.ts";
import { around } from "../core/around.ts";
import type { Channel } from "../core/channel.ts";
import type { Lease, Leases } from "./lease.ts";

/** A backend each of whose servers takes a lease; `waits` as there. `open` rejects with BusyError when there is no place. */
export function leased(backend: Backend, leases: Leases, { waits }: { readonly waits: boolean }): Backend {
  return {
    name: backend.name,
    async open(launch, signal) {
      const lease = await leases.acquire({ owner: launch.session, waits, signal });
      return await openIn(lease, () => backend.open(launch, signal));
    },
    [Symbol.asyncDispose]: () => backend[Symbol.asyncDispose](),
  };
}

/** Opens a server in a place that was taken for it; one that cannot be opened needs none. */
export async function openIn(lease: Lease, open: () => Promise<Channel>): Promise<Channel> {
  try {
    return ending(await open(), lease);
  } catch (error) {
    lease.release();
    throw error;
  }
}

/** The same channel, whose dispose ends the lease when it has freed everything. */
function ending(channel: Channel, lease: Lease): Channel {
  let disposing: Promise<void> | undefined;
  return around(channel, {
    dispose: () => disposing ??= channel[Symbol.asyncDispose]().finally(() => lease.release()),
  });
}
