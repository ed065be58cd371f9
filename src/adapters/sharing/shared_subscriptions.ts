/** Who hears of which resource: the server sees one subscription a uri, however many clients want it. */
import type { Envelope } from "../../core/channel.ts";
import { toRpcError } from "../../core/errors.ts";
import {
  errorOf,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type JsonRpcResponse,
  type Params,
  type RequestId,
  resultOf,
} from "../../core/message/jsonrpc.ts";
import { type SubscriptionLimits, subscriptionRefusal } from "../subscription_limits.ts";
import { jsonOf } from "../../wire/anew.ts";
import { withAnswerId } from "../../wire/answer_id.ts";
import type { SharedClient } from "./shared_client.ts";
import type { Settle, SharedRequests } from "./shared_requests.ts";

/** A client's request that waits for the server's answer to the first one. */
interface Waiter {
  readonly client: SharedClient;
  readonly id: RequestId;
}

interface Subscription {
  readonly uri: string;
  /** Those who want it, from the moment on at which they ask for it. */
  readonly clients: Set<SharedClient>;
  readonly waiting: Set<Waiter>;
  /** How many of those that wait are whose. */
  readonly asking: Map<SharedClient, number>;
  /** True once the server has agreed. */
  live: boolean;
}

export class SharedSubscriptions {
  readonly #requests: SharedRequests;
  readonly #limits: SubscriptionLimits;
  readonly #byUri = new ByUri();
  readonly #byClient = new Map<SharedClient, Set<Subscription>>();

  constructor(requests: SharedRequests, limits: SubscriptionLimits) {
    this.#requests = requests;
    this.#limits = limits;
  }

  subscribe(
    client: SharedClient,
    envelope: Envelope,
    message: JsonRpcRequest,
    uri: string,
  ): Promise<void> | void {
    const { id, params } = message;
    const known = this.#byUri.get(uri);
    const refusal = this.#refusal(client, params, known);
    if (refusal) return client.deliver({ message: errorOf(id, toRpcError(refusal)) });
    const subscription = known ?? newSubscription(uri);
    if (!known) this.#byUri.add(subscription);
    this.#join(client, subscription);
    if (subscription.live) return client.deliver({ message: resultOf(id, {}) });
    this.#wait({ client, id }, subscription);
    if (known) return;
    const settle: Settle = (answer, said) => this.#settle(subscription, answer, said);
    return this.#ask(envelope, message, settle);
  }

