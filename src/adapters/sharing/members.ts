/**
 * Who shares a server: all its clients, and those of them who have a conversation with it. Calls of clients without a session
 * come and go as clients of their own, so they are in chains: a Set would keep many of them after they have left (table.ts).
 */
import { Chain, type LinkTo } from "../../base/chain.ts";
import type { SharedClient } from "./shared_client.ts";

export class Members {
  readonly #sessions = new Chain<LinkTo<SharedClient>>();
  readonly #others = new Chain<LinkTo<SharedClient>>();
  #onlyClient: SharedClient | undefined;
  #joined = 0;
  #emptySince = performance.now();

  /** Those who have a conversation with the server. */
  *sessions(): Iterable<SharedClient> {
    for (let link = this.#sessions.first; link; link = link.next) yield link.value;
  }

  /** Whether nobody else has a conversation with the server. */
  isSoleSession({ joined }: SharedClient): boolean {
    return this.#sessions.size === 1 && this.#sessions.first === joined;
  }

  /** The first client, as long as there has been no other: whatever the server says is for it. */
  get onlyClient(): SharedClient | undefined {
    return this.#onlyClient;
  }

  /** Milliseconds since the last client left; undefined while there is one. */
  get idleMs(): number | undefined {
    return this.#size > 0 ? undefined : performance.now() - this.#emptySince;
  }

  add(client: SharedClient): void {
    this.#chainOf(client).add(client.joined);
    this.#onlyClient = ++this.#joined === 1 ? client : undefined;
  }

  /** False for one that is no member any more. */
  remove(client: SharedClient): boolean {
    if (!this.#chainOf(client).remove(client.joined)) return false;
    if (this.#size === 0) this.#emptySince = performance.now();
    if (this.#onlyClient === client) this.#onlyClient = undefined;
    return true;
  }

  /** The server is gone, and every client hears why. */
  failAll(reason: Error): void {
    for (const chain of [this.#sessions, this.#others]) {
      for (const { value: client } of chain.all()) client.incoming.fail(reason);
      chain.clear();
    }
  }

  get #size(): number {
    return this.#sessions.size + this.#others.size;
  }

  #chainOf({ kind }: SharedClient): Chain<LinkTo<SharedClient>> {
    return kind === "session" ? this.#sessions : this.#others;
  }
}
