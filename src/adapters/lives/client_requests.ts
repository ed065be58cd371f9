/** The requests of a client that the server has not answered, and how much is kept of what may have to be sent again. */
import type { Backlog } from "../../core/backlog.ts";
import { type Channel, type Envelope, textOf } from "../../core/channel.ts";
import { isHandshake } from "../../core/mcp/messages.ts";
import type { JsonRpcRequest, RequestId } from "../../core/message/jsonrpc.ts";
import { Table } from "../../base/table.ts";

/** One of them: a class, since there is one for each message, which it refers to (docs/architecture.md). */
export class ClientRequest {
  readonly id: RequestId;
  /** A handshake does nothing that could be lost, so it may be sent again in any case. */
  readonly isHandshake: boolean;
  /** As long as it may have to be sent. */
  envelope: Envelope | undefined;
  /** How much of it is counted as waiting. */
  size = 0;
  /** How often it was turned away undelivered, or found its connection broken. */
  attempts = 0;
  /** The server that has it; none while it waits to be sent. */
  sentTo: Channel | undefined = undefined;

  constructor(message: JsonRpcRequest, envelope: Envelope) {
    this.id = message.id;
    this.isHandshake = isHandshake(message);
    this.envelope = envelope;
  }
}

interface ClientRequestsOptions {
  /** Characters that may be kept here. */
  readonly maxKept: number;
  /** Where what waits for the server elsewhere counts, too. */
  readonly backlog: Backlog | undefined;
}

export class ClientRequests {
  readonly #options: ClientRequestsOptions;
  readonly #openRequests = new Table<RequestId, ClientRequest>();
  /** Characters of what waits, or is kept since it may have to be sent again. */
  #kept = 0;

  constructor(options: ClientRequestsOptions) {
    this.#options = options;
  }

  /** A second one under the same id takes the place of the first. */
  begin(message: JsonRpcRequest, envelope: Envelope): ClientRequest {
    const older = this.#openRequests.get(message.id);
    if (older) this.letGo(older);
    const request = new ClientRequest(message, envelope);
    this.#openRequests.set(message.id, request);
    return request;
  }

  get(id: RequestId): ClientRequest | undefined {
    return this.#openRequests.get(id);
  }

  has(id: RequestId): boolean {
    return this.#openRequests.has(id);
  }

  /** The one that waits, if there is exactly one. */
  sole(): ClientRequest | undefined {
    return this.#openRequests.sole();
  }

  /** Whether it still waits for its answer. */
  waits(request: ClientRequest): boolean {
    return this.#openRequests.get(request.id) === request;
  }

  /** Every request that is over goes through here. */
  end(id: RequestId): ClientRequest | undefined {
    const request = this.#openRequests.take(id);
    if (request) this.letGo(request);
    return request;
  }

  /** Those that this server has. */
  inHandsOf(server: Channel): ClientRequest[] {
    return this.#openRequests.values().filter(({ sentTo }) => sentTo === server);
  }

  // --- what is kept ---

  /** More is kept than may be. */
  get full(): boolean {
    return this.#kept > this.#options.maxKept;
  }

  /** Counts a request that may have to be sent again. */
  keep(request: ClientRequest, envelope: Envelope): void {
    if (request.size === 0) this.#count(request.size = textOf(envelope).length);
  }

  letGo(request: ClientRequest): void {
    this.#count(-request.size);
    request.size = 0;
  }

  /** The server has it, and will not be given it a second time. */
  delivered(request: ClientRequest): void {
    this.letGo(request);
    if (!request.isHandshake) request.envelope = undefined;
  }

  /** Counts a message that is no request; false where there is no room for it. */
  hold(size: number): boolean {
    if (this.#kept + size > this.#options.maxKept) return false;
    this.#count(size);
    return true;
  }

  /** What was held is on its way, or given up. */
  free(size: number): void {
    this.#count(-size);
  }

  #count(size: number): void {
    this.#kept += size;
    this.#options.backlog?.add(size);
  }
}
