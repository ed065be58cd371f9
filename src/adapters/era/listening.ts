/**
 * A `subscriptions/listen` of a modern client at a legacy server: subscriptions and list changes of a conversation that
 * lasts as long as the request (2026-07-28, its page on subscriptions).
 */
import type { Envelope } from "../../core/channel.ts";
import { BackendError, GatewayError, RpcCode, toRpcError } from "../../core/errors.ts";
import { background, type Sink } from "../../core/events.ts";
import { Method } from "../../core/mcp/methods.ts";
import { MetaKey } from "../../core/mcp/request_meta.ts";
import {
  errorOf,
  isObject,
  isRequest,
  isResponse,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type JsonRpcResponse,
  type Params,
  type RequestId,
  resultOf,
} from "../../core/message/jsonrpc.ts";
import { optionName } from "../../base/option_name.ts";
import { quoted } from "../../base/outside.ts";
import { anew } from "../../wire/anew.ts";
import { leave, type LegacyServer } from "./legacy_conversation.ts";
import type { Waiter } from "./waiter.ts";

/** What a client asks for ("Notification Filter"), by the capability of the server and the notification that it means. */
const LISTS = [
  { wanted: "toolsListChanged", capability: "tools", method: Method.toolsChanged },
  { wanted: "promptsListChanged", capability: "prompts", method: Method.promptsChanged },
  { wanted: "resourcesListChanged", capability: "resources", method: Method.resourcesChanged },
] as const;

interface ListeningOptions {
  readonly server: LegacyServer;
  readonly request: JsonRpcRequest;
  /** Names it in events. */
  readonly session: string;
  readonly emit: Sink;
  /** How many resources one may be subscribed to. */
  readonly maxSubscriptions: number;
}

export class Listening {
  readonly #waiter: Waiter;
  readonly #options: ListeningOptions;
  /** The notifications that are passed on. */
  readonly #methods = new Set<string>();
  /** What the server is being asked to subscribe to, by the ids of these requests. */
  readonly #asked = new Map<RequestId, string>();
  readonly #subscribed: string[] = [];
  #honoured: Params = {};
  /** What changed before the acknowledgement, which comes first; each of it once. */
  readonly #early = new Map<string, { readonly envelope: Envelope; readonly message: JsonRpcNotification }>();
  #acknowledged = false;
  #over = false;

