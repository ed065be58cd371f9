/** One POST of stateless Streamable HTTP as a Channel: a conversation that ends with its answers. */
import type { Backlog } from "../../core/backlog.ts";
import type { Caller } from "../../core/caller.ts";
import type { Channel, Envelope } from "../../core/channel.ts";
import type { LazyAbortController } from "../../base/lazy_abort_controller.ts";
import { DisconnectedError, GatewayError, toRpcError } from "../../core/errors.ts";
import { errorOf, isResponse, type JsonRpcMessage } from "../../core/message/jsonrpc.ts";
import { Queue } from "../../base/queue.ts";
import { Exchange, type ExchangeOwner, type ExchangeSettings } from "./exchange.ts";
import { HandshakeCheck } from "./handshake_check.ts";
import type { Posted } from "../posted.ts";

const NO_HEADERS = {};

interface PostContext {
  readonly session: string;
  readonly caller: Caller;
  /** What the peer's signal belongs to. */
  readonly gone: LazyAbortController;
  readonly backlog: Backlog;
  readonly statusOf?: ((message: JsonRpcMessage) => number) | undefined;
  /** Hears each answer. */
  readonly hear?: ((message: JsonRpcMessage) => void) | undefined;
  /** Hears that all is answered, or that nobody waits for it any more. */
  readonly onComplete?: (() => void) | undefined;
}

export class SinglePost implements Channel, ExchangeOwner {
  readonly id: string;
  readonly incoming = new Queue<Envelope>();
  /** Settles with the answer to the POST. */
  readonly response: Promise<Response>;
  readonly settings: ExchangeSettings;
  readonly #gone: LazyAbortController;
  readonly #exchange: Exchange | undefined;
  readonly #hear: PostContext["hear"];
  readonly #onComplete: PostContext["onComplete"];
  readonly #handshake = new HandshakeCheck();

  /** The silence of `settings` is that of all POSTs together. */
  constructor(
    posted: Posted,
    settings: ExchangeSettings,
    { session, caller, gone, backlog, statusOf, hear, onComplete }: PostContext,
  ) {
    this.id = session;
    this.settings = settings;
    this.#gone = gone;
    this.#hear = hear;
    this.#onComplete = onComplete;
    this.incoming.countIn(backlog);
    const { requests, messages, batch, weight, body } = posted;
    if (requests.length > 0) {
      this.#exchange = new Exchange({ ids: requests.map(({ id }) => id), batch, caller, statusOf }, this);
    }
    this.response = this.#exchange?.response ?? Promise.resolve(new Response(null, { status: 202 }));
    for (const envelope of messages) {
      this.#handshake.sent(envelope.message);
      void this.incoming.push(envelope, weight);
    }
    if (requests.length === 0) this.incoming.end();
    body.release();
  }

  sessionHeaders(): Record<string, string> {
    return NO_HEADERS;
  }

  /** Its answer is complete, or it wants none. */
  get answered(): boolean {
    return this.#exchange?.complete !== false;
  }

  /** The client has left, or has taken its answer: who looks at the connection cannot tell. */
  left(): void {
    if (!this.answered) this.onGone();
  }

  /** Nothing can be resumed here, so a client that leaves takes its requests along. */
  onGone(): void {
    this.#onComplete?.();
    const error = new DisconnectedError("The client is gone");
    this.incoming.fail(error);
    this.#gone.abort(error);
  }

  send(envelope: Envelope): Promise<void> | void {
    const { message } = envelope;
    if (!this.#exchange) return;
    if (!isResponse(message)) {
      // Without a stream of its own there is no place for it, and nobody who would miss it.
      return this.#exchange.carriesEvents ? this.#exchange.send(envelope) : undefined;
    }
    this.#hear?.(message);
    const room = this.#exchange.send(this.#handshake.answer(envelope) ?? envelope);
    if (this.#exchange.complete) this.#end();
    return room;
  }

  #end(): void {
    this.incoming.end();
    this.#onComplete?.();
  }

  close(reason?: Error): Promise<void> {
    // An error is dear to make, and mostly everything is answered.
    if (!this.#exchange?.isOpen) return Promise.resolve();
    const error = toRpcError(
      reason instanceof GatewayError ? reason : new DisconnectedError("The server ended the conversation"),
    );
    this.#exchange.fail((id) => errorOf(id, error));
    return Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
    this.incoming.end();
  }
}
