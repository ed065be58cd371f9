/** One shared server for each principal, and one for all who are nobody in particular. */
import type { Principal } from "../../core/backend.ts";
import type { SharedServer } from "./share.ts";

/** A server for the principal of this name; undefined is everybody else. */
export type OpenShared = (name: string | undefined) => SharedServer;

export class SharedServers implements AsyncDisposable {
  readonly #open: OpenShared;
  readonly #byName = new Map<string | undefined, SharedServer>();

  constructor(open: OpenShared) {
    this.#open = open;
  }

  get(principal: Principal | undefined): SharedServer {
    const name = principal?.name;
    const known = this.#byName.get(name);
    if (known) return known;
    const server = this.#open(name);
    this.#byName.set(name, server);
    return server;
  }

  /** Stops one that was started for nobody yet; false where there is none. */
  giveUpOne(): boolean {
    return this.#byName.values().some((server) => server.giveUp());
  }

  /** Stops the server that has been without a client for longest, if that is long enough. */
  async stopIdlest(minIdleMs: number): Promise<void> {
    const [idlest] = this.#idleFor(minIdleMs).sort((left, right) => right.idleMs - left.idleMs);
    await idlest?.server.stop();
  }

  /** Stops every principal's server that has been without a client for so long. The one for everybody else stays. */
  async stopAbandoned(minIdleMs: number): Promise<void> {
    const abandoned = this.#idleFor(minIdleMs).filter(({ name }) => name !== undefined);
    await Promise.all(abandoned.map(({ server }) => server.stop()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#byName.values()].map((server) => server[Symbol.asyncDispose]()));
  }

  #idleFor(minIdleMs: number) {
    return [...this.#byName]
      .map(([name, server]) => ({ name, server, idleMs: server.idleMs ?? -1 }))
      .filter(({ idleMs }) => idleMs >= minIdleMs);
  }
}
