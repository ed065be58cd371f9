/** The table of open requests of one direction: what makes "exactly one answer" a loop. */
import type { Deadline, Deadlines, Expiring } from "./deadlines.ts";
import {
  alreadyInitialized,
  BusyError,
  type GatewayError,
  invalidRequest,
  stillOpen,
  type TimeoutError,
} from "./errors.ts";
import type { Direction, Sink } from "./events.ts";
import {
  isId,
  type JsonRpcRequest,
  type JsonRpcResponse,
  type ProgressToken,
  requestedToken,
  requestedTool,
  type RequestId,
} from "./message/jsonrpc.ts";
import { Table } from "../base/table.ts";
import { optionName } from "../base/option_name.ts";

/** Stands at the beginning of a conversation, and nowhere else (lifecycle page of each revision that has it). */
const HANDSHAKE = "initialize";

export interface OpenRequest extends Expiring {
  readonly id: RequestId;
  readonly token: ProgressToken | undefined;
  /** Which tool it calls, if it does. */
  readonly tool: string | undefined;
  /** For a request of the server: the client request on whose stream it went out. */
  readonly relatesTo: RequestId | undefined;
  deadline: Deadline | undefined;
  /** It was told of as one that takes long. */
  toldSlow: boolean;
}

/** An open request as observers are told of it: nothing of its body. */
export interface OpenCall {
  readonly session: string;
  readonly id: RequestId;
  readonly method: string;
  readonly tool?: string;
  /** Milliseconds since it arrived. */
  readonly ageMs: number;
}

export type Outcome = "result" | "error" | "cancelled" | "failed" | "timeout";

/** What observers are told of an answer that is none of success. */
export interface Why {
  readonly reason?: string;
  readonly code?: number;
}

export interface OpenTableOptions {
  /** For the events that tell of finished requests. */
  readonly session: string;
  readonly direction: Direction;
  readonly emit: Sink;
  /** How many requests may wait for their answer. */
  readonly maxOpenRequests: number;
  /** Of what is remembered of a request: its id, its progress token and its method. */
  readonly maxIdChars: number;
  /** How long they may; no limit by default. */
  readonly deadlines?: Deadlines | undefined;
  /** Called for a request whose time is over; it is still open then. */
  readonly onExpired?: (entry: OpenRequest, error: TimeoutError) => void;
}

export class OpenTable {
  readonly #byId = new Table<RequestId, OpenRequest>();
  /** Made with the first token: most conversations have none. */
  #byToken: Table<ProgressToken, OpenRequest> | undefined;
  readonly #options: OpenTableOptions;
  #drained: PromiseWithResolvers<void> | undefined;
  /** The handshake was answered with a result. */
  #initialized = false;

  constructor(options: OpenTableOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#byId.size;
  }

  /** Why this request may not be entered, or undefined. */
  refusal(message: JsonRpcRequest): GatewayError | undefined {
    const { id, method } = message;
    if (this.#byId.has(id)) return stillOpen(id);
    if (method === HANDSHAKE && this.#shakesHands()) return alreadyInitialized();
    const { maxOpenRequests } = this.#options;
    if (this.size < maxOpenRequests) return this.#tooLong(message);
    return new BusyError(`Too many open requests: the limit is ${maxOpenRequests}`);
  }

  /** Who was refused by the server may try again. */
  #shakesHands(): boolean {
    return this.#initialized || this.#byId.values().some(({ method }) => method === HANDSHAKE);
  }

  #tooLong(message: JsonRpcRequest): GatewayError | undefined {
    const { maxIdChars: max } = this.#options;
    const { id, method } = message;
    const token = requestedToken(message);
    const what = isLonger(id, max)
      ? "id"
      : isLonger(token, max)
      ? "progress token"
      : isLonger(method, max)
      ? "method"
      : undefined;
    if (what === undefined) return undefined;
    return invalidRequest(`the ${what} is longer than ${max} characters (${optionName("maxIdLength")})`);
  }