  unsubscribe(
    client: SharedClient,
    envelope: Envelope,
    message: JsonRpcRequest,
    uri: string,
  ): Promise<void> | void {
    const { id } = message;
    const subscription = this.#byUri.get(uri);
    const ends = subscription?.clients.has(client) && this.#part(client, subscription);
    if (!ends) return client.deliver({ message: resultOf(id, {}) });
    // Not to be taken back once it is sent: whoever subscribes next relies on it.
    this.#requests.hold(client, id, () => {});
    return this.#ask(
      envelope,
      message,
      (answer, said) => this.#requests.answer(client, id, withAnswerId(said, answer, id)),
    );
  }

  #ask(envelope: Envelope, message: JsonRpcRequest, settle: Settle): Promise<void> | void {
    return this.#requests.ask(
      message.method,
      ofEverybody(message),
      settle,
      jsonOf(envelope, message, ofEverybody),
    );
  }

  leave(client: SharedClient): void {
    for (const subscription of this.#byClient.get(client) ?? []) {
      if (this.#part(client, subscription)) this.#endAtServer(subscription);
    }
  }

  /** Why an update of this uri is brought to nobody, whoever subscribed to what; or undefined. */
  tooLong(uri: unknown): string | undefined {
    const { maxUriChars } = this.#limits;
    if (typeof uri !== "string" || uri.length <= maxUriChars) return undefined;
    return `the URI of an update is longer than ${maxUriChars} characters (--maxUriLength)`;
  }

  /** To the subscribers of this uri, else to those of what it is a part of; false when there are none. */
  updated(envelope: Envelope, { params }: JsonRpcNotification): boolean {
    const receivers = this.#subscribersOf(params?.uri);
    for (const client of receivers) client.deliver({ ...envelope });
    return receivers.size > 0;
  }

  // --- joining and parting ---

  #refusal(client: SharedClient, params: Params = {}, known: Subscription | undefined) {
    const own = this.#byClient.get(client);
    // Whoever has it already may ask again.
    const others = known && own?.has(known) ? 0 : own?.size ?? 0;
    return subscriptionRefusal(params, others, this.#limits);
  }

  #join(client: SharedClient, subscription: Subscription): void {
    subscription.clients.add(client);
    const own = this.#byClient.get(client);
    if (own) own.add(subscription);
    else this.#byClient.set(client, new Set([subscription]));
  }

  /** True when the server is to be told, since nobody is left. */
  #part(client: SharedClient, subscription: Subscription): boolean {
    subscription.clients.delete(client);
    const own = this.#byClient.get(client);
    own?.delete(subscription);
    if (own?.size === 0) this.#byClient.delete(client);
    // One that is not live yet goes on: others may join it, and its answer shows whether there is anything to end.
    if (!subscription.live || subscription.clients.size > 0) return false;
    this.#byUri.delete(subscription);
    return true;
  }

  #wait(waiter: Waiter, subscription: Subscription): void {
    const { client, id } = waiter;
    const { waiting, asking } = subscription;
    waiting.add(waiter);
    asking.set(client, (asking.get(client) ?? 0) + 1);
    this.#requests.hold(client, id, () => {
      waiting.delete(waiter);
      const others = (asking.get(client) ?? 1) - 1;
      if (others > 0) return void asking.set(client, others);
      asking.delete(client);
      this.#part(client, subscription);
    });
  }

  #settle(subscription: Subscription, answer: JsonRpcResponse, said: Envelope): void {
    subscription.live = "result" in answer;
    for (const { client, id } of subscription.waiting) {
      this.#requests.answer(client, id, withAnswerId(said, answer, id));
    }
    subscription.waiting.clear();
    subscription.asking.clear();
    if (!subscription.live) {
      for (const client of subscription.clients) this.#part(client, subscription);
    }
    if (subscription.clients.size > 0) return;
    this.#byUri.delete(subscription);
    if (subscription.live) this.#endAtServer(subscription);
  }

  #endAtServer({ uri }: Subscription): void {
    void this.#requests.ask("resources/unsubscribe", { uri }, () => {});
  }

  #subscribersOf(uri: unknown): ReadonlySet<SharedClient> {
    if (typeof uri !== "string" || this.#byUri.size === 0) return NOBODY;
    const exact = this.#byUri.get(uri)?.clients;
    if (exact?.size) return exact;
    const receivers = new Set<SharedClient>();
    for (const { clients } of this.#byUri.parentsOf(uri)) for (const client of clients) receivers.add(client);
    return receivers;
  }
}

const NOBODY: ReadonlySet<SharedClient> = new Set();

function newSubscription(uri: string): Subscription {
  return { uri, clients: new Set(), waiting: new Set(), asking: new Map(), live: false };
}

/** What one client says of its request (`_meta`) is not said in the name of all. */
function ofEverybody({ params: { _meta, ...params } = {} }: JsonRpcRequest): Params {
  return params;
}

/** Subscriptions, found by their uri and by the uri of a part. */
class ByUri {
  readonly #all = new Map<string, Subscription>();
  /** How many subscriptions have a uri of this length: only prefixes of such a length need be looked up. */
  readonly #lengths = new Map<number, number>();

  get size(): number {
    return this.#all.size;
  }

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

  /** The updated resource may be a part of the one that was subscribed to (MCP resources page, "Subscriptions"). */
  *parentsOf(uri: string): Iterable<Subscription> {
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
