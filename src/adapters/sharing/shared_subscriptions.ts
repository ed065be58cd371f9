/** Who hears of which resource: the server sees one subscription a uri, however many clients want it. */
import type { Envelope } from "../../core/channel.ts";
import {
  type JsonRpcNotification,
  type JsonRpcRequest,
  type JsonRpcResponse,
  type Params,
  type RequestId,
  resultOf,
} from "../../core/jsonrpc.ts";
import type { SharedChannel } from "./shared_channel.ts";
import type { SharedRequests } from "./shared_requests.ts";

/** A client's request that waits for the server's answer to the first one. */
interface Waiter {
  readonly client: SharedChannel;
  readonly id: RequestId;
}

interface Subscription {
  readonly uri: string;
  /** Those who want it, from the moment on at which they ask for it. */
  readonly clients: Set<SharedChannel>;
  readonly waiting: Set<Waiter>;
  /** True once the server has agreed. */
  live: boolean;
}

export class SharedSubscriptions {
  readonly #requests: SharedRequests;
  readonly #byUri = new Map<string, Subscription>();
  readonly #byClient = new Map<SharedChannel, Set<Subscription>>();

  constructor(requests: SharedRequests) {
    this.#requests = requests;
  }

  subscribe(client: SharedChannel, { id, params }: JsonRpcRequest, uri: string): Promise<void> | void {
    const known = this.#byUri.get(uri);
    const subscription = known ?? { uri, clients: new Set(), waiting: new Set(), live: false };
    this.#byUri.set(uri, subscription);
    this.#join(client, subscription);
    if (subscription.live) return client.deliver({ message: resultOf(id, {}) });
    this.#wait({ client, id }, subscription);
    if (known) return;
    const settle = (answer: JsonRpcResponse) => this.#settle(subscription, answer);
    return this.#requests.ask("resources/subscribe", ofEverybody(params, uri), settle);
  }

  unsubscribe(client: SharedChannel, { id, params }: JsonRpcRequest, uri: string): Promise<void> | void {
    const subscription = this.#byUri.get(uri);
    const ends = subscription?.clients.has(client) && this.#part(client, subscription);
    if (!ends) return client.deliver({ message: resultOf(id, {}) });
    // Not to be taken back once it is sent: whoever subscribes next relies on it.
    this.#requests.hold(client, id, () => {});
    const settle = (answer: JsonRpcResponse) => this.#requests.answer(client, { ...answer, id });
    return this.#requests.ask("resources/unsubscribe", ofEverybody(params, uri), settle);
  }

  leave(client: SharedChannel): void {
    for (const subscription of this.#byClient.get(client) ?? []) {
      if (this.#part(client, subscription)) this.#endAtServer(subscription);
    }
  }

  /** To the subscribers of this uri, else to those of what it is a part of; false when there are none. */
  updated(envelope: Envelope, { params }: JsonRpcNotification): boolean {
    const receivers = this.#subscribersOf(params?.uri);
    for (const client of receivers) client.deliver({ ...envelope });
    return receivers.size > 0;
  }

  // --- joining and parting ---

  #join(client: SharedChannel, subscription: Subscription): void {
    subscription.clients.add(client);
    const own = this.#byClient.get(client);
    if (own) own.add(subscription);
    else this.#byClient.set(client, new Set([subscription]));
  }

  /** True when the server is to be told, since nobody is left. */
  #part(client: SharedChannel, subscription: Subscription): boolean {
    subscription.clients.delete(client);
    const own = this.#byClient.get(client);
    own?.delete(subscription);
    if (own?.size === 0) this.#byClient.delete(client);
    // One that is not live yet goes on: others may join it, and its answer shows whether there is anything to end.
    if (!subscription.live || subscription.clients.size > 0) return false;
    this.#byUri.delete(subscription.uri);
    return true;
  }

  #wait(waiter: Waiter, subscription: Subscription): void {
    const { client, id } = waiter;
    subscription.waiting.add(waiter);
    this.#requests.hold(client, id, () => {
      subscription.waiting.delete(waiter);
      const asksStill = [...subscription.waiting].some((other) => other.client === client);
      if (!asksStill) this.#part(client, subscription);
    });
  }

  #settle(subscription: Subscription, answer: JsonRpcResponse): void {
    subscription.live = "result" in answer;
    for (const { client, id } of subscription.waiting) this.#requests.answer(client, { ...answer, id });
    subscription.waiting.clear();
    if (!subscription.live) {
      for (const client of subscription.clients) this.#part(client, subscription);
    }
    if (subscription.clients.size > 0) return;
    this.#byUri.delete(subscription.uri);
    if (subscription.live) this.#endAtServer(subscription);
  }

  #endAtServer({ uri }: Subscription): void {
    void this.#requests.ask("resources/unsubscribe", { uri }, () => {});
  }

  #subscribersOf(uri: unknown): ReadonlySet<SharedChannel> {
    if (typeof uri !== "string") return new Set();
    const exact = this.#byUri.get(uri)?.clients;
    if (exact?.size) return exact;
    const parents = parentsOf(uri).flatMap((parent) => [...this.#byUri.get(parent)?.clients ?? []]);
    return new Set(parents);
  }
}

/** What one client says of its request (`_meta`) is not said in the name of all. */
function ofEverybody(params: Params | undefined, uri: string): Params {
  const { _meta, ...rest } = params ?? {};
  return { ...rest, uri };
}

/** The updated resource may be a part of the one that was subscribed to (MCP resources page, "Subscriptions"). */
function parentsOf(uri: string): string[] {
  const borders = [...uri.matchAll(/[/?#]/g)].map(({ index }) => index);
  return borders.flatMap((border) => [uri.slice(0, border), uri.slice(0, border + 1)]);
}
