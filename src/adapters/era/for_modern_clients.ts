/**
 * A legacy server as clients of 2026-07-28 see it: each request has a conversation of its own with it, to which the
 * handshake is played. So whatever shares servers below this sees as many legacy clients as there are requests.
 */
import type { Backend, Launch } from "../../core/backend.ts";
import { type Channel, type Envelope, sizeOf, undeliveredBy } from "../../core/channel.ts";
import {
  BackendError,
  BusyError,
  DisconnectedError,
  GatewayError,
  RequestError,
  RpcCode,
  toRpcError,
} from "../../core/errors.ts";
import { background, type Sink } from "../../core/events.ts";
import { cancelledId } from "../../core/mcp/messages.ts";
import { isOfTasks, Method } from "../../core/mcp/methods.ts";
import {
  faultRefusal,
  isFault,
  type RequestMeta,
  requestMetaIn,
  revisionRefusal,
} from "../../core/mcp/request_meta.ts";
import { isRemoved } from "../../core/mcp/removed_methods.ts";
import {
  errorOf,
  isObject,
  isRequest,
  isResponse,
  type JsonRpcErrorObject,
  type JsonRpcRequest,
  type RequestId,
  resultOf,
} from "../../core/message/jsonrpc.ts";
import { Queue } from "../../base/queue.ts";
import { cut, escaped, quoted } from "../../base/outside.ts";
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
import { Waiter } from "./waiter.ts";

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

/** The same server, spoken to in the other era. */
export function forModernClients(legacy: Backend, options: ModernClientsOptions): Backend {
  return {
    name: legacy.name,
    open: (launch, signal) => Promise.resolve(new ModernChannel(legacy, { launch, signal }, options)),
    [Symbol.asyncDispose]: () => legacy[Symbol.asyncDispose](),
  };
}

/** A request that is open here. */
interface Work {
  end(): void;
}

/** A request, and what it says of itself. */
interface Asked {
  readonly envelope: Envelope;
  readonly message: JsonRpcRequest;
  readonly meta: RequestMeta;
}

/** How a connection was opened; `signal` ends what is opened on its behalf. */
interface Opened {
  readonly launch: Launch;
  readonly signal: AbortSignal;
}

