/**
 * One POST of Streamable HTTP and its answer: plain JSON when the response is the first thing to say, SSE once
 * something precedes it or after a while of silence.
 */
import { type Envelope, textOf } from "../core/channel.ts";
import { errorOf, isResponse, type JsonRpcMessage, type RequestId } from "../core/jsonrpc.ts";
import { EventStream } from "./event_stream.ts";
import { MessageStream } from "./message_stream.ts";
import type { EventLog } from "./session_events.ts";

export type ReplyMode = "auto" | "json" | "sse";

/** From here on a waiting client gets an SSE stream, whose keep-alive comments show that it is not forgotten. */
const SILENCE_MS = 2_000;
/** From the end of a wait for a server to the refusal in our hands. */
const REFUSAL_MARGIN_MS = 500;
/** Far longer than a hiccup of the network; the rest of the session waits meanwhile. */
const STALL_MS = 10_000;
/** LSP's code for the same thing; outside the range that JSON-RPC reserves. */
const REQUEST_CANCELLED = { code: -32800, message: "Request cancelled" };

export interface ExchangeOptions {
  readonly ids: readonly RequestId[];
  readonly batch: boolean;
  readonly replyMode: ReplyMode;
  readonly keepAliveMs: number;
  /** The answer may be a refusal with a status of its own for so long: no stream begins before that. */
  readonly refusalMs?: number | undefined;
  /** Asked when the answer begins: a session id is given only to a session that exists. */
  readonly headers: () => Record<string, string>;
  /** Asked when a stream begins, where its events are to be kept. */
  readonly openLog?: (() => EventLog | undefined) | undefined;
  /** The client went away before everything was answered. */
  readonly onGone: () => void;
}

export class Exchange {
  /** Settles when it is known what the answer begins with. */
  readonly response: Promise<Response>;
  readonly #options: ExchangeOptions;
  readonly #waiting: Set<RequestId>;
  readonly #answers: Envelope[] = [];
  readonly #answer = Promise.withResolvers<Response>();
  #stream: MessageStream | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#waiting = new Set(options.ids);
    this.response = this.#answer.promise;
    if (options.replyMode === "sse") this.#startStream();
    else if (options.replyMode === "auto") {
      this.#silence = setTimeout(() => this.#startStream(), silenceMs(options));
    }
  }

  /** Its SSE stream, where one has begun. */
  get stream(): MessageStream | undefined {
    return this.#stream;
  }

  /** True while somebody waits for the rest of the answer, or may come back for it. */
  get open(): boolean {
    return this.#waiting.size > 0 && (this.#attended || this.#stream?.resumable === true);
  }

  /** Whether messages that are no answers can go out here. */
  get carriesEvents(): boolean {
    return this.open && this.#options.replyMode !== "json";
  }

  /**
   * Whether a client is known to wait: a stream tells when it leaves, and there is one after a while of silence at
   * the latest.
   */
  get awaited(): boolean {
    return this.open && this.#attended;
  }

  /** An answer to one of the ids or, where `carriesEvents`, any message that belongs to them. */
  send(envelope: Envelope): Promise<void> | void {
    const { message } = envelope;
    const wasOpen = this.open;
    const isAnswer = isResponse(message) && message.id !== null && this.#waiting.delete(message.id);
    if (!wasOpen) return;
    if (isAnswer && !this.#stream && this.#refuses(envelope)) return;
    if (isAnswer && !this.#stream && this.#answersAsJson()) return this.#answerJson(envelope);
    return this.#startStream().send(envelope, this.#waiting.size === 0);
  }

  /** The client wants no answer to this id any more. */
  cancel(id: RequestId): void {
    if (!this.#waiting.delete(id) || this.#waiting.size > 0) return;
    if (this.#options.replyMode === "json") this.#answerJson({ message: errorOf(id, REQUEST_CANCELLED) });
    else if (this.#stream) this.#stream.end();
    else this.#settle(this.#emptyStream());
  }

  /** Answers what is still open with the same error. */
  fail(error: (id: RequestId) => JsonRpcMessage): void {
    for (const id of [...this.#waiting]) void this.send({ message: error(id) });
  }

  /** What there was no room for is refused as HTTP has it, so that clients and balancers know what to do. */
  #refuses({ message, undelivered }: Envelope): boolean {
    if (undelivered?.status !== 503 || this.#options.batch) return false;
    const { status, retryAfterMs = 0 } = undelivered;
    const retryAfter = `${Math.max(1, Math.ceil(retryAfterMs / 1000))}`;
    const headers = { "Retry-After": retryAfter, "Content-Type": "application/json" };
    this.#settle(new Response(JSON.stringify(message), { status, headers }));
    return true;
  }

  #answersAsJson(): boolean {
    const { replyMode, batch } = this.#options;
    return replyMode === "json" || (replyMode === "auto" && !batch);
  }

  #answerJson(envelope: Envelope): void {
    this.#answers.push(envelope);
    if (this.#waiting.size > 0) return;
    const texts = this.#answers.map(textOf);
    const body = this.#options.batch ? `[${texts.join(",")}]` : texts[0];
    this.#settle(
      new Response(body, { headers: { ...this.#options.headers(), "Content-Type": "application/json" } }),
    );
  }

  #startStream(): MessageStream {
    if (this.#stream) return this.#stream;
    const { keepAliveMs, headers, openLog, onGone } = this.#options;
    this.#stream = new MessageStream({ keepAliveMs, log: openLog?.(), stallMs: STALL_MS, onGone });
    this.#settle(this.#stream.connect(headers()));
    return this.#stream;
  }

  get #attended(): boolean {
    return this.#stream?.connected ?? true;
  }

  /** Without an event there is nothing to resume, so the client does not come back for it. */
  #emptyStream(): Response {
    const { keepAliveMs, headers } = this.#options;
    const stream = new EventStream({ keepAliveMs, onGone: () => {} });
    stream.close();
    return stream.response(headers());
  }

  #settle(response: Response): void {
    clearTimeout(this.#silence);
    this.#answer.resolve(response);
  }
}

function silenceMs({ refusalMs }: ExchangeOptions): number {
  return refusalMs === undefined ? SILENCE_MS : Math.max(SILENCE_MS, refusalMs + REFUSAL_MARGIN_MS);
}
