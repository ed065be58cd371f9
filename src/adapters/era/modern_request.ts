/**
 * One request of a modern client at a legacy server, until a call or a subscription works on it: a conversation is begun
 * for it, or the call goes on that waits for what it brings.
 */
import type { Backend, Launch } from "../../core/backend.ts";
import { type Envelope, sizeOf, undeliveredBy } from "../../core/channel.ts";
import {
  BackendError,
  BusyError,
  GatewayError,
  RequestError,
  RpcCode,
  toRpcError,
} from "../../core/errors.ts";
import type { Sink } from "../../core/events.ts";
import { requestedToken } from "../../core/mcp/messages.ts";
import { Method } from "../../core/mcp/methods.ts";
import type { RequestMeta } from "../../core/mcp/request_meta.ts";
import {
  errorOf,
  isObject,
  type JsonRpcRequest,
  type ProgressToken,
  type RequestId,
  resultOf,
} from "../../core/message/jsonrpc.ts";
import type { HandshakeOptions } from "../handshake.ts";
import type { AskingTurns } from "./asking_turns.ts";
import { ALL_ASKABLE, askableIn, mayAsk } from "./input_requests.ts";
import { type Asking, LegacyCall, type Parking } from "./legacy_call.ts";
import { converse, leave, type LegacyServer } from "./legacy_conversation.ts";
import { Listening } from "./listening.ts";
import { discovered } from "./modern_answers.ts";
import type { ParkedCalls } from "./parked_calls.ts";
import { plainRequest } from "./plain_request.ts";
import { digestOf } from "./request_digest.ts";
import type { RequestStates } from "./request_state.ts";
import type { Waiter } from "./waiter.ts";

export interface ModernClientsOptions extends Pick<HandshakeOptions, "protocolVersion" | "timeoutMs"> {
  /** Whether a server is there for several clients: it is told then that it may ask whatever can be asked. */
  readonly shared: boolean;
  /** The calls that wait for what their clients were asked. */
  readonly parked: ParkedCalls<LegacyCall>;
  readonly states: RequestStates;
  /** Of those who share the server. */
  readonly turns: AskingTurns;
  /** How many resources one subscription may name. */
  readonly maxSubscriptions: number;
  readonly emit: Sink;
}

/** What works on a request. */
export interface Work {
  /** Nobody waits for it any more. */
  end(): void;
}

/** The connection that it came by. */
export interface ModernConnection {
  /** The server, which is spoken to with a handshake. */
  readonly legacy: Backend;
  readonly launch: Launch;
  /** Ends what is opened on its behalf. */
  readonly signal: AbortSignal;
  readonly options: ModernClientsOptions;
  /** What works on the request from now on. */
  enter(id: RequestId, work: Work): void;
  answer(id: RequestId, envelope: Envelope): void;
  tell(id: RequestId, envelope: Envelope): void;
  /** Something of it does not come to the server. */
  drop(reason: string): void;
}

interface ModernRequestContext {
  readonly meta: RequestMeta;
  readonly connection: ModernConnection;
}

export class ModernRequest implements Work, Waiter, Parking {
  readonly meta: RequestMeta;
  readonly token: ProgressToken | undefined;
  readonly #message: JsonRpcRequest;
  readonly #connection: ModernConnection;
  #ended = false;

  constructor(message: JsonRpcRequest, { meta, connection }: ModernRequestContext) {
    this.meta = meta;
    this.token = requestedToken(message);
    this.#message = message;
    this.#connection = connection;
  }

  get id(): RequestId {
    return this.#message.id;
  }