/** What one client says, on one connection. */
class ModernChannel implements Channel {
  readonly incoming = new Queue<Envelope>();
  readonly #legacy: Backend;
  readonly #launch: Launch;
  readonly #signal: AbortSignal;
  readonly #options: ModernClientsOptions;
  readonly #open = new Map<RequestId, Work>();
  readonly #forWaiters = {
    answer: (id: RequestId, envelope: Envelope) => {
      this.#open.delete(id);
      envelope.relatesTo = id;
      this.#deliver(envelope);
    },
    tell: (envelope: Envelope) => this.#deliver(envelope),
  };
  #closed = false;

  constructor(legacy: Backend, { launch, signal }: Opened, options: ModernClientsOptions) {
    this.#legacy = legacy;
    // One that is shared is opened by its own launch.
    this.#launch = options.shared ? launch : { ...launch, era: undefined };
    this.#signal = signal;
    this.#options = options;
  }

  /** Waits for nobody: each request has a conversation of its own to wait for. */
  send(envelope: Envelope): void {
    if (this.#closed) throw new DisconnectedError("The conversation is closed");
    const { message } = envelope;
    if (isRequest(message)) return this.#begin(envelope, message);
    if (isResponse(message)) return this.#drop("a client of 2026-07-28 answers by asking again");
    const cancelled = cancelledId(message);
    if (cancelled === undefined) {
      return this.#drop(`2026-07-28 has no ${escaped(cut(message.method, 100))} from clients`);
    }
    const work = this.#open.get(cancelled);
    this.#open.delete(cancelled);
    work?.end();
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }

  /** What waits for answers to questions goes on to wait: the client comes back with another request. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    for (const work of this.#open.values()) work.end();
    this.#open.clear();
    this.incoming.end();
    return Promise.resolve();
  }

  #begin(envelope: Envelope, message: JsonRpcRequest): void {
    const meta = requestMetaIn(message);
    if (isFault(meta)) return this.#refuse(message.id, faultRefusal(meta));
    const refusal = revisionRefusal(meta) ?? methodRefusal(message);
    if (refusal) return this.#refuse(message.id, refusal);
    const work = new Opening();
    this.#open.set(message.id, work);
    const { emit } = this.#options;
    background(this.#run({ envelope, message, meta }, work), "request of a modern client", emit);
  }

  async #run(asked: Asked, work: Opening): Promise<void> {
    const { message } = asked;
    try {
      await (message.params?.requestState === undefined ? this.#ask(asked, work) : this.#resume(asked, work));
    } catch (error) {
      if (work.ended) return;
      const known = error instanceof GatewayError
        ? error
        : new BackendError("The MCP server failed", { cause: error });
      this.#waiterOf(asked).answer(refusalOf(message.id, known));
    }
  }

  async #ask(asked: Asked, work: Opening): Promise<void> {
    const { envelope, message } = asked;
    const { emit, maxSubscriptions } = this.#options;
    const { task, inputResponses } = message.params ?? {};
    if (task !== undefined) this.#drop(`2026-07-28 has no task in ${message.method}`);
    // They belong to no call that waits: it had asked for URLs to be visited, and was over with that.
    if (inputResponses !== undefined) {
      this.#drop("a legacy server has no inputResponses without a requestState");
    }
    const server = await this.#converse(asked);
    // It was taken back meanwhile.
    if (work.ended) return await leave(server, emit);
    const waiter = this.#waiterOf(asked);
    if (message.method === Method.discover) {
      waiter.answer({ message: resultOf(message.id, discovered(server.initialized)) });
      return await leave(server, emit);
    }
    const { session } = this.#launch;
    const common = { server, request: message, session, emit };
    if (message.method === Method.listen) {
      const listening = new Listening(waiter, { ...common, maxSubscriptions });
      this.#enter(message.id, listening);
      return listening.begin();
    }
    const asking = this.#askingOf(message);
    await asking?.begin();
    if (work.ended) {
      asking?.over();
      return await leave(server, emit);
    }
    const call = new LegacyCall(waiter, { ...common, asking, parking: this.#parkingOf(message) });
    this.#enter(message.id, call);
    call.begin(plainRequest(envelope, message));
  }

  /** The client was asked something, and comes back. */
  async #resume(asked: Asked, work: Opening): Promise<void> {
    const { states, parked } = this.#options;
    const { envelope, message, message: { id, params: { requestState, inputResponses = {} } = {} } } = asked;
    if (!isObject(inputResponses)) throw invalidParams("params.inputResponses is not an object");
    const { owner } = this.#launch;
    const handle = await states.open(requestState, { principal: owner, digest: digestOf(message) });
    // It waits on for a client that has left meanwhile, and comes back once more.
    if (work.ended) return;
    const call = parked.take(handle, owner);
    if (!call) {
      throw invalidParams(
        "params.requestState is known no more: it counts once, and for a while. Ask anew without it",
      );
    }
    await call.again();
    if (work.ended) return call.end();
    this.#enter(id, call);
    call.resume(this.#waiterOf(asked), inputResponses, envelope);
  }

  #enter(id: RequestId, work: Work): void {
    this.#open.set(id, work);
  }

  async #converse({ envelope, meta }: Asked): Promise<LegacyServer> {
    const { protocolVersion, timeoutMs, shared, emit } = this.#options;
    const { backlog } = this.#launch;
    const size = sizeOf(envelope);
    backlog?.add(size);
    try {
      const capabilities = shared ? ALL_ASKABLE : askableIn(meta.capabilities);
      return await converse(this.#legacy, {
        ...{ launch: this.#launch, client: meta.client, capabilities, protocolVersion, timeoutMs },
        ...{ signal: this.#signal, emit },
      });
    } finally {
      backlog?.remove(size);
    }
  }

  /** Undefined where each call has a server of its own, or can ask nothing. */
  #askingOf(message: JsonRpcRequest): Asking | undefined {
    const { shared, turns } = this.#options;
    return shared && mayAsk(message.method) ? turns.take(message) : undefined;
  }

  #parkingOf(message: JsonRpcRequest): Parking {
    const { parked, states } = this.#options;
    const { owner } = this.#launch;
    return {
      async park(call) {
        const handle = parked.park(call, owner);
        const state = await states.seal(handle, { principal: owner, digest: digestOf(message) });
        // Its client has left meanwhile, and will never know the state.
        if (call.over) parked.take(handle, owner);
        return state;
      },
    };
  }

  #waiterOf({ message, meta }: Asked): Waiter {
    return new Waiter(message, meta, this.#forWaiters);
  }

  #deliver(envelope: Envelope): void {
    if (!this.incoming.ended) void this.incoming.push(envelope, envelope.text?.length);
  }

  #refuse(id: RequestId, error: JsonRpcErrorObject): void {
    this.#deliver({ message: errorOf(id, error), relatesTo: id });
  }

  #drop(reason: string): void {
    const { session } = this.#launch;
    this.#options.emit({ type: "message.dropped", session, direction: "up", reason });
  }
}

/** A request of which it is not known yet who answers it. */
class Opening implements Work {
  ended = false;

  end(): void {
    this.ended = true;
  }
}

/** Why this cannot be asked in this era; undefined where it can. */
function methodRefusal({ method }: JsonRpcRequest): JsonRpcErrorObject | undefined {
  if (!isRemoved(method) && !isOfTasks(method)) return undefined;
  return { code: RpcCode.methodNotFound, message: `${quoted(method)} is no method of 2026-07-28` };
}

function refusalOf(id: RequestId, error: GatewayError): Envelope {
  const undelivered = error instanceof BusyError ? undeliveredBy(error) : undefined;
  return { message: errorOf(id, toRpcError(error)), undelivered };
}

function invalidParams(message: string): RequestError {
  return new RequestError(message, { code: RpcCode.invalidParams });
}