  constructor(waiter: Waiter, options: ListeningOptions) {
    this.#waiter = waiter;
    this.#options = options;
    options.server.incoming.read((said) => this.#hear(said), (failure) => this.#lost(failure?.error));
  }

  /** Nobody listens any more; what was subscribed to ends with the conversation. */
  end(): void {
    if (this.#over) return;
    this.#over = true;
    const { server, emit } = this.#options;
    background(leave(server, emit), "end of a subscription", emit);
  }

  /** Subscribes to what the server has of it, and acknowledges that; what it cannot be is answered with an error. */
  begin(): void {
    const filter = this.#options.request.params?.notifications;
    if (!isObject(filter)) return this.#fail(invalid("notifications", filter, "an object"));
    const { resourceSubscriptions: uris = [] } = filter;
    if (!isTexts(uris)) {
      return this.#fail(invalid("notifications.resourceSubscriptions", uris, "a list of URIs"));
    }
    const { capabilities } = this.#options.server.initialized;
    const offered = isObject(capabilities) ? capabilities : {};
    for (const { wanted, capability, method } of LISTS) {
      if (filter[wanted] !== true || !offers(offered[capability], "listChanged")) continue;
      this.#methods.add(method);
      this.#honoured = { ...this.#honoured, [wanted]: true };
    }
    if (!offers(offered.resources, "subscribe") || uris.length === 0) return this.#acknowledge();
    const { maxSubscriptions } = this.#options;
    const wanted = [...new Set(uris)];
    if (wanted.length > maxSubscriptions) {
      const option = optionName("maxSubscriptions");
      this.#drop(
        `${wanted.length - maxSubscriptions} resources are beyond the ${maxSubscriptions} of ${option}`,
      );
    }
    for (const uri of wanted.slice(0, maxSubscriptions)) this.#subscribe(uri);
  }

  #subscribe(uri: string): void {
    const id = this.#asked.size + 1;
    this.#asked.set(id, uri);
    const message = { jsonrpc: "2.0", id, method: Method.subscribe, params: { uri } } as const;
    try {
      const sent = this.#options.server.channel.send({ message });
      void Promise.resolve(sent).catch((error) => this.#lost(error));
    } catch (error) {
      this.#lost(error);
    }
  }

  #hear(envelope: Envelope): void {
    if (this.#over) return;
    const { message } = envelope;
    if (isResponse(message)) return this.#settle(message);
    if (isRequest(message)) return this.#refuse(message);
    const isUpdate = message.method === Method.resourceUpdated &&
      this.#asked.size + this.#subscribed.length > 0;
    if (!isUpdate && !this.#methods.has(message.method)) return;
    if (this.#acknowledged) this.#tell(envelope, message);
    else this.#keep(envelope, message);
  }

  #keep(envelope: Envelope, message: JsonRpcNotification): void {
    const key = JSON.stringify([message.method, message.params?.uri]);
    const isRoom = this.#early.has(key) || this.#early.size < this.#options.maxSubscriptions + LISTS.length;
    if (isRoom) this.#early.set(key, { envelope, message });
    else this.#drop(`more changes before the acknowledgement than ${optionName("maxSubscriptions")} allows`);
  }

  #settle(message: JsonRpcResponse): void {
    const uri = message.id === null ? undefined : this.#asked.get(message.id);
    if (uri === undefined || message.id === null) return;
    this.#asked.delete(message.id);
    if ("result" in message) this.#subscribed.push(uri);
    else this.#drop(`${quoted(uri)} cannot be subscribed to: ${message.error.message}`);
    if (this.#asked.size > 0) return;
    if (this.#subscribed.length > 0) {
      this.#honoured = { ...this.#honoured, resourceSubscriptions: this.#subscribed };
    }
    this.#acknowledge();
  }

  #acknowledge(): void {
    this.#acknowledged = true;
    const params = { notifications: this.#honoured };
    const message = { jsonrpc: "2.0", method: Method.acknowledged, params } as const;
    this.#tell({ message }, message);
    for (const { envelope, message } of this.#early.values()) this.#tell(envelope, message);
    this.#early.clear();
  }

  /** Nothing can be asked of who listens: not even a ping reaches a modern client. */
  #refuse({ id, method }: JsonRpcRequest): void {
    const { server: { channel } } = this.#options;
    const error = {
      code: RpcCode.methodNotFound,
      message: `${quoted(method)} cannot be asked of who listens`,
    };
    const message = method === Method.ping ? resultOf(id, {}) : errorOf(id, error);
    void Promise.resolve(channel.send({ message })).catch((error) => this.#lost(error));
  }

  #tell(envelope: Envelope, message: JsonRpcNotification): void {
    const { id } = this.#waiter;
    this.#waiter.tell(anew(envelope, message, (said) => withSubscription(said, id)));
  }

  #lost(error: unknown): void {
    if (this.#over) return;
    this.#fail(
      error instanceof GatewayError ? error : new BackendError("The MCP server is gone", { cause: error }),
    );
  }

  #fail(error: GatewayError): void {
    const { id } = this.#waiter;
    this.#waiter.answer({ message: errorOf(id, toRpcError(error)) });
    this.end();
  }

  #drop(reason: string): void {
    const { session, emit } = this.#options;
    emit({ type: "message.dropped", session, direction: "up", reason });
  }
}

/** Each message of a subscription names it ("Receiving Notifications"). */
function withSubscription(message: JsonRpcNotification, id: RequestId): JsonRpcNotification {
  const { params = {} } = message;
  const meta = isObject(params._meta) ? params._meta : {};
  return { ...message, params: { ...params, _meta: { ...meta, [MetaKey.subscription]: id } } };
}

function offers(capability: unknown, part: string): boolean {
  return isObject(capability) && capability[part] === true;
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function invalid(name: string, value: unknown, wanted: string): GatewayError {
  const found = value === undefined ? "missing" : `not ${wanted}`;
  return new GatewayError(`params.${name} is ${found}`, { code: RpcCode.invalidParams, status: 400 });
}
