/**
 * One POST of Streamable HTTP and its answer: plain JSON when the response is the first thing to say, SSE once
 * something precedes it or after a while of silence.
 */
import { type Envelope, textOf } from "../core/channel.ts";
import { errorOf, isResponse, type JsonRpcMessage, type RequestId } from "../core/jsonrpc.ts";
import { encodeMessage } from "../wire/sse.ts";
import { EventStream } from "./event_stream.ts";

export type ReplyMode = "auto" | "json" | "sse";

/** From here on a waiting client gets an SSE stream, whose keep-alive comments show that it is not forgotten. */
const SILENCE_MS = 2_000;
/** LSP's code for the same thing; outside the range that JSON-RPC reserves. */
const REQUEST_CANCELLED = { code: -32800, message: "Request cancelled" };

export interface ExchangeOptions {
  readonly ids: readonly RequestId[];
  readonly batch: boolean;
  readonly replyMode: ReplyMode;
  readonly keepAliveMs: number;
  /** Asked when the answer begins: a session id is given only to a session that exists. */
  readonly headers: () => Record<string, string>;
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
  #stream: EventStream | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #gone = false;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#waiting = new Set(options.ids);
    this.response = this.#answer.promise;
    if (options.replyMode === "sse") this.#startStream();
    else if (options.replyMode === "auto") this.#silence = setTimeout(() => this.#startStream(), SILENCE_MS);
  }

  /** True while somebody waits for the rest of the answer. */
  get open(): boolean {
    return !this.#gone && this.#waiting.size > 0;
  }

  /**
   * Whether messages that are no answers can go out here. True, too, only while a client waits: a stream tells when
   * it leaves, and there is one after a while of silence at the latest.
   */
  get carriesEvents(): boolean {
    return this.open && this.#options.replyMode !== "json";
  }

  /** An answer to one of the ids or, where `carriesEvents`, any message that belongs to them. */
  send(envelope: Envelope): Promise<void> | void {
    const { message } = envelope;
    const isAnswer = isResponse(message) && message.id !== null && this.#waiting.delete(message.id);
    if (this.#gone) return;
    if (isAnswer && !this.#stream && this.#answersAsJson()) return this.#answerJson(envelope);
    const stream = this.#startStream();
    const room = stream.send(encodeMessage(envelope));
    if (this.#waiting.size === 0) stream.close();
    return room;
  }

  /** The client wants no answer to this id any more. */
  cancel(id: RequestId): void {
    if (!this.#waiting.delete(id) || this.#waiting.size > 0) return;
    if (this.#options.replyMode === "json") this.#answerJson({ message: errorOf(id, REQUEST_CANCELLED) });
    else this.#startStream().close();
  }

  /** Answers what is still open with the same error. */
  fail(error: (id: RequestId) => JsonRpcMessage): void {
    for (const id of [...this.#waiting]) void this.send({ message: error(id) });
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

  #startStream(): EventStream {
    if (this.#stream) return this.#stream;
    const { keepAliveMs, headers } = this.#options;
    this.#stream = new EventStream({ keepAliveMs, onGone: () => this.#leave() });
    this.#settle(this.#stream.response(headers()));
    return this.#stream;
  }

  #leave(): void {
    this.#gone = true;
    this.#options.onGone();
  }

  #settle(response: Response): void {
    clearTimeout(this.#silence);
    this.#answer.resolve(response);
  }
}
