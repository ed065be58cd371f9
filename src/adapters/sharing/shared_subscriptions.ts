/** Who hears of which resource: the server sees one subscription a uri, however many clients want it. */
import { optionName } from "../../base/option_name.ts";
import type { Envelope } from "../../core/channel.ts";
import { toRpcError } from "../../core/errors.ts";
import { Method } from "../../core/mcp/methods.ts";
import {
  errorOf,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type JsonRpcResponse,
  type Params,
  resultOf,
} from "../../core/message/jsonrpc.ts";
import { type SubscriptionLimits, subscriptionRefusal } from "../subscription_limits.ts";
import { jsonOf } from "../../wire/anew.ts";
import { withAnswerId } from "../../wire/answer_id.ts";
import type { Settle } from "./forwarded_requests.ts";
import type { SharedClient } from "./shared_client.ts";
import type { SharedRequests } from "./shared_requests.ts";
import { newSubscription, type Subscription, Subscriptions, type WaitingRequest } from "./subscriptions.ts";

export class SharedSubscriptions {
  readonly #requests: SharedRequests;
  readonly #limits: SubscriptionLimits;
  readonly #byUri = new Subscriptions();
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
    return `the URI of an update is longer than ${maxUriChars} characters (${optionName("maxUriLength")})`;
  }

  /** To the subscribers of this uri, else to those of what it is a part of; false when there are none. */
  updated(envelope: Envelope, { params }: JsonRpcNotification): boolean {
    const receivers = this.#byUri.subscribersOf(params?.uri);
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

  #wait(waiter: WaitingRequest, subscription: Subscription): void {
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
    void this.#requests.ask(Method.unsubscribe, { uri }, () => {});
  }
}

/** What one client says of its request (`_meta`) is not said in the name of all. */
function ofEverybody({ params: { _meta, ...params } = {} }: JsonRpcRequest): Params {
  return params;
}