  add(message: JsonRpcRequest, relatesTo?: RequestId): OpenRequest {
    const { id, method } = message;
    const entry: OpenRequest = {
      id,
      method,
      relatesTo,
      since: performance.now(),
      token: requestedToken(message),
      tool: requestedTool(message),
      deadline: undefined,
      toldSlow: false,
      expire: (error) => this.#options.onExpired?.(entry, error),
    };
    this.#byId.set(id, entry);
    if (entry.token !== undefined) (this.#byToken ??= new Table()).set(entry.token, entry);
    entry.deadline = this.#options.deadlines?.add(entry);
    return entry;
  }

  /** The request that is open under this id. */
  get(id: RequestId | null): OpenRequest | undefined {
    return id === null ? undefined : this.#byId.get(id);
  }

  /** Takes the request out, so that whoever gets it is the only one to answer it. */
  take(id: RequestId, outcome: Outcome, why?: Why): OpenRequest | undefined {
    const entry = this.#byId.take(id);
    if (!entry) return undefined;
    const { token, deadline } = entry;
    if (token !== undefined && this.#byToken?.get(token) === entry) this.#byToken.take(token);
    if (deadline) this.#options.deadlines?.delete(deadline);
    this.#tell(entry, outcome, why);
    if (this.#byId.size === 0) this.#release();
    return entry;
  }

  /** Takes out the request that this response answers. */
  settle(message: JsonRpcResponse): OpenRequest | undefined {
    if (message.id === null) return undefined;
    if (!("error" in message)) {
      const entry = this.take(message.id, "result");
      if (entry?.method === HANDSHAKE) this.#initialized = true;
      return entry;
    }
    return this.take(message.id, "error", { code: message.error.code });
  }

  /** Takes out every request, oldest first. */
  takeAll(reason: string): OpenRequest[] {
    return this.#byId.values().flatMap(({ id }) => this.take(id, "failed", { reason }) ?? []);
  }

  /** Who asked for progress under this token. */
  ownerOf(token: ProgressToken): OpenRequest | undefined {
    return this.#byToken?.get(token);
  }

  /** Gives a request that made progress its time anew. */
  renew(entry: OpenRequest): void {
    if (entry.deadline) this.#options.deadlines?.renew(entry.deadline);
  }

  /** The one request in flight, or undefined when there are none or several. */
  sole(): OpenRequest | undefined {
    return this.#byId.sole();
  }

  /** What is open, oldest first. */
  calls(): OpenCall[] {
    const { session } = this.#options;
    const now = performance.now();
    return this.#byId.values().map(({ id, method, tool, since }) => ({
      ...{ session, id, method, ageMs: now - since },
      ...tool !== undefined && { tool },
    }));
  }

  /** Tells once of each request that has been open for so long. */
  tellSlow(ms: number): void {
    const { session, emit } = this.#options;
    const now = performance.now();
    for (const entry of this.#byId.values()) {
      const { id, method, tool, since, toldSlow } = entry;
      if (toldSlow || now - since < ms) continue;
      entry.toldSlow = true;
      emit({
        type: "request.slow",
        session,
        id,
        method,
        ...tool !== undefined && { tool },
        ageMs: now - since,
      });
    }
  }

  /** Settles when no request is open. */
  drained(): Promise<void> {
    if (this.#byId.size === 0) return Promise.resolve();
    this.#drained ??= Promise.withResolvers<void>();
    return this.#drained.promise;
  }

  #release(): void {
    this.#drained?.resolve();
    this.#drained = undefined;
  }

  #tell({ id, method, tool, since }: OpenRequest, outcome: Outcome, why: Why | undefined): void {
    const { session, direction, emit } = this.#options;
    const durationMs = performance.now() - since;
    const type = "request.finished";
    // With each message: no object more than the event.
    if (why === undefined) {
      return tool === undefined
        ? emit({ type, session, direction, id, method, outcome, durationMs })
        : emit({ type, session, direction, id, method, tool, outcome, durationMs });
    }
    const more = { ...tool !== undefined && { tool }, ...why };
    emit({ type, session, direction, id, method, ...more, outcome, durationMs });
  }
}

/** Why an answer is nobody's, of so many that wait for one. */
export function unansweredBy({ id }: JsonRpcResponse, openRequests: number): string {
  return isId(id) || openRequests === 0
    ? "it answers no open request"
    : "it is an error without an id, and which of the open requests it answers cannot be told";
}

function isLonger(name: RequestId | undefined, maxChars: number): boolean {
  return typeof name === "string" && name.length > maxChars;
}
