/**
 * What is said before `initialize` is answered waits for that, and is then said in its order: over HTTP each message is a
 * POST of its own, which may overtake those before it.
 */
import type { Backlog } from "../../core/backlog.ts";
import { type Envelope, textOf } from "../../core/channel.ts";
import { DisconnectedError } from "../../core/errors.ts";
import { cancelledId, isHandshake } from "../../core/mcp/messages.ts";
import {
  answersSole,
  isRequest,
  isResponse,
  type JsonRpcMessage,
  type RequestId,
} from "../../core/message/jsonrpc.ts";

interface HandshakeGateOptions {
  readonly say: (envelope: Envelope) => Promise<void> | void;
  /** Counts what waits here and is no request: those are counted by whoever may send them again. */
  readonly backlog: Backlog | undefined;
}

export class HandshakeGate {
  readonly #options: HandshakeGateOptions;
  /** The handshake that is not answered. */
  #handshakeId: RequestId | undefined;
  #held: Envelope[] = [];
  /** While what was held is being said, what comes meanwhile is behind it. */
  #releasing = false;

  constructor(options: HandshakeGateOptions) {
    this.#options = options;
  }

  /** Says it, or keeps it until its time comes. */
  send(envelope: Envelope): Promise<void> | void {
    const { message } = envelope;
    if (isRequest(message) && isHandshake(message)) {
      this.#handshakeId = message.id;
      return this.#options.say(envelope);
    }
    // The server may have a question of its own before it answers.
    const free = (this.#handshakeId === undefined && !this.#releasing) || isResponse(message);
    return free ? this.#options.say(envelope) : this.#hold(envelope, message);
  }

  /** Sees what the server says. */
  hear(message: JsonRpcMessage): void {
    if (this.#handshakeId !== undefined && answersSole(message, this.#handshakeId)) this.#release();
  }

  /** This request has its answer, or will have none. */
  answered(id: RequestId): void {
    if (id === this.#handshakeId) this.#release();
  }

  /** Nothing is said any more. */
  clear(): void {
    for (const envelope of this.#held.splice(0)) this.#count(envelope, -1);
  }

  #hold(envelope: Envelope, message: JsonRpcMessage): Promise<void> | void {
    const cancelled = cancelledId(message);
    if (cancelled === undefined) {
      this.#held.push(envelope);
      return this.#count(envelope, 1);
    }
    const at = this.#held.findIndex((held) => isRequest(held.message) && held.message.id === cancelled);
    // What was never said need not be taken back.
    return at === -1 ? this.#options.say(envelope) : void this.#held.splice(at, 1);
  }

  #release(): void {
    this.#handshakeId = undefined;
    if (!this.#releasing && this.#held.length > 0) void this.#sayHeld();
  }

  async #sayHeld(): Promise<void> {
    this.#releasing = true;
    while (this.#handshakeId === undefined) {
      const envelope = this.#held.shift();
      if (!envelope) break;
      this.#count(envelope, -1);
      try {
        await this.#options.say(envelope);
      } catch (error) {
        // Whoever reads the channel hears of its end.
        if (!(error instanceof DisconnectedError)) throw error;
      }
    }
    this.#releasing = false;
  }

  #count(envelope: Envelope, sign: 1 | -1): void {
    if (!isRequest(envelope.message)) this.#options.backlog?.add(sign * textOf(envelope).length);
  }
}
