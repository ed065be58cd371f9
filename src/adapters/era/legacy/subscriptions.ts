/** What a legacy client subscribes to, each by a request of its own (2025-11-25, resources page, "Subscriptions"). */
import { quoted } from "../../../base/outside.ts";
import { RpcCode, toRpcError } from "../../../core/errors.ts";
import { Method } from "../../../core/mcp/methods.ts";
import {
  errorOf,
  type JsonRpcErrorObject,
  type JsonRpcMessage,
  type JsonRpcRequest,
  type Params,
  type RequestId,
  resultOf,
} from "../../../core/message/jsonrpc.ts";
import { type SubscriptionLimits, subscriptionRefusal } from "../../subscription_limits.ts";
import { offeredLists, offersSubscriptions } from "./change_filter.ts";
import { type ListenOptions, ListenStream } from "./listen_stream.ts";
import type { TwoEnds } from "./two_ends.ts";

type SubscriptionsOptions = ListenOptions & SubscriptionLimits;

export class Subscriptions {
  readonly stream: ListenStream;
  readonly #ends: TwoEnds;
  readonly #limits: SubscriptionLimits;
  /** Requests whose client waits. */
  readonly #open = new Set<RequestId>();
  #offered = false;
  #lists: readonly string[] = [];

  constructor(options: SubscriptionsOptions) {
    const { maxSubscriptions, maxUriChars } = options;
    this.stream = new ListenStream(options);
    this.#ends = options.ends;
    this.#limits = { maxSubscriptions, maxUriChars };
  }

  /** Learns what the server can tell of; a client begins anew then. */
  offer(capabilities: Params): void {
    this.#offered = offersSubscriptions(capabilities);
    this.#lists = offeredLists(capabilities);
    this.stream.close("its client begins anew");
    this.stream.uris.clear();
    this.stream.lists = [];
  }

  /** The client listens: from now on it hears of changes, as without having asked. */
  begin(): void {
    this.stream.lists = this.#lists;
    if (this.#lists.length > 0) this.stream.renew();
  }

  ask(message: JsonRpcRequest): Promise<void> | void {
    const { id, method, params = {} } = message;
    const { uri } = params;
    const subscribes = method === Method.subscribe;
    const refusal = this.#refusal(method, params);
    if (refusal || typeof uri !== "string") return this.#say(errorOf(id, refusal ?? NO_URI));
    const { uris } = this.stream;
    if (uris.has(uri) === subscribes && !this.stream.opening) return this.#say(resultOf(id, {}));
    if (subscribes) uris.add(uri);
    else uris.delete(uri);
    this.#open.add(id);
    this.stream.renew((honored, why) => {
      const granted = honored && (!subscribes || honored.has(uri));
      // What the server does not tell of is not asked for again with the next one.
      if (!granted && subscribes) uris.delete(uri);
      if (!this.#open.delete(id)) return;
      const reason = why || "the server does not tell of its changes";
      void this.#say(
        granted ? resultOf(id, {}) : errorOf(id, failure(`${method} of ${quoted(uri)}: ${reason}`)),
      );
    });
  }

  /** The client takes its request back: what it has changed stays, and is not answered. */
  cancel(id: RequestId): void {
    this.#open.delete(id);
  }

  #refusal(method: string, params: Params): JsonRpcErrorObject | undefined {
    if (!this.#offered) {
      return { code: RpcCode.methodNotFound, message: `${quoted(method)} is not offered by this server` };
    }
    const { uri } = params;
    const { uris } = this.stream;
    if (method !== Method.subscribe || typeof uri !== "string" || uris.has(uri)) return undefined;
    const refusal = subscriptionRefusal({ uri }, uris.size, this.#limits);
    return refusal && toRpcError(refusal);
  }

  #say(message: JsonRpcMessage): Promise<void> | void {
    return this.#ends.toClient({ message });
  }
}

const NO_URI = { code: RpcCode.invalidParams, message: "Invalid params: uri is not a string" };

function failure(message: string): JsonRpcErrorObject {
  return { code: RpcCode.internalError, message };
}
