/** One stateful session of Streamable HTTP as a Channel: many POSTs, at most one GET stream. */
import { type Channel, type Envelope, textOf } from "../core/channel.ts";
import { DisconnectedError, GatewayError, toRpcError } from "../core/errors.ts";
import type { Sink } from "../core/events.ts";
import { cancelledId, errorOf, isResponse, type RequestId } from "../core/jsonrpc.ts";
import { Queue } from "../core/queue.ts";
import { encodeMessage } from "../wire/sse.ts";
import { EventStream } from "./event_stream.ts";
import { Exchange, type ReplyMode } from "./exchange.ts";
import { HandshakeCheck } from "./handshake_check.ts";
import { type Posted, refuseFull, stillOpen } from "./posted.ts";

export const SESSION_HEADER = "Mcp-Session-Id";

export interface SessionSettings {
  readonly replyMode: ReplyMode;
  readonly keepAliveMs: number;
  /** How long a session may be without a message; an open call whose client still waits counts as one. */
  readonly sessionTimeoutMs: number;
  /** How many messages may wait: for a stream to open, and for the server. */
  readonly maxBufferedMessages: number;
  /** And how large they may be together. */
  readonly maxBufferedBytes: number;
  readonly emit: Sink;
}

interface Ending {
  /** What the peer's `gone` belongs to. */
  readonly gone: AbortController;
  /** Called as soon as the session can no longer be found by its id. */
  readonly onEnd: () => void;
}

export class StreamableSession implements Channel {
  readonly incoming = new Queue<Envelope>();
  readonly id: string;
  readonly #settings: SessionSettings;
  readonly #gone: AbortController;
  readonly #onEnd: () => void;
  readonly #handshake = new HandshakeCheck();
  readonly #exchanges = new Map<RequestId, Exchange>();
  #standing: EventStream | undefined;
  #buffer: Envelope[] = [];
  #bufferedBytes = 0;
  #established = true;
  #closed = false;
  #lastActive = performance.now();
  #idleTimer: ReturnType<typeof setTimeout>;

  constructor(id: string, settings: SessionSettings, { gone, onEnd }: Ending) {
    this.id = id;
    this.#settings = settings;
    this.#gone = gone;
    this.#onEnd = onEnd;
    this.#idleTimer = setTimeout(() => this.#checkIdle(), settings.sessionTimeoutMs);
  }

  // --- from the client ---

  /** Takes the messages of one POST; settles with its answer. Throws RequestError or LimitError. */
  async post(posted: Posted): Promise<Response> {
    this.#touch();
    const repeated = posted.requests.find(({ id }) => this.#exchanges.has(id));
    if (repeated) throw stillOpen(repeated.id);
    refuseFull(this.incoming, this.#settings);
    const exchange = posted.requests.length > 0 ? this.#exchange(posted) : undefined;
    for (const message of posted.messages) {
      this.#handshake.sent(message);
      const room = this.incoming.push(
        { message, text: posted.text, relatesTo: undefined },
        posted.text?.length,
      );
      this.#cancel(cancelledId(message));
      if (room && !exchange) await room;
    }
    return exchange ? await exchange.response : new Response(null, { status: 202 });
  }

  /** Opens the GET stream; an older one gives way, for its client is more likely gone than greedy. */
  listen(): Response {
    this.#touch();
    this.#standing?.close();
    const stream = new EventStream({
      keepAliveMs: this.#settings.keepAliveMs,
      onGone: () => {},
      onRoom: () => this.#flush(),
    });
    this.#standing = stream;
    this.#flush();
    return stream.response({ [SESSION_HEADER]: this.id });
  }

  /** Ends the session from outside: DELETE, or time. */
  end(why: string): void {
    this.#retire();
    const error = new DisconnectedError(why);
    this.incoming.fail(error);
    this.#gone.abort(error);
  }

  /** The server owes no answer to a cancelled request, so its POST ends here. */
  #cancel(id: RequestId | undefined): void {
    if (id === undefined) return;
    this.#exchanges.get(id)?.cancel(id);
    this.#exchanges.delete(id);
  }

  #exchange({ requests, batch }: Posted): Exchange {
    const ids = requests.map(({ id }) => id);
    const { replyMode, keepAliveMs } = this.#settings;
    const headers = (): Record<string, string> => this.#established ? { [SESSION_HEADER]: this.id } : {};
    const exchange = new Exchange({ ids, batch, replyMode, keepAliveMs, headers, onGone: () => {} });
    for (const id of ids) this.#exchanges.set(id, exchange);
    return exchange;
  }

