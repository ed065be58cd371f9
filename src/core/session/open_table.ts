/** The table of open requests of one direction: what makes "exactly one answer" a loop. */
import { Table } from "../../base/table.ts";
import type { Deadlines } from "../deadlines.ts";
import { alreadyInitialized, BusyError, type GatewayError, stillOpen } from "../errors.ts";
import type { Direction, Sink } from "../events.ts";
import { isHandshake } from "../mcp/messages.ts";
import {
  isId,
  type JsonRpcRequest,
  type JsonRpcResponse,
  type ProgressToken,
  type RequestId,
} from "../message/jsonrpc.ts";
import { type ExpiryListener, type OpenCall, OpenRequest, tooLong } from "./open_request.ts";

type Outcome = "result" | "error" | "cancelled" | "failed" | "timeout";

/** What observers are told of an answer that is none of success. */
interface Why {
  readonly reason?: string;
  readonly code?: number;
  /** It is told by an event of its own. */
  readonly isTold?: boolean;
}

/** One object for all tables, since an idle session should cost little. */
export interface RequestLimits {
  /** How many requests of one direction may wait for their answer. */
  readonly maxOpenRequests: number;
  /** Of what is remembered of a request: its id, its progress token and its method. */
  readonly maxIdChars: number;
  /** How long they may wait, where somebody hears of the end of that time; no limit by default. Whoever made them disposes them. */
  readonly deadlines?: Deadlines | undefined;
  readonly emit: Sink;
}

interface OpenTableOptions {
  /** For the events that tell of finished requests. */
  readonly session: string;
  /** Whose session it is. */
  readonly principal?: string | undefined;
  readonly direction: Direction;
  readonly limits: RequestLimits;
  /** Answers a request whose time is over. Without it requests wait for as long as the session lives. */
  readonly listener?: ExpiryListener;
}

export class OpenTable {
  readonly #byId = new Table<RequestId, OpenRequest>();
  /** Made with the first token: most conversations have none. */
  #byToken: Table<ProgressToken, OpenRequest> | undefined;
  readonly #session: string;
  readonly #principal: string | undefined;
  readonly #direction: Direction;
  readonly #limits: RequestLimits;
  readonly #listener: ExpiryListener | undefined;
  /** How many of them last: nobody waits for their end. */
  #lasting = 0;
  #drained: PromiseWithResolvers<void> | undefined;
  /** The handshake was answered with a result. */
  #initialized = false;

  constructor({ session, principal, direction, limits, listener }: OpenTableOptions) {
    this.#session = session;
    this.#principal = principal;
    this.#direction = direction;
    this.#limits = limits;
    this.#listener = listener;
  }

  get size(): number {
    return this.#byId.size;
  }

  // --- what may begin ---

  /** Why this request may not be entered, or undefined. */
  refusal(message: JsonRpcRequest): GatewayError | undefined {
    const { id } = message;
    if (this.#byId.has(id)) return stillOpen(id);
    if (isHandshake(message) && this.#shakesHands()) return alreadyInitialized();
    const { maxOpenRequests, maxIdChars } = this.#limits;
    if (this.size < maxOpenRequests) return tooLong(message, maxIdChars);
    return new BusyError(`Too many open requests: the limit is ${maxOpenRequests}`);
  }

  /** Whether a handshake is open or has succeeded; one that the server refused may be tried again. */
  #shakesHands(): boolean {
    return this.#initialized || this.#byId.values().some(isHandshake);
  }

  add(message: JsonRpcRequest, relatesTo?: RequestId): OpenRequest {
    const request = new OpenRequest(message, relatesTo, this.#listener);
    this.#byId.set(request.id, request);
    if (request.token !== undefined) (this.#byToken ??= new Table()).set(request.token, request);
    if (request.lasting) this.#lasting++;
    else if (this.#listener) request.deadline = this.#limits.deadlines?.add(request);
    return request;
  }

  // --- what is open ---

  /** The request that is open under this id. */
  get(id: RequestId | null): OpenRequest | undefined {
    return id === null ? undefined : this.#byId.get(id);
  }

  /** The request that asked for progress under this token. */
  ownerOf(token: ProgressToken): OpenRequest | undefined {
    return this.#byToken?.get(token);
  }

  /** The one request in flight, or undefined when there are none or several. */
  sole(): OpenRequest | undefined {
    return this.#byId.sole();
  }

  /** Gives a request that made progress its time anew. */
  renew({ deadline }: OpenRequest): void {
    if (deadline) this.#limits.deadlines?.renew(deadline);
  }

  /** What is waited for, oldest first. */
  calls(): OpenCall[] {
    const calls = this.#byId.values().filter(({ lasting }) => !lasting);
    return calls.map((request) => request.call(this.#session));
  }

  /** Tells once of each request that has been open for so long. */
  tellSlow(ms: number): void {
    const now = performance.now();
    for (const request of this.#byId.values()) {
      if (request.toldSlow || request.lasting || now - request.since < ms) continue;
      request.toldSlow = true;
      this.#limits.emit({ type: "request.slow", ...request.call(this.#session) });
    }
  }

  // --- what is over ---

  /** Takes the request out, so that whoever gets it is the only one to answer it. */
  take(id: RequestId, outcome: Outcome, why?: Why): OpenRequest | undefined {
    const request = this.#byId.take(id);
    if (!request) return undefined;
    const { token, deadline } = request;
    if (token !== undefined && this.#byToken?.get(token) === request) this.#byToken.take(token);
    if (deadline) this.#limits.deadlines?.delete(deadline);
    if (request.lasting) this.#lasting--;
    this.#tell(request, outcome, why);
    if (this.#isDrained) this.#release();
    return request;
  }

  /** Takes out the request that this response answers. */
  settle(message: JsonRpcResponse): OpenRequest | undefined {
    if (message.id === null) return undefined;
    if ("error" in message) return this.take(message.id, "error", { code: message.error.code });
    const request = this.take(message.id, "result");
    if (request && isHandshake(request)) this.#initialized = true;
    return request;
  }

  /** Takes out every request, oldest first. */
  takeAll(outcome: "cancelled" | "failed", reason: string): OpenRequest[] {
    return this.#byId.values().flatMap(({ id }) => this.take(id, outcome, { reason }) ?? []);
  }

  /** Settles when no request is open but such as last. */
  drained(): Promise<void> {
    if (this.#isDrained) return Promise.resolve();
    this.#drained ??= Promise.withResolvers<void>();
    return this.#drained.promise;
  }

  get #isDrained(): boolean {
    return this.#byId.size === this.#lasting;
  }

  #release(): void {
    this.#drained?.resolve();
    this.#drained = undefined;
  }

  #tell(request: OpenRequest, outcome: Outcome, why: Why | undefined): void {
    const { id, method, tool, since, requestSize, answerSize } = request;
    // With each message: no object more than the event.
    this.#limits.emit({
      type: "request.finished",
      session: this.#session,
      principal: this.#principal,
      direction: this.#direction,
      id,
      method,
      tool,
      reason: why?.reason,
      code: why?.code,
      isTold: why?.isTold,
      outcome,
      durationMs: performance.now() - since,
      requestSize,
      answerSize,
    });
  }
}

/** Why an answer belongs to none of the open requests; `openRequests` is their number. */
export function unansweredBy({ id }: JsonRpcResponse, openRequests: number): string {
  return isId(id) || openRequests === 0
    ? "it answers no open request"
    : "it is an error without an id, and which of the open requests it answers cannot be told";
}
