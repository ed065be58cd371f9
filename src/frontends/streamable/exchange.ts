/**
 * One POST of Streamable HTTP and its answer: plain JSON when the response is the first thing to say, SSE once
 * something precedes it or after a while of silence.
 */
import type { Caller } from "../../core/caller.ts";
import { type Envelope, textOf } from "../../core/channel.ts";
import { errorOf, isResponse, type JsonRpcMessage, type RequestId } from "../../core/message/jsonrpc.ts";
import { type Ticket, TimeLimit } from "../../base/time_limit.ts";
import type { Accounts } from "../../core/unread.ts";
import { Outgoing } from "../outgoing.ts";
import { MessageStream } from "./message_stream.ts";
import type { EventLog } from "./session_events.ts";

export type ReplyMode = "auto" | "json" | "sse";

/** From here on a waiting client gets an SSE stream, whose keep-alive comments show that it is not forgotten. */
const SILENCE_MS = 2_000;
const SILENCE_GRAIN_MS = 125;
/** Far longer than a hiccup of the network; the rest of the session waits meanwhile. */
const STALL_MS = 10_000;
/**
 * From here on an answer goes out in pieces: the runtime holds a whole text for a client that does not read, and nobody
 * could count that.
 */
const LARGE_CHARS = 64 * 1024;
const OK = 200;
/** LSP's code for the same thing; outside the range that JSON-RPC reserves. */
const REQUEST_CANCELLED = { code: -32800, message: "Request cancelled" };

interface ExchangeOptions {
  readonly ids: readonly RequestId[];
  readonly batch: boolean;
  /** The HTTP status of an answer that is the whole response; 200 by default. With any other it is no stream, ever. */
  readonly statusOf?: ((message: JsonRpcMessage) => number) | undefined;
  /** The connection that the POST came on. */
  readonly caller?: Caller | undefined;
}

export interface ExchangeSettings {
  readonly replyMode: ReplyMode;
  readonly keepAliveMs: number;
  readonly unread: Accounts;
  /** From `silenceLimit`: one timer for all. */
  readonly silence: TimeLimit<Exchange>;
  /** While somebody waits for a server, the answer may be a refusal with a status of its own: no stream begins then. */
  readonly crowded?: (() => boolean) | undefined;
}

/** What the exchanges of one conversation have in common. */
export interface ExchangeOwner {
  /** Its name in the log. */
  readonly id: string;
  readonly settings: ExchangeSettings;
  /** The headers that an answer begins with, asked then: only a session that exists gives its id, and gives it once. */
  sessionHeaders(): Record<string, string>;
  /** Asked when a stream begins, where its events are to be kept. */
  eventLog?(): EventLog | undefined;
  /** The client went away before everything was answered. */
  onGone(): void;
}

/** Begins the streams of exchanges that have been silent for long. Whoever makes it clears it. */
export function silenceLimit(): TimeLimit<Exchange> {
  return new TimeLimit<Exchange>(SILENCE_MS, (exchange) => exchange.breakSilence(), SILENCE_GRAIN_MS);
}

export class Exchange {
  /** Settles when it is known what the answer begins with. */
  readonly response: Promise<Response>;
  readonly #options: ExchangeOptions;
  readonly #owner: ExchangeOwner;
  readonly #waiting: Set<RequestId>;
  readonly #answers: Envelope[] = [];
  readonly #answer = Promise.withResolvers<Response>();
  #silence: Ticket<Exchange> | undefined;
  #stream: MessageStream | undefined;

  constructor(options: ExchangeOptions, owner: ExchangeOwner) {
    this.#options = options;
    this.#owner = owner;
    this.#waiting = new Set(options.ids);
    this.response = this.#answer.promise;
    const { replyMode, silence } = owner.settings;
    // A stream has begun with 200: where the answer may have a status of its own, something has to be known first.
    if (replyMode === "sse" && !options.statusOf) this.#startStream();
    else if (replyMode !== "json") this.#silence = silence.add(this);
  }