  // --- from the server ---

  send(envelope: Envelope): Promise<void> | void {
    if (this.#closed) throw new DisconnectedError("The session has ended");
    this.#touch();
    const { message, relatesTo } = envelope;
    const exchange = relatesTo === undefined ? undefined : this.#exchanges.get(relatesTo);
    if (isResponse(message) && relatesTo !== undefined) {
      this.#exchanges.delete(relatesTo);
      if (exchange?.open) return exchange.send(this.#checked(envelope));
      return this.#drop("its client is gone");
    }
    if (exchange?.carriesEvents) return exchange.send(envelope);
    this.#keep(envelope);
    this.#flush();
  }

  /** Without a handshake there is no session: no id for the client, and no server kept for it. */
  #checked(envelope: Envelope): Envelope {
    const answer = this.#handshake.answer(envelope);
    if (answer && "error" in answer.message) {
      this.#established = false;
      this.end("The session was not established");
    }
    return answer ?? envelope;
  }

  #keep(envelope: Envelope): void {
    this.#buffer.push(envelope);
    this.#bufferedBytes += textOf(envelope).length;
    const { maxBufferedMessages, maxBufferedBytes } = this.#settings;
    let count = 0;
    while (this.#buffer.length > maxBufferedMessages || this.#bufferedBytes > maxBufferedBytes) {
      this.#unkeep();
      count++;
    }
    if (count > 0) this.#drop("the buffer for the GET stream is full, oldest first", count);
  }

  #unkeep(): Envelope | undefined {
    const envelope = this.#buffer.shift();
    if (envelope) this.#bufferedBytes -= textOf(envelope).length;
    return envelope;
  }

  /** A GET stream that nobody reads holds up nothing: what it cannot take waits in the buffer. */
  #flush(): void {
    while (this.#standing?.open && !this.#standing.full) {
      const envelope = this.#unkeep();
      if (!envelope) return;
      void this.#standing.send(encodeMessage(envelope));
    }
  }

  #drop(reason: string, count = 1): void {
    this.#settings.emit({ type: "message.dropped", session: this.id, direction: "down", reason, count });
  }

  // --- the end ---

  /** Called when nothing comes any more from the server: what is open gets its answer here. */
  close(reason?: Error): Promise<void> {
    this.#retire();
    const error = toRpcError(
      reason instanceof GatewayError ? reason : new DisconnectedError("The session has ended"),
    );
    for (const exchange of new Set(this.#exchanges.values())) exchange.fail((id) => errorOf(id, error));
    this.#exchanges.clear();
    this.#standing?.close();
    this.#buffer = [];
    this.#closed = true;
    return Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
    this.incoming.end();
  }

  #retire(): void {
    clearTimeout(this.#idleTimer);
    this.#onEnd();
  }

  #touch(): void {
    this.#lastActive = performance.now();
  }

  #checkIdle(): void {
    const { sessionTimeoutMs } = this.#settings;
    const waited = [...this.#exchanges.values()].some((exchange) => exchange.carriesEvents);
    const left = waited ? sessionTimeoutMs : this.#lastActive + sessionTimeoutMs - performance.now();
    if (left <= 0) return this.end(`The session was idle for ${sessionTimeoutMs} ms`);
    this.#idleTimer = setTimeout(() => this.#checkIdle(), left);
  }
}
