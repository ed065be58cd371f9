/** What is kept for a stream that is not there: within its limits, and the oldest makes room for the newest. */
import { type BufferLimits, type Envelope, textOf } from "../core/channel.ts";

export class MessageBuffer {
  readonly #limits: BufferLimits;
  readonly #messages: Envelope[] = [];
  #bytes = 0;

  constructor(limits: BufferLimits) {
    this.#limits = limits;
  }

  /** How many messages had to go for this one, which may be among them. */
  add(envelope: Envelope): number {
    this.#messages.push(envelope);
    this.#bytes += textOf(envelope).length;
    const { maxBufferedMessages, maxBufferedBytes } = this.#limits;
    let gone = 0;
    while (this.#messages.length > maxBufferedMessages || this.#bytes > maxBufferedBytes) {
      this.take();
      gone++;
    }
    return gone;
  }

  /** The oldest. */
  take(): Envelope | undefined {
    const envelope = this.#messages.shift();
    if (envelope) this.#bytes -= textOf(envelope).length;
    return envelope;
  }
}
