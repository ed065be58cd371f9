/** One client of a shared server: the channel that it has there. */
import { linkTo } from "../../base/chain.ts";
import type { BufferLimits, Channel, Envelope } from "../../core/channel.ts";
import { BusyError, DisconnectedError } from "../../core/errors.ts";
import { requestedToken } from "../../core/mcp/messages.ts";
import type { JsonRpcRequest, Params, ProgressToken, RequestId } from "../../core/message/jsonrpc.ts";
import { Queue } from "../../base/queue.ts";
import { Table } from "../../base/table.ts";

/** One for the many clients that cannot be asked for anything. */
export const NO_CAPABILITIES: ReadonlySet<string> = new Set();

/** "session": a conversation with a memory. "request": one POST that stands alone. */
export type SharingKind = "session" | "request";
/** "alone": has the server for itself, which ends with it, and was initialized before it came. */
export type ClientKind = SharingKind | "alone";

/** A client's request that waits at the server. */
export class ForwardedRequest {
  readonly client: SharedClient;
  readonly id: RequestId;
  readonly token: ProgressToken | undefined;
  readonly serverId: number;

  constructor(client: SharedClient, message: JsonRpcRequest, serverId: number) {
    this.client = client;
    this.id = message.id;
    this.token = requestedToken(message);
    this.serverId = serverId;
  }
}

/** A client's request that waits for something that is asked on behalf of several. */
export interface HeldRequest {
  readonly withdraw: () => void;
}

/** The server that a client has joined, as the client sees it. */
export interface JoinedServer {
  /** Takes what the client says. Throws as the server's channel does. */
  send(client: SharedClient, envelope: Envelope): Promise<void> | void;
  leave(client: SharedClient): void;
  /** Takes a client for one that has played the handshake, and gives what the server has said in its own. */
  introduce?(client: SharedClient, capabilities: Params): Params;
}

export class SharedClient implements Channel {
  readonly incoming = new Queue<Envelope>();
  readonly kind: ClientKind;
  /** Whose it is: what is asked of one of a party may be asked of another one. Undefined where it stands for itself. */
  readonly party: string | undefined;
  /** For what it may be asked, as it declared in its `initialize`. */
  askable: ReadonlySet<string> = NO_CAPABILITIES;
  /** True once it has said `notifications/initialized`. */
  initialized = false;
  /** Its requests that are not answered, by the ids that it gave them. */
  readonly openRequests = new Table<RequestId, ForwardedRequest | HeldRequest>();
  /** Called when the server asks something that may be for it, or for others. */
  onSuspected: (() => void) | undefined = undefined;
  /** From which level on it hears what is logged, by its place in `LOG_LEVELS`: all of it until it sets one. */
  logRank = 0;
  /** Its links among the clients of the server, those that wait for an answer, and those that have set a level. */
  readonly joined = linkTo(this);
  readonly waiting = linkTo(this);
  readonly logging = linkTo(this);
  /** Of what waits for the client, before it is given up. */
  readonly #limits: BufferLimits;
  readonly #server: JoinedServer;
  #disposed: PromiseWithResolvers<void> | undefined;
  #closed = false;

  constructor(kind: ClientKind, limits: BufferLimits, server: JoinedServer, party?: string) {
    this.kind = kind;
    this.party = party;
    this.#limits = limits;
    this.#server = server;
  }

  /** True when nothing can reach it any more. */
  get gone(): boolean {
    return this.incoming.ended;
  }

  /** In place of a handshake, where the server has had its own: what is declared, and what the server has said. */
  introduce(capabilities: Params): Params | undefined {
    return this.#server.introduce?.(this, capabilities);
  }

  /** Waits for nobody: one slow client must not hold up the others. */
  deliver(envelope: Envelope): void {
    const { maxBufferedMessages, maxBufferedBytes } = this.#limits;
    const { size, weight } = this.incoming;
    if (size < maxBufferedMessages && weight < maxBufferedBytes) {
      return void this.incoming.push(envelope, envelope.text?.length);
    }
    this.incoming.fail(new BusyError(`The client reads too slowly: ${size} messages wait for it`));
  }

  send(envelope: Envelope): Promise<void> | void {
    if (this.#closed || this.gone) throw new DisconnectedError("The MCP server is gone");
    const room = this.#server.send(this, envelope);
    if (!room) return;
    // A server that does not read holds its clients up, but none that wants to leave.
    this.#disposed ??= Promise.withResolvers<void>();
    return Promise.race([room, this.#disposed.promise]);
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#disposed?.resolve();
    this.#server.leave(this);
    this.incoming.end();
    return Promise.resolve();
  }
}
