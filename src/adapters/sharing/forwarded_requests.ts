/** The requests that clients wait for at one server: under ids of ours there, under each client's own here. */
import { Chain, type LinkTo } from "../../base/chain.ts";
import { Table } from "../../base/table.ts";
import type { Envelope } from "../../core/channel.ts";
import { reportedToken } from "../../core/mcp/messages.ts";
import {
  isId,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type JsonRpcResponse,
  type ProgressToken,
  type RequestId,
} from "../../core/message/jsonrpc.ts";
import { unansweredBy } from "../../core/session/open_table.ts";
import { withReportedToken, withRequestId } from "./rewrite.ts";
import type { ServerEnd } from "./server_end.ts";
import { ForwardedRequest, type HeldRequest, type SharedClient } from "./shared_client.ts";

/** Hears the answer to a request of our own. */
export type Settle = (answer: JsonRpcResponse, envelope: Envelope) => void;

export class ForwardedRequests {
  readonly #server: ServerEnd;
  readonly #sent = new Table<number, ForwardedRequest | Settle>();
  /** Only clients that wait for something, so that the sole one is found without a search. */
  readonly #waiting = new Chain<LinkTo<SharedClient>>();
  #lastId = 0;

  constructor(server: ServerEnd) {
    this.#server = server;
  }

  /** The youngest id that the server was asked under. */
  get lastId(): number {
    return this.#lastId;
  }

  /** The clients that wait for something. */
  *waiting(): Iterable<SharedClient> {
    for (let link = this.#waiting.first; link; link = link.next) yield link.value;
  }

  /** Whose open request the server was sent under this id. */
  askerOf(serverId: RequestId): ForwardedRequest | undefined {
    const sent = typeof serverId === "number" ? this.#sent.get(serverId) : undefined;
    return typeof sent === "object" ? sent : undefined;
  }

  isOpen(client: SharedClient, id: RequestId): boolean {
    return client.openRequests.has(id);
  }

  // --- what begins ---

  /** A request of a client that the server is asked, under an id of ours. */
  enter(client: SharedClient, message: JsonRpcRequest): ForwardedRequest {
    const serverId = ++this.#lastId;
    const request = new ForwardedRequest(client, message, serverId);
    this.#sent.set(serverId, request);
    this.hold(client, message.id, request);
    return request;
  }

  /** A request of our own: the id to ask it under. */
  enterOwn(settle: Settle): number {
    const id = ++this.#lastId;
    this.#sent.set(id, settle);
    return id;
  }

  /** A request of a client that waits for something else than an answer to itself. */
  hold(client: SharedClient, id: RequestId, request: ForwardedRequest | HeldRequest): void {
    client.openRequests.set(id, request);
    if (!client.waiting.linked) this.#waiting.add(client.waiting);
  }

  // --- what is over ---

  /** Takes out what waits under the client's own id. */
  take(client: SharedClient, id: RequestId): ForwardedRequest | HeldRequest | undefined {
    const request = this.#takeFrom(client, id);
    if (request && "serverId" in request) this.#sent.take(request.serverId);
    return request;
  }

  /** Takes out all that a client waits for, oldest first. */
  takeAll(client: SharedClient): (ForwardedRequest | HeldRequest)[] {
    const requests = client.openRequests.values();
    client.openRequests.clear();
    this.#waiting.remove(client.waiting);
    for (const request of requests) if ("serverId" in request) this.#sent.take(request.serverId);
    return requests;
  }

  /** Takes out the client's request that this answers; undefined where it answers one of ours, which hears it, or none. */
  settle(envelope: Envelope, message: JsonRpcResponse): ForwardedRequest | undefined {
    const { id } = message;
    const sent = typeof id === "number" ? this.#sent.take(id) : undefined;
    if (!sent) return void this.#server.drop("down", unansweredBy(message, this.#sent.size));
    if (typeof sent === "function") return void sent(message, envelope);
    this.#takeFrom(sent.client, sent.id);
    return sent;
  }

  #takeFrom(client: SharedClient, id: RequestId): ForwardedRequest | HeldRequest | undefined {
    const request = client.openRequests.take(id);
    if (client.openRequests.size === 0) this.#waiting.remove(client.waiting);
    return request;
  }

  // --- what is said of one ---

  /** A report of progress as its client is to hear it, and whose it is. */
  progress(
    envelope: Envelope,
    message: JsonRpcNotification,
  ): { asker: ForwardedRequest; report: Envelope } | undefined {
    const token = reportedToken(message);
    const asker = token === undefined ? undefined : this.askerOf(token);
    if (!asker || !isId(asker.token)) {
      return void this.#server.drop("down", "progress of a request that is not open");
    }
    return { asker, report: withReportedToken(envelope, message, asker.token) };
  }
}

/** A client's request as the server is asked it: under our id, and with that as its progress token, where it has one. */
export function underServerId(
  envelope: Envelope,
  message: JsonRpcRequest,
  { serverId, token }: { readonly serverId: number; readonly token: ProgressToken | undefined },
): Envelope {
  const ids = { id: serverId, token: token === undefined ? undefined : serverId };
  return withRequestId(envelope, message, ids);
}
