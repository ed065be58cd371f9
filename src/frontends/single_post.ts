/** One POST of stateless Streamable HTTP as a Channel: a conversation that ends with its answers. */
import type { Channel, Envelope } from "../core/channel.ts";
import { DisconnectedError, GatewayError, toRpcError } from "../core/errors.ts";
import { errorOf, isResponse } from "../core/jsonrpc.ts";
import { Queue } from "../core/queue.ts";
import type { TimeLimit } from "../core/time_limit.ts";
import { Exchange, type ReplyMode } from "./exchange.ts";
import { HandshakeCheck } from "./handshake_check.ts";
import type { Posted } from "./posted.ts";

export interface SinglePostSettings {
  readonly replyMode: ReplyMode;
  readonly keepAliveMs: number;
  /** When a stream begins: for all POSTs together. */
  readonly silence: TimeLimit<Exchange>;
  /** Whether somebody waits for a server, and may be refused. */
  readonly crowded?: (() => boolean) | undefined;
}

export class SinglePost implements Channel {
  readonly incoming = new Queue<Envelope>();
  /** Settles with the answer to the POST. */
  readonly response: Promise<Response>;
  readonly #exchange: Exchange | undefined;
  readonly #handshake = new HandshakeCheck();

  /** `gone` is what the peer's signal belongs to. */
  constructor(posted: Posted, settings: SinglePostSettings, gone: AbortController) {
    const ids = posted.requests.map(({ id }) => id);
    if (ids.length > 0) {
      // Nothing can be resumed here, so a client that leaves takes its requests along.
      const onGone = () => {
        const error = new DisconnectedError("The client is gone");
        this.incoming.fail(error);
        gone.abort(error);
      };
      const { batch } = posted;
      const { replyMode, keepAliveMs, silence, crowded } = settings;
      const host = { replyMode, keepAliveMs, silence, crowded, onGone, headers: noHeaders };
      this.#exchange = new Exchange({ ids, batch }, host);
    }
    this.response = this.#exchange?.response ?? Promise.resolve(new Response(null, { status: 202 }));
    for (const message of posted.messages) {
      this.#handshake.sent(message);
      void this.incoming.push({ message, text: posted.text, relatesTo: undefined });
    }
    if (ids.length === 0) this.incoming.end();
  }

  send(envelope: Envelope): Promise<void> | void {
    const { message } = envelope;
    if (!this.#exchange) return;
    if (!isResponse(message)) {
      // Without a stream of its own there is no place for it, and nobody who would miss it.
      return this.#exchange.carriesEvents ? this.#exchange.send(envelope) : undefined;
    }
    const room = this.#exchange.send(this.#handshake.answer(envelope) ?? envelope);
    if (this.#exchange.complete) this.incoming.end();
    return room;
  }

  close(reason?: Error): Promise<void> {
    // An error is dear to make, and mostly everything is answered.
    if (!this.#exchange?.open) return Promise.resolve();
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

function noHeaders(): Record<string, string> {
  return {};
}
