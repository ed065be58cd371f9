/** The requests that clients wait for, with what is asked on behalf of several. */
import type { Envelope } from "../../core/channel.ts";
import { cancellation, cancelledId, withCancelledId } from "../../core/mcp/messages.ts";
import { Method } from "../../core/mcp/methods.ts";
import type {
  JsonRpcNotification,
  JsonRpcRequest,
  JsonRpcResponse,
  Params,
  RequestId,
} from "../../core/message/jsonrpc.ts";
import { anew } from "../../wire/anew.ts";
import { withAnswerId } from "../../wire/answer_id.ts";
import { ForwardedRequests, type Settle, underServerId } from "./forwarded_requests.ts";
import type { ForwardedRequest, SharedClient } from "./shared_client.ts";
import type { ServerEnd } from "./server_end.ts";
import { type Left, type Withdrawer, WithdrawnRequests } from "./withdrawn_requests.ts";

export class SharedRequests {
  readonly #server: ServerEnd;
  readonly #forwarded: ForwardedRequests;
  readonly #withdrawn: WithdrawnRequests;

  /** `onRead` hears of those whose cancellations the server has read. */
  constructor(server: ServerEnd, onRead: (all: Iterable<Withdrawer>) => void) {
    this.#server = server;
    this.#forwarded = new ForwardedRequests(server);
    this.#withdrawn = new WithdrawnRequests({
      ping: (onAnswer) => void this.ask(Method.ping, undefined, onAnswer),
      onRead,
    });
  }

  /** The clients for whom the server may be working, some of them more than once. */
  *askers(): Iterable<Withdrawer> {
    yield* this.#forwarded.waiting();
    yield* this.#withdrawn.clients();
  }

  /** Whose open request the server was sent under this id. */
  askerOf(serverId: RequestId): ForwardedRequest | undefined {
    return this.#forwarded.askerOf(serverId);
  }

  isOpen(client: SharedClient, id: RequestId): boolean {
    return this.#forwarded.isOpen(client, id);
  }

  // --- up ---

  /** Sends a client's request to the server; the answer is the client's alone. */
  pass(client: SharedClient, envelope: Envelope, message: JsonRpcRequest): Promise<void> | void {
    const request = this.#forwarded.enter(client, message);
    return this.#server.send(underServerId(envelope, message, request));
  }

  /** Books a client's request that is not passed on as it is; `withdraw` is called when its client no longer waits. */
  hold(client: SharedClient, id: RequestId, withdraw: () => void): void {
    this.#forwarded.hold(client, id, { withdraw });
  }

  /** Answers a request that was held, unless its client no longer waits for it. */
  answer(client: SharedClient, id: RequestId, envelope: Envelope): void {
    if (this.#forwarded.take(client, id)) client.deliver(envelope);
  }

  /** Asks the server something of our own; what a client has said to that end is its `json`, if there is one. */
  ask(method: string, params: Params | undefined, settle: Settle, json?: string): Promise<void> | void {
    const id = this.#forwarded.enterOwn(settle);
    const message = { jsonrpc: "2.0", id, method, ...(params && { params }) } as const;
    return this.#server.say(
      message,
      json && `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":${json}}`,
    );
  }

  /** A client takes one of its requests back. */
  cancel(client: SharedClient, envelope: Envelope, message: JsonRpcNotification): Promise<void> | void {
    const id = cancelledId(message);
    const request = id === undefined ? undefined : this.#forwarded.take(client, id);
    if (!request) return this.#server.drop("up", "it cancels a request that is not open");
    if ("withdraw" in request) return request.withdraw();
    const { serverId } = request;
    const named = (said: JsonRpcNotification) => withCancelledId(said, serverId);
    const room = this.#server.send(anew(envelope, message, named));
    this.#withdrawn.add(client);
    return room;
  }

  /** A client that leaves takes its open requests along: what stands for it until the server has read that, if need be. */
  leave(client: SharedClient): Left | undefined {
    const requests = this.#forwarded.takeAll(client);
    const passed = requests.filter((request) => "serverId" in request);
    for (const { serverId } of passed) void this.#server.say(cancellation(serverId, "The client is gone"));
    if (passed.length > 0) this.#withdrawn.add(client);
    const left = this.#withdrawn.leave(client);
    for (const request of requests) if ("withdraw" in request) request.withdraw();
    return left;
  }

  // --- down ---

  /** The client to which the server's answer went, if it was one's own. */
  settle(envelope: Envelope, message: JsonRpcResponse): SharedClient | undefined {
    const request = this.#forwarded.settle(envelope, message);
    request?.client.deliver(withAnswerId(envelope, message, request.id));
    return request?.client;
  }

  progress(envelope: Envelope, message: JsonRpcNotification): void {
    const reported = this.#forwarded.progress(envelope, message);
    reported?.asker.client.deliver(reported.report);
  }
}
