/** What is kept for a stream that is not there: within its limits, and the oldest makes room for the newest. */
import { type BufferLimits, type Envelope, textOf } from "../../core/channel.ts";
import type { JsonRpcMessage } from "../../core/message/jsonrpc.ts";

export class MessageBuffer {
  readonly #limits: BufferLimits;
  readonly #messages: Envelope[] = [];
  #bytes = 0;

  constructor(limits: BufferLimits) {
    this.#limits = limits;
  }

  /** What had to go for this one, which may be among it. */
  add(envelope: Envelope): readonly Envelope[] {
    this.#messages.push(envelope);
    this.#bytes += textOf(envelope).length;
    const { maxBufferedMessages, maxBufferedBytes } = this.#limits;
    const gone: Envelope[] = [];
    while (this.#messages.length > maxBufferedMessages || this.#bytes > maxBufferedBytes) {
      const oldest = this.take();
      if (oldest) gone.push(oldest);
    }
    return gone;
  }

  /** All of a kind, oldest first. */
  takeAll(isChosen: (message: JsonRpcMessage) => boolean): readonly Envelope[] {
    const all = this.#messages.splice(0);
    const taken = all.filter(({ message }) => isChosen(message));
    this.#messages.push(...all.filter(({ message }) => !isChosen(message)));
    for (const envelope of taken) this.#bytes -= textOf(envelope).length;
    return taken;
  }

  /** The oldest. */
  take(): Envelope | undefined {
    const envelope = this.#messages.shift();
    if (envelope) this.#bytes -= textOf(envelope).length;
    return envelope;
  }
}
