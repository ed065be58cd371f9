/** What clients have subscribed to, found by its uri and by the uri of a part. */
import type { RequestId } from "../../core/message/jsonrpc.ts";
import type { SharedClient } from "./shared_client.ts";

/** A client's request that waits for the server's answer to the first one. */
export interface WaitingRequest {
  readonly client: SharedClient;
  readonly id: RequestId;
}

export interface Subscription {
  readonly uri: string;
  /** Those who want it, from the moment on at which they ask for it. */
  readonly clients: Set<SharedClient>;
  readonly waiting: Set<WaitingRequest>;
  /** How many of those that wait are whose. */
  readonly asking: Map<SharedClient, number>;
  /** True once the server has agreed. */
  live: boolean;
}

export function newSubscription(uri: string): Subscription {
  return { uri, clients: new Set(), waiting: new Set(), asking: new Map(), live: false };
}

const NOBODY: ReadonlySet<SharedClient> = new Set();

export class Subscriptions {
  readonly #all = new Map<string, Subscription>();
  /** How many subscriptions have a uri of this length: only prefixes of such a length need be looked up. */
  readonly #lengths = new Map<number, number>();

  get(uri: string): Subscription | undefined {
    return this.#all.get(uri);
  }

  add(subscription: Subscription): void {
    const { uri } = subscription;
    this.#all.set(uri, subscription);
    this.#lengths.set(uri.length, (this.#lengths.get(uri.length) ?? 0) + 1);
  }

  delete({ uri }: Subscription): void {
    if (!this.#all.delete(uri)) return;
    const left = (this.#lengths.get(uri.length) ?? 1) - 1;
    if (left > 0) this.#lengths.set(uri.length, left);
    else this.#lengths.delete(uri.length);
  }

  /** Those of this uri, else those of what it is a part of. */
  subscribersOf(uri: unknown): ReadonlySet<SharedClient> {
    if (typeof uri !== "string" || this.#all.size === 0) return NOBODY;
    const exact = this.#all.get(uri)?.clients;
    if (exact?.size) return exact;
    const receivers = new Set<SharedClient>();
    for (const { clients } of this.#parentsOf(uri)) for (const client of clients) receivers.add(client);
    return receivers;
  }

  /** The updated resource may be a part of the one that was subscribed to (MCP resources page, "Subscriptions"). */
  *#parentsOf(uri: string): Iterable<Subscription> {
    for (const length of this.#lengths.keys()) {
      const parent = isBorder(uri, length) ? this.#all.get(uri.slice(0, length)) : undefined;
      if (parent) yield parent;
    }
  }
}

/** Whether so much of a uri names something that the rest is a part of; a slash at its end belongs to it or not. */
function isBorder(uri: string, length: number): boolean {
  return length < uri.length && (SEPARATORS.has(uri[length]) || SEPARATORS.has(uri[length - 1]));
}

const SEPARATORS: ReadonlySet<string | undefined> = new Set(["/", "?", "#"]);
