/**
 * A legacy server as clients of 2026-07-28 see it: each request has a conversation of its own with it, to which the
 * handshake is played. So whatever shares servers below this sees as many legacy clients as there are requests.
 */
import type { Backend, Launch } from "../../core/backend.ts";
import type { Channel, Envelope } from "../../core/channel.ts";
import { DisconnectedError, RpcCode } from "../../core/errors.ts";
import { background } from "../../core/events.ts";
import { cancelledId } from "../../core/mcp/messages.ts";
import { isOfTasks } from "../../core/mcp/methods.ts";
import { faultRefusal, isFault, requestMetaIn, revisionRefusal } from "../../core/mcp/request_meta.ts";
import { isRemoved } from "../../core/mcp/removed_methods.ts";
import {
  errorOf,
  isRequest,
  isResponse,
  type JsonRpcErrorObject,
  type JsonRpcRequest,
  type RequestId,
} from "../../core/message/jsonrpc.ts";
import { Queue } from "../../base/queue.ts";
import { Table } from "../../base/table.ts";
import { cut, escaped, quoted } from "../../base/outside.ts";
import {
  type ModernClientsOptions,
  type ModernConnection,
  ModernRequest,
  type Work,
} from "./modern_request.ts";

/** The same server, spoken to in the other era. */
export function forModernClients(legacy: Backend, options: ModernClientsOptions): Backend {
  return {
    name: legacy.name,
    open: (launch, signal) => Promise.resolve(new ModernChannel(legacy, { launch, signal }, options)),
    [Symbol.asyncDispose]: () => legacy[Symbol.asyncDispose](),
  };
}

/** How a connection was opened; `signal` ends what is opened on its behalf. */
interface Opened {
  readonly launch: Launch;
  readonly signal: AbortSignal;
}

/** What one client says, on one connection. */
class ModernChannel implements Channel, ModernConnection {
  readonly incoming = new Queue<Envelope>();
  readonly legacy: Backend;
  readonly launch: Launch;
  readonly signal: AbortSignal;
  readonly options: ModernClientsOptions;
  readonly #open = new Table<RequestId, Work>();
  #closed = false;

  constructor(legacy: Backend, { launch, signal }: Opened, options: ModernClientsOptions) {
    this.legacy = legacy;
    // One that is shared is opened by its own launch.
    this.launch = options.shared ? launch : { ...launch, era: undefined };
    this.signal = signal;
    this.options = options;
  }

  /** Waits for nobody: each request has a conversation of its own to wait for. */
  send(envelope: Envelope): void {
    if (this.#closed) throw new DisconnectedError("The conversation is closed");
    const { message } = envelope;
    if (isRequest(message)) return this.#begin(envelope, message);
    if (isResponse(message)) return this.drop("a client of 2026-07-28 answers by asking again");
    const cancelled = cancelledId(message);
    if (cancelled === undefined) {
      return this.drop(`2026-07-28 has no ${escaped(cut(message.method, 100))} from clients`);
    }
    this.#open.take(cancelled)?.end();
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

  // --- for its requests ---

  enter(id: RequestId, work: Work): void {
    this.#open.set(id, work);
  }

  answer(id: RequestId, envelope: Envelope): void {
    this.#open.take(id);
    this.tell(id, envelope);
  }

  tell(id: RequestId, envelope: Envelope): void {
    envelope.relatesTo = id;
    if (!this.incoming.ended) void this.incoming.push(envelope, envelope.text?.length);
  }

  drop(reason: string): void {
    const { session } = this.launch;
    this.options.emit({ type: "message.dropped", session, direction: "up", reason });
  }

  #begin(envelope: Envelope, message: JsonRpcRequest): void {
    const meta = requestMetaIn(message);
    if (isFault(meta)) return this.#refuse(message.id, faultRefusal(meta));
    const refusal = revisionRefusal(meta) ?? methodRefusal(message);
    if (refusal) return this.#refuse(message.id, refusal);
    const request = new ModernRequest(message, { meta, connection: this });
    this.enter(message.id, request);
    background(request.run(envelope), "request of a modern client", this.options.emit);
  }

  #refuse(id: RequestId, error: JsonRpcErrorObject): void {
    this.tell(id, { message: errorOf(id, error) });
  }
}

/** Why this cannot be asked in this era; undefined where it can. */
function methodRefusal({ method }: JsonRpcRequest): JsonRpcErrorObject | undefined {
  if (!isRemoved(method) && !isOfTasks(method)) return undefined;
  return { code: RpcCode.methodNotFound, message: `${quoted(method)} is no method of 2026-07-28` };
}
