/**
 * What both directions of a session work on: its two ends, the requests that are open between them, what the session
 * says by itself, and how it comes to its end.
 */
import type { Over, Take } from "../../base/readable.ts";
import type { AdmittedClient, Peer } from "../backend.ts";
import type { Channel, Envelope } from "../channel.ts";
import { BackendError, GatewayError, type TimeoutError, toRpcError } from "../errors.ts";
import type { Direction } from "../events.ts";
import { modernError } from "../mcp/eras.ts";
import { cancellation, isHandshake, requestedTool } from "../mcp/messages.ts";
import { type Introduction, introductionIn, negotiatedIn } from "../mcp/negotiated.ts";
import { isModern } from "../mcp/request_meta.ts";
import type { Era } from "../mcp/revisions.ts";
import {
  errorOf,
  isNotification,
  type JsonRpcErrorObject,
  type JsonRpcMessage,
  type JsonRpcRequest,
  type JsonRpcResponse,
  type RequestId,
} from "../message/jsonrpc.ts";
import type { ExpiryListener, OpenRequest } from "./open_request.ts";
import { OpenTable } from "./open_table.ts";
import type { SessionOptions } from "./session_options.ts";

/** Why a session ended; `error` is what the open requests are answered with. */
export interface SessionEnd {
  readonly reason: string;
  readonly error?: GatewayError;
  /** The client has left. */
  readonly left?: boolean;
}

export class Bridge implements ExpiryListener {
  readonly admitted: AdmittedClient;
  readonly options: SessionOptions;
  readonly client: Channel;
  /** From the first message of the client on. */
  server: Channel | undefined;
  /** What each side has asked and the other one has not answered. */
  readonly fromClient: OpenTable;
  readonly fromServer: OpenTable;
  readonly #ended = Promise.withResolvers<SessionEnd>();
  readonly #abort = new AbortController();
  #end: SessionEnd | undefined;
  #era: Era | undefined;
  /** What the client has said of itself in a handshake that is not answered. */
  #introduction: Introduction | undefined;
  /** Settles when the client has read what it was answered here. */
  #unread: Promise<void> | undefined;
  /** How many channels are read, and who waits until none is. */
  #readers = 0;
  #readersGone: PromiseWithResolvers<void> | undefined;

  constructor(client: Channel, admitted: AdmittedClient, options: SessionOptions) {
    const { session, principal } = admitted.peer;
    const owner = { session, principal: principal?.name, limits: options };
    this.client = client;
    this.admitted = admitted;
    this.options = options;
    this.fromClient = new OpenTable({ ...owner, direction: "up", listener: this });
    this.fromServer = new OpenTable({ ...owner, direction: "down" });
  }

  get peer(): Peer {
    return this.admitted.peer;
  }

  // --- its end ---

  /** It has ended, and may still be freeing what it held. */
  get over(): boolean {
    return this.#end !== undefined;
  }

  /** What a request hears that comes after the end. */
  get endError(): GatewayError | undefined {
    return this.#end?.error;
  }

  /** Settles when it has ended. */
  get ended(): Promise<SessionEnd> {
    return this.#ended.promise;
  }

  /** Fires when it has ended. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Ends it; of several ends the first one counts. */
  finish(end: SessionEnd): void {
    if (this.#end) return;
    this.#end = end;
    this.#abort.abort(end.error ?? sessionOver());
    this.options.onEnded?.(this.peer);
    this.#ended.resolve(end);
  }

  /** This end of it broke. */
  lose(channel: Channel | undefined, error: unknown): void {
    const client = channel === this.client;
    this.finish({
      reason: client ? "the client's side is over" : "the server is gone",
      left: client,
      error: asGatewayError(error, client ? "The client" : "The MCP server"),
    });
  }

  // --- how its client speaks ---

  /** In which era: as the peer says, or else the client's first message. */
  get era(): Era {
    return this.#era ?? "legacy";
  }

  /** The client says something. */
  meet(message: JsonRpcMessage): void {
    this.#era ??= this.peer.era ?? (isModern(message) ? "modern" : "legacy");
  }

  // --- its handshake ---

  /** The client begins a handshake. Of a request that stands alone nothing is kept: nothing comes after it. */
  introduce(message: JsonRpcRequest): void {
    if (this.peer.scope === "session") this.#introduction = introductionIn(message);
  }

  /** The handshake was answered so, and the answer handed over. */
  agree(message: JsonRpcResponse): void {
    const client = this.#introduction;
    this.#introduction = undefined;
    if (client && "result" in message) this.admitted.negotiated = negotiatedIn(client, message.result);
  }

  // --- what comes in ---

  /** Reads one of its ends. */
  read(channel: Channel, take: Take<Envelope>, over: Over): void {
    this.#readers++;
    channel.incoming.read(take, (failure) => {
      over(failure);
      if (--this.#readers === 0) this.#readersGone?.resolve();
    });
  }

  /** Settles when neither end is read any more. */
  async readToEnd(): Promise<void> {
    if (this.#readers > 0) await (this.#readersGone = Promise.withResolvers<void>()).promise;
  }

  // --- what it says by itself ---

  /** Settles when the client has read what it was answered here; undefined where it has. */
  get unread(): Promise<void> | undefined {
    return this.#unread;
  }

  answer(receiver: Channel | undefined, id: RequestId, error: JsonRpcErrorObject): void {
    const told = this.era === "modern" ? modernError(error) : error;
    if (receiver) this.say(receiver, { message: errorOf(id, told), relatesTo: id });
  }

  /** A far end that is gone ends the session. */
  say(channel: Channel, envelope: Envelope): void {
    const failed = (error: unknown) => this.lose(channel, error);
    try {
      const room = channel.send(envelope);
      if (!room) return;
      if (channel === this.client) this.#unread = room;
      room.then(() => {
        if (this.#unread === room) this.#unread = undefined;
      }).catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  /** The time of a client's request is over: the client is answered, and the server told. */
  expired(request: OpenRequest, error: TimeoutError): void {
    const { id } = request;
    this.fromClient.take(id, "timeout", { reason: error.message });
    this.answer(this.client, id, toRpcError(error));
    // A handshake must never be cancelled (MCP lifecycle page, all revisions that have one).
    if (isHandshake(request) || !this.server) return;
    this.say(this.server, { message: cancellation(id, error.message) });
  }

  /** Of a call that wants no answer there is no end to tell of. */
  tellUnansweredCall({ message, text }: Envelope): void {
    if (!isNotification(message)) return;
    const { session, principal } = this.peer;
    const tool = requestedTool(message);
    this.options.emit({
      ...{ type: "tool.notified", session, principal: principal?.name, tool, requestSize: text?.length },
    });
  }

  drop(direction: Direction, reason: string): void {
    this.options.emit({ type: "message.dropped", session: this.peer.session, direction, reason });
  }

  fault(where: string, error: unknown): void {
    this.options.emit({ type: "fault", where, error });
  }
}

let over: BackendError | undefined;

/**
 * One for all: an error that is made for each session costs as much as a few requests, and mostly nobody reads it. Not
 * at import time: for its first error the runtime goes through the whole program, which takes a third of a start.
 */
export function sessionOver(): BackendError {
  return over ??= new BackendError("The session ended before the server answered");
}

export function asGatewayError(error: unknown, who: string): GatewayError {
  return error instanceof GatewayError ? error : new BackendError(`${who} failed`, { cause: error });
}