  /** Shows a client that has waited for long that it is not forgotten. */
  breakSilence(): void {
    const { crowded, silence } = this.#owner.settings;
    if (this.#silence && crowded?.()) silence.renew(this.#silence);
    else this.#startStream();
  }

  /** Its SSE stream, where one has begun. */
  get stream(): MessageStream | undefined {
    return this.#stream;
  }

  /** Everything is answered, whether or not somebody has heard it. */
  get complete(): boolean {
    return this.#waiting.size === 0;
  }

  /** True while somebody waits for the rest of the answer, or may come back for it. */
  get isOpen(): boolean {
    return this.#waiting.size > 0 && (this.#attended || this.#stream?.resumable === true);
  }

  /** Whether messages that are no answers can go out here. */
  get carriesEvents(): boolean {
    return this.isOpen && this.#owner.settings.replyMode !== "json";
  }

  /**
   * Whether a client is known to wait: a stream tells when it leaves, and there is one after a while of silence at
   * the latest.
   */
  get awaited(): boolean {
    return this.isOpen && this.#attended;
  }

  /** An answer to one of the ids or, where `carriesEvents`, any message that belongs to them. */
  send(envelope: Envelope): Promise<void> | void {
    const { message } = envelope;
    const wasOpen = this.isOpen;
    const isAnswer = isResponse(message) && message.id !== null && this.#waiting.delete(message.id);
    if (!wasOpen) return;
    if (isAnswer && !this.#stream && this.#refuses(envelope)) return;
    if (isAnswer && !this.#stream && this.#answersAsJson(message)) return this.#answerJson(envelope);
    return this.#startStream().send(envelope, this.#waiting.size === 0);
  }

  /**
   * The client wants no answer to this id any more. It gets one all the same: HTTP has to answer, and clients turn an end
   * without a word into an error of their own, or come back for the rest.
   */
  cancel(id: RequestId): void {
    if (this.#waiting.has(id)) void this.send({ message: errorOf(id, REQUEST_CANCELLED) });
  }

  /** Answers what is still open with the same error. */
  fail(error: (id: RequestId) => JsonRpcMessage): void {
    for (const id of [...this.#waiting]) void this.send({ message: error(id) });
  }

  /** What there was no room for is refused as HTTP has it, so that clients and balancers know what to do. */
  #refuses({ message, undelivered }: Envelope): boolean {
    if (undelivered?.why !== "busy" || this.#options.batch) return false;
    const { afterMs = 0 } = undelivered;
    const retryAfter = `${Math.max(1, Math.ceil(afterMs / 1000))}`;
    const headers = { "Retry-After": retryAfter, "Content-Type": "application/json" };
    this.#settleAsJson(new Response(JSON.stringify(message), { status: 503, headers }));
    return true;
  }

  #answersAsJson(message: JsonRpcMessage): boolean {
    const { replyMode } = this.#owner.settings;
    if (replyMode === "sse") return this.#statusOf(message) !== OK;
    return replyMode === "json" || !this.#options.batch;
  }

  #statusOf(message: JsonRpcMessage): number {
    return this.#options.statusOf?.(message) ?? OK;
  }

  #answerJson(envelope: Envelope): void {
    this.#answers.push(envelope);
    if (this.#waiting.size > 0) return;
    const texts = this.#answers.map(textOf);
    const body = this.#options.batch ? `[${texts.join(",")}]` : texts[0];
    const headers = { ...this.#owner.sessionHeaders(), "Content-Type": "application/json" };
    const status = this.#statusOf(envelope.message);
    this.#settleAsJson(
      new Response(body && this.#isTooLarge(body) ? this.#inPieces(body) : body, { headers, status }),
    );
  }

  #isTooLarge({ length }: string): boolean {
    return length > LARGE_CHARS && !this.#options.caller?.takesWhole(length);
  }

  #inPieces(text: string): ReadableStream<Uint8Array> {
    const { id: session, settings: { unread } } = this.#owner;
    const out = new Outgoing({ session, unread, caller: this.#options.caller });
    void out.send(text);
    out.end();
    return out.body;
  }

  #startStream(): MessageStream {
    if (this.#stream) return this.#stream;
    const host = this.#owner;
    const { id: session, settings: { keepAliveMs, unread } } = host;
    this.#stream = new MessageStream({
      ...{ session, unread, keepAliveMs, log: host.eventLog?.(), stallMs: STALL_MS },
      onGone: () => host.onGone(),
    });
    this.#settle(this.#stream.connect(host.sessionHeaders(), this.#options.caller));
    return this.#stream;
  }

  get #attended(): boolean {
    return this.#stream?.connected ?? true;
  }

  #settleAsJson(response: Response): void {
    this.#settle(this.#options.caller?.answerPrivately(response) ?? response);
  }

  #settle(response: Response): void {
    if (this.#silence) this.#owner.settings.silence.delete(this.#silence);
    this.#answer.resolve(response);
  }
}
