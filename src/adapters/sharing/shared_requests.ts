/** The requests that clients wait for: under ids of ours at the server, under each client's own here. */
import { Chain, type LinkTo } from "../../base/chain.ts";
import type { Envelope } from "../../core/channel.ts";
import { cancellation, cancelledId, reportedToken, requestedToken } from "../../core/mcp/messages.ts";
import { Method } from "../../core/mcp/methods.ts";
import {
  isId,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type JsonRpcResponse,
  type Params,
  type RequestId,
} from "../../core/message/jsonrpc.ts";
import { Table } from "../../base/table.ts";
import { unansweredBy } from "../../core/session/open_table.ts";
import { anew } from "../../wire/anew.ts";
import { withAnswerId } from "../../wire/answer_id.ts";
import { withReportedToken, withRequestId } from "./rewrite.ts";
import type { ForwardedRequest, HeldRequest, SharedClient } from "./shared_client.ts";
import type { ServerEnd } from "./server_end.ts";
import { type Withdrawer, WithdrawnRequests } from "./withdrawn_requests.ts";

/** Hears the answer to a request of our own. */
export type Settle = (answer: JsonRpcResponse, envelope: Envelope) => void;

export class SharedRequests {
  readonly #server: ServerEnd;
  readonly #sent = new Table<number, ForwardedRequest | Settle>();
  /** Only clients that wait for something, so that the sole one is found without a search. */
  readonly #waiting = new Chain<LinkTo<SharedClient>>();
  readonly #withdrawn: WithdrawnRequests;
  #lastId = 0;

  constructor(server: ServerEnd) {
    this.#server = server;
    this.#withdrawn = new WithdrawnRequests((onAnswer) => void this.ask(Method.ping, undefined, onAnswer));
  }

  /** The clients for whom the server may be working, some of them more than once. */
  *askers(): Iterable<Withdrawer> {
    for (let link = this.#waiting.first; link; link = link.next) yield link.value;
    yield* this.#withdrawn.clients();
  }

  /** Whose open request the server was sent under this id. */
  askerOf(serverId: RequestId): ForwardedRequest | undefined {
    const sent = typeof serverId === "number" ? this.#sent.get(serverId) : undefined;
    return typeof sent === "object" ? sent : undefined;
  }

  isOpen(client: SharedClient, id: RequestId): boolean {
    return client.openRequests.has(id);
  }

  // --- up ---

  /** Sends a client's request to the server; the answer is the client's alone. */
  pass(client: SharedClient, envelope: Envelope, message: JsonRpcRequest): Promise<void> | void {
    const serverId = ++this.#lastId;
    const token = requestedToken(message);
    const passed = { client, id: message.id, token, serverId };
    this.#sent.set(serverId, passed);
    this.#enter(client, message.id, passed);
    const ids = { id: serverId, token: token === undefined ? undefined : serverId };
    return this.#server.send(withRequestId(envelope, message, ids));
  }

  /** Books a client's request that is not passed on as it is; `withdraw` is called when its client no longer waits. */
  hold(client: SharedClient, id: RequestId, withdraw: () => void): void {
    this.#enter(client, id, { withdraw });
  }

  /** Answers a request that was held, unless its client no longer waits for it. */
  answer(client: SharedClient, id: RequestId, envelope: Envelope): void {
    if (this.#take(client, id)) client.deliver(envelope);
  }

  /** Asks the server something of our own; what a client has said to that end is its `json`, if there is one. */
  ask(method: string, params: Params | undefined, settle: Settle, json?: string): Promise<void> | void {
    const id = ++this.#lastId;
    this.#sent.set(id, settle);
    const message = { jsonrpc: "2.0", id, method, ...(params && { params }) } as const;
    return this.#server.say(
      message,
      json && `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":${json}}`,
    );
  }

  /** A client takes one of its requests back. */
  cancel(client: SharedClient, envelope: Envelope, message: JsonRpcNotification): Promise<void> | void {
    const id = cancelledId(message);
    const request = id === undefined ? undefined : this.#take(client, id);
    if (!request) return this.#server.drop("up", "it cancels a request that is not open");
    if ("withdraw" in request) return request.withdraw();
    this.#sent.take(request.serverId);
    const { serverId: requestId } = request;
    const named = (said: JsonRpcNotification) => ({ ...said, params: { ...said.params, requestId } });
    const room = this.#server.send(anew(envelope, message, named));
    this.#withdrawn.add(client);
    return room;
  }

  /** A client that leaves takes its open requests along. */
  leave(client: SharedClient): void {
    const requests = client.openRequests.values();
    client.openRequests.clear();
    this.#waiting.remove(client.waiting);
    const passed = requests.filter((request) => "serverId" in request);
    for (const { serverId } of passed) this.#cancelGone(serverId);
    if (passed.length > 0) this.#withdrawn.add(client);
    this.#withdrawn.leave(client);
    for (const request of requests) if ("withdraw" in request) request.withdraw();
  }

  #cancelGone(serverId: number): void {
    this.#sent.take(serverId);
    void this.#server.say(cancellation(serverId, "The client is gone"));
  }

  // --- down ---

  /** The client to which the server's answer went, if it was one's own. */
  settle(envelope: Envelope, message: JsonRpcResponse): SharedClient | undefined {
    const { id } = message;
    const sent = typeof id === "number" ? this.#sent.take(id) : undefined;
    if (!sent) return void this.#server.drop("down", unansweredBy(message, this.#sent.size));
    if (typeof sent === "function") return void sent(message, envelope);
    this.#take(sent.client, sent.id);
    sent.client.deliver(withAnswerId(envelope, message, sent.id));
    return sent.client;
  }

  progress(envelope: Envelope, message: JsonRpcNotification): void {
    const token = reportedToken(message);
    const sent = typeof token === "number" ? this.#sent.get(token) : undefined;
    if (typeof sent !== "object" || !isId(sent.token)) {
      return this.#server.drop("down", "progress of a request that is not open");
    }
    sent.client.deliver(withReportedToken(envelope, message, sent.token));
  }

  // --- the books ---

  #enter(client: SharedClient, id: RequestId, request: ForwardedRequest | HeldRequest): void {
    client.openRequests.set(id, request);
    if (!client.waiting.linked) this.#waiting.add(client.waiting);
  }

  #take(client: SharedClient, id: RequestId): ForwardedRequest | HeldRequest | undefined {
    const request = client.openRequests.take(id);
    if (client.openRequests.size === 0) this.#waiting.remove(client.waiting);
    return request;
  }
}