  /**
   * Settles once something else works on it, or it is answered. `envelope` is as it came: its text is not kept, since a call
   * may wait for long.
   */
  async run(envelope: Envelope): Promise<void> {
    try {
      const isNew = this.#message.params?.requestState === undefined;
      await (isNew ? this.#ask(envelope) : this.#resume(envelope));
    } catch (error) {
      if (!this.#ended) this.answer(refusalOf(this.id, error));
    }
  }

  /** Nobody waits for it any more. */
  end(): void {
    this.#ended = true;
  }

  answer(envelope: Envelope): void {
    this.#connection.answer(this.id, envelope);
  }

  tell(envelope: Envelope): void {
    this.#connection.tell(this.id, envelope);
  }

  async park(call: LegacyCall): Promise<string> {
    const { options: { parked, states }, launch: { owner } } = this.#connection;
    const handle = parked.park(call, owner);
    const state = await states.seal(handle, { principal: owner, digest: digestOf(this.#message) });
    // Its client has left meanwhile, and will never know the state.
    if (call.over) parked.take(handle, owner);
    return state;
  }

  async #ask(envelope: Envelope): Promise<void> {
    this.#tellLeftOut();
    const server = await this.#converse(sizeOf(envelope));
    if (this.#ended) return await this.#leave(server);
    const { method } = this.#message;
    if (method === Method.discover) {
      this.answer({ message: resultOf(this.id, discovered(server.initialized)) });
      return await this.#leave(server);
    }
    if (method === Method.listen) return this.#listen(server);
    const asking = this.#asking();
    const turn = asking?.begin();
    if (turn) await turn;
    if (this.#ended) {
      asking?.over();
      return await this.#leave(server);
    }
    const call = this.#callAt(server, asking);
    this.#connection.enter(this.id, call);
    call.begin(plainRequest(envelope, this.#message));
  }

  #callAt(server: LegacyServer, asking: Asking | undefined): LegacyCall {
    const { launch: { session }, options: { emit } } = this.#connection;
    return new LegacyCall(this, {
      server,
      request: this.#message,
      session,
      emit,
      asking,
      parking: this,
    });
  }

  #listen(server: LegacyServer): void {
    const { launch: { session }, options: { emit, maxSubscriptions } } = this.#connection;
    const request = this.#message;
    const listening = new Listening(this, { server, request, session, emit, maxSubscriptions });
    this.#connection.enter(this.id, listening);
    listening.begin();
  }

  /** The client was asked something, and comes back. */
  async #resume(envelope: Envelope): Promise<void> {
    const { options: { states, parked }, launch: { owner } } = this.#connection;
    const message = this.#message;
    const { requestState, inputResponses = {} } = message.params ?? {};
    if (!isObject(inputResponses)) throw invalidParams("params.inputResponses is not an object");
    const handle = await states.open(requestState, { principal: owner, digest: digestOf(message) });
    // It waits on for a client that has left meanwhile, and comes back once more.
    if (this.#ended) return;
    const call = parked.take(handle, owner);
    if (!call) {
      throw invalidParams(
        "params.requestState is known no more: it counts once, and for a while. Ask anew without it",
      );
    }
    await call.again();
    if (this.#ended) return call.end();
    this.#connection.enter(this.id, call);
    call.resume(this, inputResponses, envelope);
  }

  async #converse(size: number): Promise<LegacyServer> {
    const { legacy, launch, signal, options } = this.#connection;
    const { protocolVersion, timeoutMs, shared, emit } = options;
    const { client, capabilities } = this.meta;
    const { backlog } = launch;
    backlog?.add(size);
    try {
      return await converse(legacy, {
        launch,
        signal,
        emit,
        client,
        protocolVersion,
        timeoutMs,
        capabilities: shared ? ALL_ASKABLE : askableIn(capabilities),
      });
    } finally {
      backlog?.remove(size);
    }
  }

  #leave(server: LegacyServer): Promise<void> {
    return leave(server, this.#connection.options.emit);
  }

  /** Undefined where each call has a server of its own, or can ask nothing. */
  #asking(): Asking | undefined {
    const { shared, turns } = this.#connection.options;
    return shared && mayAsk(this.#message.method) ? turns.take(this.#message) : undefined;
  }

  #tellLeftOut(): void {
    const { method, params = {} } = this.#message;
    if (params.task !== undefined) this.#connection.drop(`2026-07-28 has no task in ${method}`);
    // They belong to no call that waits: it had asked for URLs to be visited, and was over with that.
    if (params.inputResponses !== undefined) {
      this.#connection.drop("a legacy server has no inputResponses without a requestState");
    }
  }
}

function refusalOf(id: RequestId, error: unknown): Envelope {
  const known = error instanceof GatewayError
    ? error
    : new BackendError("The MCP server failed", { cause: error });
  const undelivered = known instanceof BusyError ? undeliveredBy(known) : undefined;
  return { message: errorOf(id, toRpcError(known)), undelivered };
}

function invalidParams(message: string): RequestError {
  return new RequestError(message, { code: RpcCode.invalidParams });
}
