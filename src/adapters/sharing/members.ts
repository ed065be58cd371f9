/** Who shares a server: all its clients, and those of them who have a conversation with it. */
import { Chain, type LinkTo } from "../../base/chain.ts";
import type { SharedClient } from "./shared_client.ts";

export class Members {
  readonly #all = new Chain<LinkTo<SharedClient>>();
  readonly #sessions = new Set<SharedClient>();
  #onlyClient: SharedClient | undefined;
  #joined = 0;
  #emptySince = performance.now();

  /** Those who have a conversation with the server. */
  get sessions(): ReadonlySet<SharedClient> {
    return this.#sessions;
  }

  /** The first client, as long as there has been no other: whatever the server says is for it. */
  get onlyClient(): SharedClient | undefined {
    return this.#onlyClient;
  }

  /** Milliseconds since the last client left; undefined while there is one. */
  get idleMs(): number | undefined {
    return this.#all.size > 0 ? undefined : performance.now() - this.#emptySince;
  }

  add(client: SharedClient): void {
    this.#all.add(client.joined);
    if (client.kind === "session") this.#sessions.add(client);
    this.#onlyClient = ++this.#joined === 1 ? client : undefined;
  }

  /** False for one that is no member any more. */
  remove(client: SharedClient): boolean {
    if (!this.#all.remove(client.joined)) return false;
    this.#sessions.delete(client);
    if (this.#all.size === 0) this.#emptySince = performance.now();
    if (this.#onlyClient === client) this.#onlyClient = undefined;
    return true;
  }

  /** The server is gone, and every client hears why. */
  failAll(reason: Error): void {
    for (const { value: client } of this.#all.all()) client.incoming.fail(reason);
    this.#all.clear();
  }
}
