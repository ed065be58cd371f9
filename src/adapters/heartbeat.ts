/**
 * A call that asked for progress and hears nothing is told now and then that it still runs, so that its client,
 * and what is in between, do not give it up.
 *
 * This stands around the client's channel and not the server's: there the server's own progress can be told from
 * ours, which must not count as a sign of life of the server, and a call is heard of while its server still starts.
 */
import { heard } from "../core/around.ts";
import type { Channel, Envelope } from "../core/channel.ts";
import { DisconnectedError } from "../core/errors.ts";
import { cancelledId, reportedToken, requestedToken } from "../core/mcp/messages.ts";
import { Method } from "../core/mcp/methods.ts";
import {
  isRequest,
  isResponse,
  type JsonRpcMessage,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type ProgressToken,
  type RequestId,
} from "../core/message/jsonrpc.ts";
import type { Readable } from "../base/readable.ts";
import { Table } from "../base/table.ts";
import { type Ticket, TimeLimit } from "../base/time_limit.ts";
import { anew } from "../wire/anew.ts";

/** What a heartbeat adds to the progress: a day of them, one a second, stays far below any step of a server. */
const TINY = 1e-9;

interface HeartbeatOptions {
  /** Milliseconds without progress of a call after which its client is told that it still runs. */
  readonly everyMs: number;
}

/** A request whose client wants to hear of its progress. */
interface Call {
  readonly id: RequestId;
  readonly token: ProgressToken;
  readonly since: number;
  /** The last value that the client was told, where there was any. */
  progress?: number;
  /** As the server said it last. */
  total?: unknown;
  /** A heartbeat has raised the value, so the server's next one may be no increase. */
  interrupted?: boolean;
  silence?: Ticket<Call>;
}

/** Wraps the channel of a client; without calls that ask for progress it only looks on. */
export function withHeartbeat(client: Channel, { everyMs }: HeartbeatOptions): Channel {
  return new HeartbeatChannel(client, everyMs);
}

class HeartbeatChannel implements Channel {
  readonly incoming: Readable<Envelope>;
  readonly #client: Channel;
  readonly #calls = new Table<RequestId, Call>();
  readonly #byToken = new Table<ProgressToken, Call>();
  readonly #silence: TimeLimit<Call>;
  /** The client has not read the last heartbeat: none is sent until it has. */
  #full = false;

  constructor(client: Channel, everyMs: number) {
    this.#client = client;
    this.#silence = new TimeLimit(everyMs, (call) => this.#beat(call));
    this.incoming = heard(client.incoming, {
      hear: (envelope) => {
        this.#hear(envelope.message);
        return envelope;
      },
    });
  }

  send(envelope: Envelope): Promise<void> | void {
    const { message } = envelope;
    if (isResponse(message)) this.#forget(message.id);
    else if (!isRequest(message)) return this.#client.send(this.#told(envelope, message));
    return this.#client.send(envelope);
  }

  close(reason?: Error): Promise<void> {
    this.#forgetAll();
    return this.#client.close(reason);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#forgetAll();
    return this.#client[Symbol.asyncDispose]();
  }

  // --- from the client ---

  #hear(message: JsonRpcMessage): void {
    if (isRequest(message)) return this.#begin(message);
    const cancelled = cancelledId(message);
    if (cancelled !== undefined) this.#forget(cancelled);
  }

  #begin(message: JsonRpcRequest): void {
    const token = requestedToken(message);
    if (token === undefined) return;
    const { id } = message;
    const call: Call = { id, token, since: performance.now() };
    this.#forget(id);
    // Of two calls with one token the later one has it, as everywhere.
    const older = this.#byToken.get(token);
    if (older) this.#forget(older.id);
    this.#calls.set(id, call);
    this.#byToken.set(token, call);
    call.silence = this.#silence.add(call, call.since);
  }

  #forget(id: RequestId | null): void {
    const call = id === null ? undefined : this.#calls.take(id);
    if (!call) return;
    this.#byToken.take(call.token);
    if (call.silence) this.#silence.delete(call.silence);
    if (this.#calls.size === 0) this.#silence.clear();
  }

  #forgetAll(): void {
    this.#calls.clear();
    this.#byToken.clear();
    this.#silence.clear();
  }

  // --- to the client ---

  /** What the client is told of a message of the server: progress never goes backwards because of us. */
  #told(envelope: Envelope, message: JsonRpcNotification): Envelope {
    const token = reportedToken(message);
    const call = token === undefined ? undefined : this.#byToken.get(token);
    if (!call) return envelope;
    if (call.silence) this.#silence.renew(call.silence);
    const { progress, total } = message.params ?? {};
    if (typeof progress !== "number") return envelope;
    const last = call.progress ?? 0;
    const behind = call.interrupted && progress <= last;
    call.progress = behind ? justAbove(last) : progress;
    call.total = total;
    if (!behind) return envelope;
    const raised = (said: JsonRpcNotification) => ({
      ...said,
      params: { ...said.params, progress: call.progress },
    });
    return { ...envelope, ...anew(envelope, message, raised) };
  }

  #beat(call: Call): void {
    if (call.silence) this.#silence.renew(call.silence);
    if (this.#full) return;
    const { id, token: progressToken, since, total } = call;
    const progress = call.progress = justAbove(call.progress ?? 0);
    call.interrupted = true;
    const message = `Still running after ${spoken(performance.now() - since)}`;
    // The total is left out where the progress would exceed it.
    const within = typeof total === "number" && progress <= total;
    const params = { progressToken, progress, ...(within && { total }), message };
    this.#say({
      message: { jsonrpc: "2.0", method: Method.progress, params },
      relatesTo: id,
      fleeting: true,
    });
  }

  #say(envelope: Envelope): void {
    try {
      const room = this.#client.send(envelope);
      if (!room) return;
      this.#full = true;
      room.then(() => this.#full = false).catch(ignoreGone);
    } catch (error) {
      ignoreGone(error);
    }
  }
}

/** Not a fault: the session learns from its own messages that the client is gone. */
function ignoreGone(error: unknown): void {
  if (!(error instanceof DisconnectedError)) throw error;
}

/** The step grows with the value, where TINY would be lost in rounding. */
function justAbove(value: number): number {
  return value + Math.max(TINY, Math.abs(value) * Number.EPSILON);
}

function spoken(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  return ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.floor(ms / 60_000)} min`;
}
